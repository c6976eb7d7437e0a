// The origin beside which a float holds the steps of large values: a meter at 1,600,000,000 that
// grows by 3.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

namespace sluice {

/// Rounding beyond this share of a mean step loses it.
inline constexpr double kLostStep = 0.01;

/// The mean distance of neighbouring values (NaN: missing); 0 where all are equal.
template <typename Number>
double mean_step(std::span<const Number> values) {
  double sum = 0, before = 0;
  std::int64_t count = 0;
  for (const Number value : values) {
    if (std::isnan(value)) continue;
    if (count++ > 0) sum += std::abs(static_cast<double>(value) - before);
    before = static_cast<double>(value);
  }
  return count > 1 ? sum / static_cast<double>(count - 1) : 0;
}

/// What to take off `exact` (NaN: missing) so that floats hold its steps; 0 where they do already.
/// Values keep their sign, with room of at least their range (a power of two, 1 at least) to zero,
/// so that the offset stays when a series grows a little.
double offset_for(std::span<const double> exact);

}  // namespace sluice
