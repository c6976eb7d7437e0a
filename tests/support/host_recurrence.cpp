#include "support/host_recurrence.hpp"

namespace sluice::testing {

std::vector<HostRecurrence> recurrences_to_test() {
  std::vector<HostRecurrence> all = fused_recurrences();
  all.push_back(dealt(all.front()));
  all.push_back({"onednn", Precision::fp32, make_onednn_recurrence});
  all.push_back(dealt(all.back()));
  return all;
}

}  // namespace sluice::testing
