// The device of tests/support/device.hpp where the tests are linked with CUDA itself.
#include "support/device.hpp"

#include <cstdlib>

namespace sluice::testing {

std::string missing_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  static_cast<void>(cudaGetLastError());
  if (status != cudaSuccess) return cudaGetErrorString(status);
  return count == 0 ? "there is no CUDA device" : "";
}

// SLUICE_SMALL_TESTS: the sizes of the stand-in, for compute-sanitizer, which is slow.
bool on_device() {
  return missing_device().empty() && std::getenv("SLUICE_SMALL_TESTS") == nullptr;
}

bool on_standin() { return false; }

void begin_device_test() { static_cast<void>(cudaGetLastError()); }

void end_device_test(bool owners_gone) {
  if (!owners_gone) synchronize_device();
}

}  // namespace sluice::testing
