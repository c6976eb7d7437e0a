// The least value of a function of one number.
#pragma once

#include <cmath>

namespace sluice::simple {

/// Where `function`, falling and then rising in [low, high], is least, to 1e-6 (Kiefer 1953).
template <typename Function>
double golden_section(double low, double high, const Function& function) {
  const double share = (std::sqrt(5.0) - 1) / 2;
  double left = high - share * (high - low), right = low + share * (high - low);
  double at_left = function(left), at_right = function(right);
  while (high - low > 1e-6) {
    if (at_left < at_right) {
      high = right;
      right = left;
      at_right = at_left;
      left = high - share * (high - low);
      at_left = function(left);
    } else {
      low = left;
      left = right;
      at_left = at_right;
      right = low + share * (high - low);
      at_right = function(right);
    }
  }
  return (low + high) / 2;
}

}  // namespace sluice::simple
