// Which trials go on: successive halving (Jamieson and Talwalkar 2016) in the form that trains
// promising settings longer, rung by rung, without knowing beforehand how many trials come (ASHA,
// Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning"). ASHA promotes in the
// order in which trainings happen to end; here it is decided when a group of trials has ended, so
// that the same trials are made by one job and by many.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace sluice {

/// A training of a trial: on rung 0 the shortest, on the last rung in full.
struct TrialRun {
  std::int64_t trial = 0;
  int rung = 0;
  auto operator<=>(const TrialRun&) const = default;
};

struct HalvingPlan {
  std::int64_t trials = 0;  ///< drawn ones, 1 to trials
  int rungs = 1;            ///< 1: every trial in full, which is random search
  int factor = 3;
};

/// Steps of a training on `rung`, as a share of the full training's: factor^(rung - rungs + 1).
double share_of_rung(const HalvingPlan& plan, int rung);

/// What is to be done next, all at once: empty when all is done. Groups of factor^(rungs-1) trials
/// enter rung 0; then of the n trials that have come to a rung the best n / factor go on, those
/// that did so earlier counted, at least one when all trials are in. Trial 0 is the measure of all:
/// trained in full, in no one's place. `scores` of what is done, smaller is better; NaN never goes
/// on. A pure function: what it decided before, it decides again.
std::vector<TrialRun> next_runs(const HalvingPlan& plan, const std::map<TrialRun, double>& scores);

/// Full trainings that a whole search costs.
double cost_of(const HalvingPlan& plan);

}  // namespace sluice
