// Settings of which nothing is open that validation can choose.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/calibration/simple_forecasts.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

/// What a training works by: the settings as they were given, and what became of those that were
/// open.
struct Decided {
  Config config;
  std::vector<std::string> lines;  ///< Model::choice
  /// Made for the choice, of its validation windows; learned from after the training.
  std::optional<SimpleForecasts> simple = {};
  double seconds = 0;
  std::vector<std::string> remarks = {};  ///< Model::remarks: those of the data, and what it led to
};

/// Chosen once: taken from the state that is resumed or the model that is gone on from where there
/// is one, chosen by validation otherwise (run/choice.hpp), with the table in the log. Says of sums
/// what an automatic loss turned out to forecast. Throws Interrupted if a signal or the watch ends
/// the choice.
Decided decide(const Config& config, const Catalog& catalog, const TrainOptions& options);

}  // namespace sluice
