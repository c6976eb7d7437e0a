// One candidate of a choice: trained for a few steps on the training part, scored on the validation
// part in the data's own units.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "run/training/vocabularies.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/metrics.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

struct TrialLimits {
  std::int64_t steps = 0;  ///< 0: none is made, and a model with a base forecasts as its base
  double seconds = 0;      ///< 0: not limited
  /// Whether the weights are scored that have the least validation loss, as a training keeps them;
  /// else the last ones, without the validations.
  bool keep_best = false;
};

/// Of every forecast, [windows, M]: its MASE, RMSSE and mean absolute error; NaN: undefined.
struct ForecastErrors {
  std::vector<double> mase, rmsse, mae;
};

struct TrialResult {
  Metrics score;           ///< over all series; NaN where the training failed
  Metrics mean_score;      ///< of a distribution's means; without points where there are none
  ForecastErrors errors;   ///< empty where it failed
  std::int64_t steps = 0;  ///< that were made
  bool failed = false;     ///< its loss stopped being finite
};

/// Forecasts from the validation part's origins, as evaluate scores them. References outlive it.
class Trials {
 public:
  Trials(const Config& config, const Catalog& catalog, const Split& split);

  /// Whether any forecast can be scored.
  bool can_score() const { return has_targets_; }
  std::int64_t windows() const { return static_cast<std::int64_t>(windows_.size()); }
  int season() const { return season_; }
  /// [windows], which forecasts belong together (run/choice/evidence.hpp).
  const std::vector<int>& groups() const { return groups_; }
  /// Steps that training.steps and epochs allow; 0: they do not limit.
  std::int64_t total_steps() const { return total_steps(config_); }
  std::int64_t total_steps(const Config& config) const;
  /// Windows that a training has to learn from.
  std::int64_t training_windows(const Config& config) const;

  /// Trains `config` and scores it. One whose loss stops being finite has no score. `watch` as in
  /// TrainOptions; a training that it, or a signal, ends is scored as it stands.
  TrialResult run(const Config& config, const TrialLimits& limits, const TrainWatch& watch) const;

  using Method = std::function<std::vector<float>(std::span<const float> history)>;
  /// Seasonal naive and its like, by the names that tables have for them.
  std::vector<std::pair<std::string, Method>> simple_methods() const;
  /// A simple method: K values from a series' history before an origin.
  Metrics score(const Method& method) const;
  /// Method number `method` of forecasts that are there already, where they are.
  Metrics score(const BesideForecasts& beside, std::size_t method) const;

 private:
  using Forecast = std::function<void(std::size_t window, int target, std::span<double> out)>;
  std::shared_ptr<const TrainingPlan> plan_of(const Config& config, const ModelSpec& spec) const;
  Metrics score(int outputs, const std::vector<double>& probabilities, const Forecast& forecast,
                ForecastErrors* errors = nullptr) const;

  const Config& config_;
  const Catalog& catalog_;
  const Split& split_;
  int K_ = 1, M_ = 1, season_ = 1;
  bool has_targets_ = false;
  Vocabularies vocabularies_;
  std::vector<Window> windows_;
  std::vector<int> groups_;
  struct Row {
    double mase_scale = 0, rmsse_scale = 0;
    bool nonnegative = false;
  };
  std::vector<std::int64_t> row_of_;  ///< [windows] of rows_, the first target's
  std::vector<Row> rows_;
  mutable std::mutex plan_mutex_;  ///< a search runs trials side by side
  mutable PlanSpec plan_spec_;     ///< of plan_, the one that was asked for last
  mutable std::shared_ptr<const TrainingPlan> plan_;
};

}  // namespace sluice
