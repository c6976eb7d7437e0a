// What a model learns about its own forecasts on the validation part, after its weights are chosen
// and before its final fit: which simple methods belong into the mean (weights.hpp), and how wide
// the intervals are to be (intervals.hpp).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "run/calibration/intervals.hpp"
#include "run/calibration/outputs.hpp"
#include "run/calibration/simple_forecasts.hpp"
#include "run/calibration/weights.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// For Model.
struct Learned {
  std::vector<Partner> partners;
  Stretch stretch;
  std::vector<float> dependence;   ///< [K, K]
  std::vector<std::string> lines;  ///< the table, for 80 columns
  std::string event;               ///< the same for the log; empty: there was nothing to learn
};

/// References outlive it.
class Learner {
 public:
  /// From the windows of `simple`, whose targets before split.valid_end count.
  Learner(const Config& config, const ModelSpec& spec, const Catalog& catalog, const Split& split,
          SimpleForecasts simple);

  /// From forecasts of `model` by `engine`, whose scaling is `scaling`, with neither partners nor
  /// stretch. Blocks.
  Learned learn(const Model& model, Engine& engine, const SeriesScaling& scaling) const;

 private:
  using Json = nlohmann::json;
  bool is_point() const;
  std::vector<double> probabilities(const Model& model) const;
  MixProblem rows(const Model& model) const;
  std::vector<double> by_target(std::span<const float> values, std::size_t J) const;
  /// What these of the methods forecast: [windows, M, partners, K].
  std::vector<double> points_of(std::span<const Partner> partners) const;
  void learn_partners(MixProblem& mix, bool squared, Learned& out, Json& event) const;
  IntervalProblem interval_problem(const MixProblem& mix, const std::vector<double>& probabilities,
                                   const WindowForecasts& made) const;
  void learn_stretch(const IntervalProblem& intervals, Learned& out, Json& event) const;

  const Config& config_;
  const ModelSpec& spec_;
  const Catalog& catalog_;
  const Split& split_;
  SimpleForecasts simple_;
};

}  // namespace sluice
