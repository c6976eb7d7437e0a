// Training: epochs of batches, validation, early stopping, best weights, several seeds, a final fit
// on all data.
#pragma once

#include <functional>
#include <string>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct TrainOptions {
  /// No step at or after end[s] is used, neither for training nor for validation ([S]); empty: the
  /// test range of the configuration is left out.
  std::vector<std::int64_t> end;
  bool save = true;      ///< write path.model and the training state; false: only return the model
  bool announce = true;  ///< messages and progress
  std::vector<std::string> remarks;  ///< what was said of the data; the model keeps it
};

struct TrainResult {
  Model model;
  double seconds = 0;
  double windows_per_second = 0;
  /// SIGINT, SIGTERM or SIGHUP: the model holds the best so far by validation (the last weights
  /// where none took place), or the earlier one where that is better, not beaten yet, or path.model
  /// itself.
  bool interrupted = false;
  bool state_saved = false;  ///< and mode.resume goes on from it
  bool kept_older = false;   ///< `model` is the one of init_from: better on the validation range
};

/// Trains as `config` says. Throws ConfigError, DataError; InternalError never on account of data.
TrainResult train(const Config& config, const Catalog& catalog, const TrainOptions& options = {});

}  // namespace sluice
