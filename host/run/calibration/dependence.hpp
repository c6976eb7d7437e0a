// How the errors of a forecast's steps hang together: a Gaussian copula over the horizon (Sklar
// 1959; Song 2000), whose marginals are the model's own quantiles. No engine, no catalogue.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "run/calibration/intervals.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Correlations of normal scores between the steps of the horizon: positive definite, 1 on the
/// diagonal.
struct Dependence {
  std::vector<float> correlation;  ///< [K, K]; empty: not known
};

/// Where a value lies in a forecast's distribution, as the quantile of a standard normal variable
/// with the same probability. Between the quantiles `values` [J] (ascending) at `scores` [J]
/// (ascending, normal quantiles of their probabilities), and beyond the outermost ones, along
/// straight lines; where several quantiles are the same, the middle of their scores. Within -4 to
/// 4; NaN of a NaN, and with fewer than two quantiles.
double normal_score(double y, std::span<const double> values, std::span<const double> scores);

/// The value that has such a score: the inverse of normal_score, where that has one.
double value_at_score(double score, std::span<const double> values, std::span<const double> scores);

/// Standard normal quantiles of probabilities.
std::vector<double> scores_of(std::span<const double> probabilities);

/// From normal scores [N, K] of what came after N forecasts; NaN: missing. Empirical correlations
/// drawn towards a simple shape (a part that all steps share, and one that fades by a constant
/// factor from step to step) as far as their sampling errors ask for it (Schafer and Strimmer
/// 2005); `independent`: how many of the N do not overlap. Empty with fewer than two forecasts.
Dependence fit_dependence(std::span<const double> scores, std::size_t K, double independent);

/// From forecasts and what came, whose quantiles are moved by `by` first. Empty for horizons of
/// more than a thousand steps, whose matrix would be larger than the model.
Dependence dependence_of(const IntervalProblem& problem, const Stretch& by);

}  // namespace sluice
