// By what M5 weights the series inside a level: their sales in the 28 days before the forecast.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sluice/data/calendar.hpp"

namespace sluice {

/// Steps in 28 days, at least one; 28 of integer times.
inline std::size_t recent_steps(const Frequency& frequency) {
  constexpr std::int64_t kDays = 28;
  if (frequency.unit == Unit::integer) return kDays;
  const Timestamp later = time_of(frequency, 0) + kDays * 86400;
  return static_cast<std::size_t>(std::max<std::int64_t>(1, period_containing(frequency, later)));
}

/// The sum of the last `steps` values of a history, those missing or below 0 as 0. `offset` is what
/// values are stored beside (Catalog::value_offset).
inline double recent_sales(std::span<const float> history, std::size_t steps, double offset) {
  double sum = 0;
  for (const float value : history.last(std::min(history.size(), steps))) {
    if (!std::isnan(value)) sum += std::max(0.0, static_cast<double>(value) + offset);
  }
  return sum;
}

}  // namespace sluice
