// Sample paths: whole futures of a series, from the quantiles of its steps and how these hang
// together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "run/calibration/dependence.hpp"

namespace sluice {

/// Draws paths of K steps. A path is a pure function of seed, series, target, its number and the
/// quantiles: the same on any thread and in any order.
class PathSampler {
 public:
  /// `dependence` of K steps; `probabilities` [J], ascending, of the quantiles. Throws
  /// InternalError if there are fewer than two of them or the shapes differ, DataError if
  /// `dependence` is not positive definite.
  PathSampler(const Dependence& dependence, std::size_t K, std::span<const double> probabilities,
              std::uint64_t seed);

  /// Writes [paths, K] from the quantiles [K, J] (ascending) of one series and target, named by
  /// `stream`. The same two of a series and a target have the same draws.
  void draw(std::uint64_t stream, std::span<const float> quantiles, std::span<double> paths) const;

 private:
  std::size_t K_;
  std::vector<double> scores_;  ///< [J]
  std::vector<double> factor_;  ///< [K, K], lower triangle of the Cholesky decomposition
  std::uint64_t seed_;
};

/// The quantile for p of `values`, which are in ascending order, between order statistics (R's type
/// 7; Hyndman and Fan 1996).
double sample_quantile(std::span<const double> values, double p);

/// The least of `values`, which are in ascending order, at or below which a share of at least p of
/// them lies (type 1): a count where they are counts.
double counted_quantile(std::span<const double> values, double p);

}  // namespace sluice
