// Integrated gradients of the CPU engine (engine/attribution.hpp): at each point of the path one
// walk forward, and for each target and step of the horizon one back through head and recurrence to
// their inputs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/cpu/head_layer.hpp"
#include "engine/recurrence.hpp"
#include "engine/shared/baseline.hpp"
#include "engine/shared/model_space.hpp"
#include "sluice/engine/attribution.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class Attribution {
 public:
  /// All but `threads` must live as long as this. `recurrence`: with the weights of `params`
  /// loaded; what it kept of a forward pass is lost. Throws InternalError if groups do not fit.
  Attribution(const ModelSpace& space, Recurrence& recurrence, std::span<const float> params,
              const InputGroups& groups, const AttributionSettings& settings, int threads);

  /// Appends the attributions of a batch.
  void add(const WindowRows& batch, Attributions& out);

 private:
  void take(const WindowRows& batch);
  void walk(double place);
  void point(const WindowRows& batch);
  void back(std::int64_t i);
  void sum(std::int64_t i, double weight, std::span<double> contribution) const;

  const ModelSpec& spec_;
  Recurrence& recurrence_;
  std::span<const float> params_;
  const InputGroups& groups_;
  const AttributionSettings& settings_;
  const int threads_;
  const std::int64_t F_, KM_, Q_;
  Baseline baseline_;
  std::vector<HeadLayer> layers_;
  struct Point {
    double place, weight;
  };
  std::vector<Point> rule_;

  std::int64_t N_ = 0;
  // What a batch gives the model: the baseline, how far the windows are from it, and a point
  // between.
  struct Inputs {
    std::vector<float> from, way, at;
  };
  Inputs x_, context_, base_;                 ///< [T,N,C], [N,F], [N,K,M]
  std::vector<float> h_, dh_, dx_, dparams_;  ///< of the recurrence
  std::vector<float> head_, hidden_, dhidden_, out_, dout_, dlast_, dcontext_;
  std::vector<double> y_, slope_;  ///< [N,K,M], [N,K,M,Q]
};

}  // namespace sluice
