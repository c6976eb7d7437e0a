// A search: trials by their plan, several side by side, each written to the journal as it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "run/tune/halving.hpp"
#include "run/tune/journal.hpp"
#include "run/tune/trials.hpp"

namespace sluice {

struct Measured {
  std::int64_t steps = 0;
  double score = 0, wql = 0;  ///< NaN: none
  bool stopped = false;       ///< before its end: it does not count
};

/// Trains `config` for `share` of its steps and scores it. Called by several threads at once where
/// there are several jobs. `threads`: that it may compute with; 0: as `config` says. `goes_on` is
/// to be asked now and then with the share that is done, 0..1; false: stop.
using Objective = std::function<Measured(const Config& config, double share, int threads,
                                         const std::function<bool(double done)>& goes_on)>;

struct SearchSetup {
  HalvingPlan plan;
  int jobs = 1;
  int threads = 1;     ///< of all jobs together
  double seconds = 0;  ///< no run begins later; 0: not limited
  Objective objective;
  /// Called by one thread at a time. Whether to go on, asked within a run; `done` of all runs'
  /// work, 0..1.
  std::function<bool(double done)> watch;
  std::function<void(const FinishedRun& run)> ended;
};

enum class SearchEnd { complete, out_of_time, stopped };

/// Does what the journal has not. What a run throws ends the search once the others beside it have
/// stopped.
SearchEnd search(const SearchSetup& setup, const std::vector<Trial>& trials, Journal& journal);

/// Of the runs on the highest rung that was reached, the one with the best score, of equals the
/// first trial; null: none has a score.
const FinishedRun* best_of(const std::vector<FinishedRun>& runs);

}  // namespace sluice
