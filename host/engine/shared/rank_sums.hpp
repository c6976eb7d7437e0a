// What processes that share the windows of a training step add up beside its gradient.
#pragma once

#include <cstdint>

#include "base/ranks/ranks.hpp"

namespace sluice {

/// Over the valid targets of some windows.
struct StepSums {
  double loss = 0;           ///< weighted
  std::int64_t targets = 0;  ///< valid target values
  std::int64_t bad_series = -1;
};

/// Of all ranks together: sums in the order of ranks, and the first series that is named. The same
/// bits on each. Called by all. Blocks.
StepSums sum_over(Ranks& ranks, const StepSums& own);

}  // namespace sluice
