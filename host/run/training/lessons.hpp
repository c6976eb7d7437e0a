// What a training learns on the validation part beside the weights: the errors that a point model's
// intervals are made of, the simple methods that have a part in the forecast, and how wide its
// intervals are.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "run/calibration/learn.hpp"
#include "run/calibration/simple_forecasts.hpp"
#include "run/training/phase.hpp"
#include "run/training/validation.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// forecast_simple() within a tenth of training.max_seconds. Blocks.
SimpleForecasts simple_forecasts(const Config& config, Loss loss, const Catalog& catalog,
                                 const Split& split, std::span<const Window> validation);

/// References outlive it.
class Lessons {
 public:
  using Announce = std::function<void(const std::string&)>;
  Lessons(const Config& config, const ModelSpec& spec, const Catalog& catalog, const Split& split);

  /// Before the weights are chosen, with `windows`, the validation part's (empty: there is none,
  /// and nothing is learned), and what simple_forecasts() gave for them, which is made here where
  /// there is nothing yet. Blocks.
  void begin(std::vector<Window> windows, std::optional<SimpleForecasts> simple);
  /// Passes like a validation that learn() makes.
  int passes() const;
  /// Once they are: from what `params` forecast on `phase`, which ends before the windows. `model`:
  /// what they would be stored as. Blocks.
  void learn(Model model, const Phase& phase, const std::vector<float>& params,
             const Announce& announce);
  void put_into(Model& model) const;

 private:
  bool has_residuals() const;

  const Config& config_;
  const ModelSpec& spec_;
  const Catalog& catalog_;
  const Split& split_;
  std::vector<Window> windows_;
  ResidualQuantiles residuals_;
  std::optional<Learner> learner_;
  Learned learned_;
};

}  // namespace sluice
