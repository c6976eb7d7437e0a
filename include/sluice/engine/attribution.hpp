// What moved a forecast: integrated gradients (Sundararajan, Taly and Yan, "Axiomatic Attribution
// for Deep Networks", 2017).
//
// With x all numbers that a window gives the model, x' those of a baseline and f a forecast, input
// i contributes
//   (x_i - x'_i) * the integral over a in [0, 1] of df/dx_i (x' + a (x - x'))
// The sum over all inputs is f(x) - f(x'): the integral is taken by Gauss and Legendre's rule, so
// that the difference of the two says how good it is.
//
// The baseline is the same window of a plain series: its history flat at the level that it has at
// the origin (without a level, at the mean of the window's values), channels at the median of what
// the model saw of the series up to the origin, categories of steps at its most frequent word,
// calendar terms and static numbers 0 (their mean), static categories at the mean row of their
// table. What is missing, lies before the series' start or follows from the level alone is the same
// in both.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace sluice {

/// Which of G groups, 0 .. G-1, each number that a window gives the model is added to.
struct InputGroups {
  int count = 0;                      ///< G
  std::vector<std::int32_t> inputs;   ///< [patches, C] of the recurrence's input
  std::vector<std::int32_t> context;  ///< [F] of what the head sees beside h
  std::vector<std::int32_t> base;     ///< [K, M] of what the head's outputs are added to
  std::vector<std::int32_t> trend;    ///< [K, M] of Base::trend's part of that, else empty
};

struct AttributionSettings {
  int points = 8;  ///< of the rule, 1 to 128
  /// With the likelihood of a distribution: what is explained, in the units of y, of target m of a
  /// series with these Q parameters (as Engine::forecast() gives them, in double). Else it is the
  /// forecast, of several quantiles the median.
  std::function<double(std::int32_t series, int m, std::span<const double> parameters)> point = {};
};

/// In the units of y.
struct Attributions {
  std::vector<double> contribution;        ///< [windows, K, M, G]
  std::vector<double> forecast, baseline;  ///< [windows, K, M]
};

}  // namespace sluice
