// Integrated gradients of the CPU engine (engine/attribution.hpp).
//
// The slope of a forecast is the head's, g(a), times the recurrence's, J(a). J is smooth and costs
// a walk back for each target and step of the horizon; g has kinks where a hidden unit's ReLU
// opens, and costs next to nothing. So J is taken at few nodes and stands for the polynomial
// through them, sum_p L_p(a) J(a_p), and g at many places: the integral is sum_p J(a_p) (integral
// of L_p g), with one walk back for each node (product integration; Davis and Rabinowitz, Methods
// of Numerical Integration, 2.5.6). Nodes alone missed 5 % of what they added up to where this
// misses 0.7 %.
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
  void make_rule();
  void take(const WindowRows& batch);
  void move(double place);
  void head(const WindowRows& batch);
  void head_back(std::int64_t i);
  void keep(std::size_t at, std::int64_t i, std::span<double> contribution);
  void back(std::size_t node, std::int64_t i, std::span<double> contribution);

  const ModelSpec& spec_;
  Recurrence& recurrence_;
  std::span<const float> params_;
  const InputGroups& groups_;
  const AttributionSettings& settings_;
  const int threads_;
  const std::int64_t F_, KM_, Q_;
  Baseline baseline_;
  std::vector<HeadLayer> layers_;
  /// Places of the path where the head's slopes are taken, and their weights in the integral.
  struct Place {
    double at, weight;
    std::vector<double> shares;  ///< of the weight, in the integral of each node's polynomial
  };
  std::vector<double> nodes_;  ///< places where the recurrence's are
  std::vector<Place> places_;

  std::int64_t N_ = 0;
  // What a batch gives the model: the baseline, how far the windows are from it, and a point
  // between.
  struct Inputs {
    std::vector<float> from, way, at;
  };
  Inputs x_, context_, base_;                        ///< [patches,N,C], [N,F], [N,K,M]
  std::vector<float> trend_;                         ///< [N,K,M] of base_.way what is a trend
  std::vector<float> h_, last_, dh_, dx_, dparams_;  ///< of the recurrence
  std::vector<float> head_, hidden_, dhidden_, out_, dout_, dlast_, dcontext_;
  std::vector<float> kept_;        ///< [nodes, K*M, N, H] gradients of the last step's h
  std::vector<double> y_, slope_;  ///< [N,K,M], [N,K,M,Q]
};

}  // namespace sluice
