// What the floor of the CUDA engine says of devices that no machine at hand has: an old one, none,
// a small one, one that fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/device_buffer.hpp"
#include "base/handles.hpp"
#include "engine/context.hpp"
#include "sluice/base/error.hpp"
#include "standin/standin.hpp"
#include "support/device.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <typename Run>
std::string failure(Run run) {
  try {
    run();
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "";
}

class DeviceContextFaults : public sluice::testing::DeviceTest {};

TEST_F(DeviceContextFaults, AnOldDeviceIsNamedAndRefused) {
  standin::set_device({.name = "Tesla V100", .compute_capability = 70});
  EXPECT_EQ(failure([] { DeviceContext(); }),
            "Tesla V100 has compute capability 7.0, and Sluice needs 8.0 or newer; choose another "
            "device (engine.device = \"cuda:N\") or set engine.device = \"cpu\"");
}

TEST_F(DeviceContextFaults, WithoutADeviceTheCpuIsOffered) {
  standin::set_device({.present = false});
  EXPECT_THAT(
      failure([] { DeviceContext(); }),
      AllOf(HasSubstr("cudaGetDeviceCount failed: CUDA: no CUDA-capable device is detected"),
            HasSubstr("set engine.device = \"cpu\"")));
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST_F(DeviceContextFaults, FactsAreTheDevices) {
  standin::set_device(
      {.name = "NVIDIA A100", .compute_capability = 86, .multiprocessors = 108, .shared_bytes = 7});
  standin::set_memory_bytes(std::int64_t{1} << 30);
  const DeviceContext context;
  EXPECT_EQ(context.info().name, "NVIDIA A100");
  EXPECT_EQ(context.info().compute_capability, 86);
  EXPECT_EQ(context.info().multiprocessors, 108);
  EXPECT_EQ(context.info().shared_bytes, 7);
  EXPECT_EQ(context.info().memory_bytes, std::int64_t{1} << 30);
  EXPECT_EQ(context.info().driver, 13000);
}

TEST_F(DeviceContextFaults, AFullDeviceSaysWhatIsLeft) {
  standin::set_memory_bytes(1000);
  DeviceMemory memory;
  const DeviceBuffer<char> first(memory, 700, "the first");
  EXPECT_EQ(memory.available(), 300);
  EXPECT_THAT(
      failure([&] { DeviceBuffer<char>(memory, 301, "the second"); }),
      HasSubstr("the second needs 301 bytes of device memory, and 300 bytes are left of the "
                "device's (700 bytes are in use by this engine and those beside it)"));
}

TEST_F(DeviceContextFaults, RefusedPinnedMemoryNamesTheSystemsLimit) {
  standin::fail_after(1, cudaErrorMemoryAllocation);
  EXPECT_THAT(failure([] { PinnedBuffer<float>(10, "the window list"); }),
              AllOf(HasSubstr("the window list needs 40 bytes of page-locked host memory"),
                    HasSubstr("ulimit -l")));
}

// Whichever call of the construction fails: an error that names it, and nothing left behind (which
// the fixture looks for).
TEST_F(DeviceContextFaults, AnyFailingCallOfTheConstructionIsReportedAndLeavesNothing) {
  { const DeviceContext context; }
  const auto calls = static_cast<int>(standin::calls());
  ASSERT_GT(calls, 8);
  for (int n = 1; n <= calls; ++n) {
    standin::fail_after(n, cudaErrorLaunchFailure);
    EXPECT_THAT(failure([] { DeviceContext(); }), HasSubstr(" failed: ")) << "call " << n;
    EXPECT_EQ(standin::live_allocations() + standin::live_handles(), 0) << "call " << n;
  }
}

}  // namespace
}  // namespace sluice
