// Periods of a frequency's grid and the times that stamp them. A month, quarter or year counts
// months; a week counts days from the first stamp day of 1970; a business day counts weekdays; all
// else counts seconds.
#include "sluice/data/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/calendar/civil.hpp"

namespace sluice {
namespace {

using civil::floor_div;
using civil::kDay;

/// Months in one unit; 0 for units that are not made of months.
std::int64_t months_in(Unit unit) {
  switch (unit) {
    case Unit::month:
      return 1;
    case Unit::quarter:
      return 3;
    case Unit::year:
      return 12;
    default:
      return 0;
  }
}

/// Length of one unit in seconds (integer, second: 1), for units of constant length.
std::int64_t unit_length(Unit unit) {
  switch (unit) {
    case Unit::minute:
      return civil::kMinute;
    case Unit::hour:
      return civil::kHour;
    case Unit::day:
      return kDay;
    default:
      return 1;
  }
}

/// The first day at or after 1970-01-01 that falls on the week's stamp day.
std::int64_t week_origin(int anchor) { return (anchor + 4) % 7; }

/// The first Monday of 1970, from which weekdays are counted, five a week.
constexpr std::int64_t kFirstMonday = 4;

/// The number of `day`'s weekday; a weekend has its Friday's.
std::int64_t weekday_number(std::int64_t day) {
  const std::int64_t since = day - kFirstMonday;
  return floor_div(since, std::int64_t{7}) * 5 +
         std::min(civil::floor_mod(since, 7), std::int64_t{4});
}

std::int64_t day_of_weekday_number(std::int64_t number) {
  return kFirstMonday + floor_div(number, std::int64_t{5}) * 7 + civil::floor_mod(number, 5);
}

}  // namespace

std::int64_t period_containing(const Frequency& frequency, Timestamp time) {
  if (const std::int64_t months = months_in(frequency.unit); months > 0) {
    const std::int64_t unit = floor_div(civil::month_of_day(civil::day_of(time)), months);
    return floor_div(unit - frequency.phase, frequency.multiple);
  }
  if (frequency.unit == Unit::week) {
    const std::int64_t week =
        floor_div(civil::day_of(time) - week_origin(frequency.anchor), std::int64_t{7});
    return floor_div(week - frequency.phase, frequency.multiple);
  }
  if (frequency.unit == Unit::business_day) {
    const std::int64_t number = weekday_number(civil::day_of(time - frequency.phase % kDay));
    return floor_div(number - frequency.phase / kDay, frequency.multiple);
  }
  return floor_div(time - frequency.phase, frequency.multiple * unit_length(frequency.unit));
}

Timestamp time_of(const Frequency& frequency, std::int64_t period) {
  const std::int64_t step = period * frequency.multiple;
  if (const std::int64_t months = months_in(frequency.unit); months > 0) {
    const std::int64_t first = (step + frequency.phase) * months;
    const std::int64_t month = frequency.anchor == 0 ? first : first + months - 1;
    return civil::day_of_month_end(month, frequency.anchor) * kDay;
  }
  if (frequency.unit == Unit::week) {
    return ((step + frequency.phase) * 7 + week_origin(frequency.anchor)) * kDay;
  }
  if (frequency.unit == Unit::business_day) {
    return day_of_weekday_number(step + frequency.phase / kDay) * kDay + frequency.phase % kDay;
  }
  return step * unit_length(frequency.unit) + frequency.phase;
}

std::optional<std::int64_t> period_of(const Frequency& frequency, Timestamp time) {
  const std::int64_t period = period_containing(frequency, time);
  if (time_of(frequency, period) != time) return std::nullopt;
  return period;
}

std::string format_time(const Frequency& frequency, Timestamp time) {
  if (frequency.unit == Unit::integer) return fmt::format("{}", time);
  const std::int64_t day = civil::day_of(time);
  const std::int64_t second = time - day * kDay;
  const auto date = civil::date_of_day(day);
  std::string text =
      fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (is_shorter_than_day(frequency.unit) || second != 0) {
    text += fmt::format(" {:02}:{:02}:{:02}", second / civil::kHour,
                        second % civil::kHour / civil::kMinute, second % civil::kMinute);
  }
  return text;
}

}  // namespace sluice
