// One training: steps on one engine until a limit, early stopping or a signal; the best weights by
// validation. Called once a seed and phase.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/steady_seconds.hpp"
#include "run/categories.hpp"
#include "run/training/progress.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

struct LoopSetup {
  Engine* engine = nullptr;
  const Catalog* catalog = nullptr;  ///< for names in messages
  const TrainingPlan* plan = nullptr;
  const Config::Training* training = nullptr;
  std::uint64_t seed = 0;              ///< order of windows
  std::span<const Window> validation;  ///< empty: no validation, the last weights are the result
  std::span<const std::int64_t> valid_limit;
  std::int64_t steps = 0;  ///< stop after so many steps; 0: no such limit
  /// Stop so that the closing validation ends after so many seconds of this loop; 0: no such limit.
  double max_seconds = 0;
  int passes_after = 0;  ///< passes like a validation that follow within max_seconds
  double (*now)() = steady_seconds;
  UnknownWords unknown;  ///< of the words that the training does not meet, in weights that are kept
  std::string label;
  int refit = 0;      ///< of TrainOptions
  std::string model;  ///< the file that it is for, which events name; empty: none
  bool announce = true;
  bool events = true;  ///< whether the log has an event for each epoch
  /// Called every checkpoint_seconds (0: after every epoch) and on a signal, with a state that
  /// continues exactly here.
  std::function<void(const MemberState&)> save;
  TrainWatch watch;              ///< asked in place of signals; empty: signals
  ProgressView* view = nullptr;  ///< null: a line of its own
  /// Calls, perhaps later, what writes to the log and the view, for a thread that leaves that to
  /// another one. Empty: called as it is.
  std::function<void(const std::function<void()>&)> tell;
};

struct LoopResult {
  bool interrupted = false;
  bool out_of_time = false;   ///< max_seconds ended it before its steps or epochs were made
  std::vector<float> params;  ///< best by validation, or the last (the average where there is one)
  double loss = 0;            ///< of `params` on the validation windows; NaN without
  std::int64_t step = 0;      ///< step of `params`
  double seconds = 0;
  std::int64_t windows = 0;
};

/// Batches between two validations: an epoch of so many windows, of which `validation` are looked
/// at when it ends.
std::int64_t batches_of_epoch(const Config::Training& training, const TrainingPlan& plan,
                              std::int64_t validation);
/// Steps that training.steps and epochs allow; 0: they do not limit.
std::int64_t steps_in_all(const Config::Training& training, const TrainingPlan& plan,
                          std::int64_t validation);

/// Continues from `state` (engine state, epoch, batch, best weights, seconds), which it changes as
/// it goes. Throws DataError if the loss stops being finite, naming step and series.
LoopResult run_loop(const LoopSetup& setup, MemberState& state);

}  // namespace sluice
