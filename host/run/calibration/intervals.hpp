// Conformal prediction on top of a model's quantiles (Romano, Patterson and Candes 2019, in the
// form that makes intervals wider by a factor: Kivaranovic, Johnson and Leeb 2020). A quantile q of
// level p moves to median + a (q - median), where a is the conformal quantile of the scores (y -
// median) / (q - median): above the median a share p of them lies at or below a, below it a share 1
// - p. A factor knows no unit, so that all series share it. No engine, no catalogue.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// N forecasts of K steps and what came.
struct IntervalProblem {
  std::size_t K = 1;
  std::vector<double> probabilities;  ///< [J] ascending, .5 among them
  std::vector<double> actual;         ///< [N, K], NaN: missing
  std::vector<double> quantiles;      ///< [N, K, J] ascending
  std::vector<int> fold;              ///< [N], 0 or 1: the half that it belongs to
  /// Forecasts that do not overlap: what the N are worth.
  double independent = 0;
};

/// A factor for each probability and step, from the errors of the steps around it, drawn towards
/// that of all steps and this one towards 1 where forecasts are few. Where a quantile is its median
/// (counts of zeros) no factor moves it, and it does not count. Nothing moves (no probabilities)
/// with fewer than 20 scores, where the factors of either half make the quantile loss of the
/// other larger, or where an interval then holds a share farther from its level.
Stretch fit_stretch(const IntervalProblem& problem);

/// Moves quantiles `values` [cells, K, M, J] at `probabilities` [J]. A level between two of
/// stretch.probabilities has a factor between theirs, one outside the outermost one's. They stay in
/// ascending order if they were.
void stretch(const Stretch& by, std::span<const double> probabilities, std::size_t K, std::size_t M,
             std::span<float> values);

/// Share of the values in the interval between the probabilities `low` and `high`, which are among
/// the problem's, with its quantiles moved; NaN without a value.
double share_inside(const IntervalProblem& problem, const Stretch& by, double low, double high);

}  // namespace sluice
