// What every test of device code needs. The same test is linked with the stand-in for CUDA
// (tests/simt/standin/device.cpp) and with CUDA itself (tests/support/device_cuda.cpp), where it
// needs a card.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/device_buffer.hpp"

namespace sluice::testing {

/// Whether this program is linked with CUDA itself and there is a device: large sizes pay there.
bool on_device();

/// Whether this program is linked with the stand-in. There host and device compute the same bits
/// from the same source, and a product's sums do not depend on its other sizes. On CUDA neither is
/// promised: nvcc contracts to FMA what the host's compiler does not, and cuBLAS chooses kernels,
/// and so orders of sums, by shape and workspace.
bool on_standin();

/// Why device code cannot run at all, or empty: never, on the stand-in.
std::string missing_device();

/// What the two programs do before and after each test. The second throws std::logic_error for what
/// the test did wrong: memory damaged, work or captures left; `owners_gone`: and memory or handles
/// left.
void begin_device_test();
void end_device_test(bool owners_gone);

/// Skips the running test where there is no device, with the reason; fails it if
/// SLUICE_REQUIRE_GPU=1. Then returns true, and the test returns: a skip does not leave it.
bool skip_without_device();

/// Base of the tests of device code: each starts with a fresh stand-in, or is skipped where there
/// is no device. Owners of device memory are made in SetUp() or in the test, not in the
/// constructor: that runs before the skip.
class DeviceTest : public ::testing::Test {
 public:
  DeviceTest(const DeviceTest&) = delete;
  DeviceTest& operator=(const DeviceTest&) = delete;

 protected:
  DeviceTest();
  ~DeviceTest() override;
  void SetUp() override;
  void TearDown() override;
};

/// Waits for everything on the device. Blocks.
void synchronize_device();

/// `values` in device memory, which is there when it returns. Blocks.
template <typename T>
DeviceBuffer<T> upload(DeviceMemory& memory, const std::vector<T>& values) {
  DeviceBuffer<T> buffer(memory, static_cast<std::int64_t>(values.size()), "a test's input");
  copy_to_device(std::span<const T>(values), buffer.span(), nullptr);
  synchronize_device();
  return buffer;
}

/// What device memory holds after all work of all streams. Blocks.
template <typename T>
std::vector<std::remove_const_t<T>> download(DeviceSpan<T> span) {
  synchronize_device();
  std::vector<std::remove_const_t<T>> values(static_cast<std::size_t>(span.size()));
  copy_to_host(DeviceSpan<const T>(span), std::span(values), nullptr);
  synchronize_device();
  return values;
}
template <typename T>
std::vector<T> download(const DeviceBuffer<T>& buffer) {
  return download(buffer.span());
}

}  // namespace sluice::testing
