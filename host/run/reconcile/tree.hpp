// Which numbers are sums of which, and the least squares that make forecasts of them agree.
//
// With b the series at the bottom, a = A b their sums, and base forecasts b^ and a^ of all of them
// whose errors have the variances Wb and Wa, the forecasts that add up and lie nearest are
//   b = b^ + Wb A' z,   (Wa + A Wb A') z = a^ - A b^,   a = A b
// which is y = S (S' W^-1 S)^-1 S' W^-1 y^ (Hyndman et al. 2011; Wickramasuriya, Athanasopoulos,
// Hyndman 2019, who give this form too) without a matrix: each level of A is a partition of
// the series, so that A and A' are one pass over their places. Where b must not be negative it is
//   b = max(0, b^ + Wb A' z),   Wa z = a^ - A b
// (the conditions of Wickramasuriya, Turlach, Hyndman 2020), found by fixing at 0 what is negative
// and solving again (a semi-smooth Newton step: Hintermüller, Ito, Kunisch 2002).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

/// n series and their sums.
struct SumTree {
  std::int64_t bottom = 0, sums = 0;
  /// [levels][bottom] the sum that a series is in, from 0 over all levels; -1: that one is left
  /// out.
  std::vector<std::vector<std::int32_t>> level;

  /// out = A b, added up in the order of the series.
  void add_up(std::span<const double> b, std::span<double> out) const;
  /// out = A' z: of each series, the sum over its levels.
  void spread(std::span<const double> z, std::span<double> out) const;
};

/// Base forecasts and the variances of their errors. Variances of sums are above 0, those of series
/// at least 0.
struct BaseForecasts {
  std::span<const double> bottom, sums;                    ///< b^, a^
  std::span<const double> bottom_variance, sums_variance;  ///< the diagonals of Wb, Wa
  std::span<const char> nonnegative;  ///< [bottom] whether that series must not be below 0
};

struct Nearest {
  std::vector<double> bottom;  ///< b: not negative where asked, whatever `optimal` says
  bool optimal = true;         ///< false: the iterations ended before their tolerance of 1e-10
};

/// The nearest forecasts that add up. Takes memory for a few numbers a series. The conjugate
/// gradients converge by the condition number, at most (number of levels) x (1 + the largest ratio
/// of the series' variances in a sum to its own), 2 x levels where variances count series.
Nearest nearest_sums(const SumTree& tree, const BaseForecasts& base);

}  // namespace sluice
