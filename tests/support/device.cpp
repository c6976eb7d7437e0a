// The part of tests/support/device.hpp that does not care whose CUDA it is linked with.
#include "support/device.hpp"

#include <cstdlib>
#include <exception>
#include <string_view>

namespace sluice::testing {

bool skip_without_device() {
  const std::string missing = missing_device();
  if (missing.empty()) return false;
  const char* required = std::getenv("SLUICE_REQUIRE_GPU");
  const auto end = [&]() -> void {
    if (required != nullptr && std::string_view(required) == "1") {
      FAIL() << "SLUICE_REQUIRE_GPU is 1 and there is no device: " << missing;
    }
    GTEST_SKIP() << "needs a CUDA device: " << missing;
  };
  end();
  return true;
}

DeviceTest::DeviceTest() { begin_device_test(); }

DeviceTest::~DeviceTest() {
  if (!missing_device().empty()) return;
  try {
    end_device_test(true);
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

void DeviceTest::SetUp() { static_cast<void>(skip_without_device()); }

void DeviceTest::TearDown() {
  if (missing_device().empty()) end_device_test(false);
}

void synchronize_device() { check(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); }

}  // namespace sluice::testing
