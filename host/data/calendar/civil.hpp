// Days and seconds of the proleptic Gregorian calendar, on std::chrono's civil dates.
#pragma once

#include <chrono>
#include <cstdint>

#include "sluice/data/calendar.hpp"

namespace sluice::civil {

inline constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400;

inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}
inline std::int64_t floor_mod(std::int64_t a, std::int64_t b) { return a - floor_div(a, b) * b; }

inline std::int64_t day_of(Timestamp time) { return floor_div(time, kDay); }

inline std::chrono::year_month_day date_of_day(std::int64_t day) {
  return std::chrono::year_month_day(
      std::chrono::sys_days(std::chrono::days(static_cast<int>(day))));
}
inline std::int64_t day_of_date(std::chrono::year_month_day date) {
  return std::chrono::sys_days(date).time_since_epoch().count();
}

/// 0 = Monday. 1970-01-01 was a Thursday.
inline std::int64_t weekday(std::int64_t day) { return floor_mod(day + 3, 7); }

/// Months since January 1970.
inline std::int64_t month_of_day(std::int64_t day) {
  const auto date = date_of_day(day);
  return (static_cast<int>(date.year()) - 1970) * 12 +
         static_cast<std::int64_t>(static_cast<unsigned>(date.month())) - 1;
}

/// The first (anchor 0) or last (anchor 1) day of month number `month`.
inline std::int64_t day_of_month_end(std::int64_t month, int anchor) {
  const auto first_of = [](std::int64_t m) {
    const std::chrono::year year(static_cast<int>(1970 + floor_div(m, 12)));
    const std::chrono::month name(static_cast<unsigned>(floor_mod(m, 12) + 1));
    return day_of_date(year / name / std::chrono::day(1));
  };
  return anchor == 0 ? first_of(month) : first_of(month + 1) - 1;
}

/// Times that dates can have here: the years 1 to 9999.
inline constexpr Timestamp kEarliest = -62135596800, kLatest = 253402300799;

}  // namespace sluice::civil
