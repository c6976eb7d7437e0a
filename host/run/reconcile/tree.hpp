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
//
// Where errors have something in common, W = diag(Wb, Wa) + F F' with few columns, F f is what is
// in common now, of the size |f|^2, and the above holds beside b^ + Fb f and a^ + Fa f. With the
// series 0 that are fixed there, V = Fa - A Fb of the others, G = 1 + the sum of Fb Fb'/Wb and g
// that of Fb b^/Wb over the fixed ones, f goes out of the equations:
//   (Wa + A Wb A' + V G^-1 V') z = a^ - A b^ - V G^-1 g,   f = -G^-1 (g + V' z)
#pragma once

#include <cstddef>
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
/// at least 0, and where one is 0, so is its row of the factor.
struct BaseForecasts {
  std::span<const double> bottom, sums;                    ///< b^, a^
  std::span<const double> bottom_variance, sums_variance;  ///< the diagonals of Wb, Wa
  std::span<const char> nonnegative;  ///< [bottom] whether that series must not be below 0
  std::size_t rank = 0;               ///< columns of F; 0: errors have nothing in common
  std::span<const double> bottom_factor = {}, sums_factor = {};  ///< Fb, Fa, row by row
};

struct Nearest {
  std::vector<double> bottom;  ///< b: not negative where asked, whatever `optimal` says
  bool optimal = true;         ///< false: the iterations ended before their tolerance of 1e-10
};

/// The nearest forecasts that add up. Takes memory for a few numbers a series, and `rank` numbers a
/// sum. The conjugate gradients converge by the condition number, at most (number of levels) x (1 +
/// the largest ratio of the series' variances in a sum to its own), 2 x levels where variances
/// count series; F makes it no larger, since it is in the preconditioner whole.
Nearest nearest_sums(const SumTree& tree, const BaseForecasts& base);

}  // namespace sluice
