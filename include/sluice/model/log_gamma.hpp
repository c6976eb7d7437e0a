// The logarithm of the gamma function and its derivative, for host and device alike: the standard
// library's writes a global (signgam), and a device has no digamma. Below 8 the argument is moved
// up by the recurrence, then Stirling's series follows (Abramowitz and Stegun
// 1964, 6.1.40, 6.3.18): 14 digits.
#pragma once

#include <cmath>

#include "sluice/base/host_device.hpp"

namespace sluice {

/// A function and its derivative at one place.
struct ValueAndSlope {
  double value, slope;
};

inline constexpr double kStirlingFrom = 8;
/// Of log_rising(): more of them take longer than the logarithms.
inline constexpr double kFewFactors = 8;

/// What Stirling's formula leaves: log Γ(x) - ((x - 1/2) log x - x + log(2π) / 2), and the
/// derivative of that. x >= kStirlingFrom.
SLUICE_HD inline ValueAndSlope stirling_rest(double x) {
  const double z = 1 / x, w = z * z;
  const double value =
      z * (1. / 12 - w * (1. / 360 -
                          w * (1. / 1260 - w * (1. / 1680 - w * (1. / 1188 - w * 691. / 360360)))));
  const double slope =
      -w * (1. / 12 -
            w * (1. / 120 - w * (1. / 252 - w * (1. / 240 - w * (1. / 132 - w * 691. / 32760)))));
  return {value, slope};
}

/// log Γ(x), x > 0, and digamma.
SLUICE_HD inline ValueAndSlope log_gamma(double x) {
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  double product = 1, reciprocals = 0;
  for (; x < kStirlingFrom; x += 1) {
    product *= x;
    reciprocals += 1 / x;
  }
  const double log_x = std::log(x);
  const ValueAndSlope rest = stirling_rest(x);
  return {(x - 0.5) * log_x - x + kHalfLogTwoPi + rest.value - std::log(product),
          log_x - 0.5 / x + rest.slope - reciprocals};
}

/// log Γ(r + y) - log Γ(r) - y log r and its derivative with respect to r; r > 0, y >= 0. Where r
/// is large the three nearly cancel: there it is computed without them. Of a small whole y, as rare
/// counts are, it is the product of 1 + i / r, i < y: nothing for 0 and 1.
SLUICE_HD inline ValueAndSlope log_rising(double r, double y) {
  if (y <= kFewFactors && y == std::floor(y)) {
    double above_one = 0, slope = 0;  // of the product, which is near 1 where r is large
    for (double i = 1; i < y; i += 1) {
      above_one += i / r * (1 + above_one);
      slope -= i / (r * (r + i));
    }
    return {y > 1 ? std::log1p(above_one) : 0, slope};
  }
  if (r < kStirlingFrom) {
    const ValueAndSlope high = log_gamma(r + y), low = log_gamma(r);
    return {high.value - low.value - y * std::log(r), high.slope - low.slope - y / r};
  }
  const double growth = std::log1p(y / r);
  const ValueAndSlope high = stirling_rest(r + y), low = stirling_rest(r);
  return {(r + y - 0.5) * growth - y + high.value - low.value,
          growth - y / r + 0.5 * y / (r * (r + y)) + high.slope - low.slope};
}

}  // namespace sluice
