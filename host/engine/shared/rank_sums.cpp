#include "engine/shared/rank_sums.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace sluice {

StepSums sum_over(Ranks& ranks, const StepSums& own) {
  std::vector<StepSums> all(static_cast<std::size_t>(ranks.size()));
  ranks.gather_all(std::as_bytes(std::span(&own, 1)), std::as_writable_bytes(std::span(all)));
  StepSums total;
  for (const StepSums& one : all) {
    total.loss += one.loss;
    total.targets += one.targets;
    if (total.bad_series < 0) total.bad_series = one.bad_series;
  }
  return total;
}

}  // namespace sluice
