// The recurrences to test on arm64: those that need no library but Highway.
#include "support/host_recurrence.hpp"

namespace sluice::testing {

std::vector<HostRecurrence> recurrences_to_test() {
  std::vector<HostRecurrence> all = fused_recurrences();
  all.push_back(dealt(all.front()));
  return all;
}

}  // namespace sluice::testing
