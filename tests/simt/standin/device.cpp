// The device of tests/support/device.hpp where the stand-in takes CUDA's place.
#include <exception>

#include "standin/standin.hpp"
#include "support/device.hpp"

namespace sluice::testing {

bool on_device() { return false; }
bool on_standin() { return true; }
std::string missing_device() { return {}; }

void begin_device_test() { standin::reset(); }

void end_device_test(bool owners_gone) {
  standin::finish();
  if (!owners_gone) return;
  const std::int64_t memory = standin::live_allocations(), handles = standin::live_handles();
  if (memory + handles > 0) {
    throw std::logic_error("left behind: " + std::to_string(memory) + " allocations and " +
                           std::to_string(handles) + " streams, events, graphs, cuBLAS handles");
  }
}

}  // namespace sluice::testing
