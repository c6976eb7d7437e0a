// Conformal prediction on top of a model's quantiles (Romano, Patterson and Candes 2019, in the
// form that makes intervals wider by a factor: Kivaranovic, Johnson and Leeb 2020). A quantile q of
// level p moves to median + a (q - median). A factor knows no unit, so that all series share it, or
// those that are alike: groups of forecasts (Mondrian conformal prediction; Vovk et al. 2005). Here
// they are moved; fit_stretch.hpp finds the factors. No engine, no catalogue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// N forecasts of K steps, in the units of y, and what came.
struct IntervalProblem {
  std::size_t K = 1;
  std::vector<double> probabilities;  ///< [J] ascending, .5 among them
  std::vector<double> actual;         ///< [N, K], NaN: missing
  std::vector<double> quantiles;      ///< [N, K, J] ascending
  std::vector<int> fold;              ///< [N], 0 or 1: the half that it belongs to
  std::vector<std::int64_t> series;   ///< [N], the series and target that it is of
  std::vector<std::int64_t> time;     ///< [N], when its first step is, in steps of one clock
  std::vector<char> nonnegative;      ///< [N], 1: no value is below 0; empty: none is such
  /// Forecasts that do not overlap: what the N are worth if no two series have anything in common.
  double independent = 0;

  bool is_nonnegative(std::size_t n) const { return !nonnegative.empty() && nonnegative[n] != 0; }
};

/// The smallest float that is not below 0 once `offset` is added.
float zero_above(double offset);

/// Of a series and target: quantiles are stored beside the offset (Catalog::value_offset).
struct StretchRow {
  double offset = 0;
  bool nonnegative = false;  ///< y is not below 0
};

/// Moves quantiles `values` [N, K, M, J] at `probabilities` [J] of `rows` [N, M] (empty: offset 0,
/// any sign). A level between two of stretch.probabilities has a factor between theirs, one outside
/// the outermost one's. They stay in ascending order if they were. Where y is not below 0, a
/// quantile of 0 stays: that no value lies below it, no factor changes.
void stretch(const Stretch& by, std::span<const double> probabilities, std::size_t K, std::size_t M,
             std::span<const StretchRow> rows, std::span<float> values);

/// The problem's quantiles, moved likewise.
std::vector<double> stretched(const IntervalProblem& problem, const Stretch& by);

/// What stretch.by sorts a forecast by: its size (mean of the absolute medians [K]), or its width
/// in parts of that. The width is the standard deviation of a normal distribution with the same
/// quantiles next to .1 and .9, so that forecasts of other levels have the same one.
class Trait {
 public:
  Trait(StretchBy by, std::span<const double> probabilities);
  /// `quantiles` [K, J], in the units of y, not moved yet.
  double of(std::span<const double> quantiles) const;

 private:
  StretchBy by_;
  std::size_t J_, middle_, low_ = 0, high_ = 0;
  double spread_ = 0;  ///< of the normal distribution, between `low_` and `high_`
};

/// Share of the values in the interval between the probabilities `low` and `high`, which are among
/// the problem's, with its quantiles moved; NaN without a value.
double share_inside(const IntervalProblem& problem, const Stretch& by, double low, double high);

}  // namespace sluice
