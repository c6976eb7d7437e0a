// Training: epochs of batches, validation, early stopping, best weights, several seeds, a final fit
// on all data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Where a training stands.
struct TrainProgress {
  std::string_view label;                  ///< "seed 1/3", "final"; empty: the one choice
  std::int64_t epoch = 0;                  ///< closed so far
  std::int64_t step = 0, total_steps = 0;  ///< total 0: unknown
  double fraction = 0;                     ///< done, 0..1, by whichever limit is nearest
  double seconds = 0, windows_per_second = 0;
  double train_loss = 0, valid_loss = 0;  ///< NaN: none yet
  bool epoch_end = false;                 ///< an epoch has just been closed, and validated
  double learning_rate = 0;               ///< of the last step; 0 before the first one
  int refit = 0;                          ///< which one of an evaluation, from 1; 0: no refit
};

/// Called after every step and at every epoch's end, by the thread that called train(); of seeds that
/// are trained side by side one after another. false ends the training as a signal would.
using TrainWatch = std::function<bool(const TrainProgress&)>;

struct TrainOptions {
  /// No step at or after end[s] is used, neither for training nor for validation ([S]); empty: the
  /// test range of the configuration is left out.
  std::vector<std::int64_t> end;
  bool save = true;      ///< write path.model and the training state; false: only return the model
  bool announce = true;  ///< messages and progress
  std::vector<std::string> remarks = {};  ///< what was said of the data; the model keeps it
  int refit = 0;                          ///< for TrainProgress and the log's events
  /// In place of signals, which are left to whoever watches. Empty: the training obeys SIGINT,
  /// SIGTERM and SIGHUP.
  TrainWatch watch = {};
};

struct TrainResult {
  Model model;
  double seconds = 0;
  double windows_per_second = 0;
  /// A signal or the watch ended it: the model holds the best so far by validation (the last
  /// weights where none took place), or the earlier one where that is better, not beaten yet, or
  /// path.model itself.
  bool interrupted = false;
  bool state_saved = false;  ///< and mode.resume goes on from it
  bool kept_older = false;   ///< `model` is the one of init_from: better on the validation range
};

/// Trains as `config` says. Throws ConfigError, DataError; Interrupted (exit code 130) if it is
/// ended while validation chooses the settings, before there is a model; InternalError never on
/// account of data.
TrainResult train(const Config& config, const Catalog& catalog, const TrainOptions& options = {});

}  // namespace sluice
