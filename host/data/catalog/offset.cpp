#include "data/catalog/offset.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace sluice {
namespace {

/// Whether 7 digits write the number, as they do what people type.
bool has_seven_digits(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.7g", number);
  return std::strtod(text, nullptr) == number;
}

}  // namespace

double offset_for(std::span<const double> exact) {
  double low = std::numeric_limits<double>::max(), high = -low, rounding = 0;
  for (const double value : exact) {
    if (std::isnan(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
    rounding = std::max(rounding, std::abs(value - static_cast<double>(static_cast<float>(value))));
  }
  if (low > high || rounding == 0 || (low <= 0 && high >= 0)) return 0;
  const double step = mean_step(exact);
  if (step > 0 ? rounding <= kLostStep * step : has_seven_digits(low)) return 0;
  const double range = high - low;
  const double room = range > 1 ? std::exp2(std::ceil(std::log2(range))) : 1;
  return low > 0 ? std::max(0.0, std::floor(low - room)) : std::min(0.0, std::ceil(high + room));
}

}  // namespace sluice
