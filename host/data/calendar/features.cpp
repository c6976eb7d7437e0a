// Calendar terms: sines and cosines of where a step lies in the day, the week and the year. One
// table says which terms a frequency has; size, names and values are made from it.
#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <span>

#include "data/calendar/civil.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

enum class Cycle { day, week, working_week, year, month_of_year, quarter_of_year };

struct Term {
  Cycle cycle;
  const char* name;
  int harmonics;
};

std::span<const Term> terms_of(Unit unit) {
  static constexpr Term kSecond[] = {{Cycle::day, "time_of_day", 2}};
  static constexpr Term kMinute[] = {{Cycle::day, "time_of_day", 2}, {Cycle::week, "weekday", 3}};
  static constexpr Term kHour[] = {
      {Cycle::day, "hour_of_day", 2}, {Cycle::week, "weekday", 3}, {Cycle::year, "day_of_year", 1}};
  static constexpr Term kDay[] = {{Cycle::week, "weekday", 3}, {Cycle::year, "day_of_year", 1}};
  // Two harmonics tell five weekdays apart.
  static constexpr Term kBusinessDay[] = {{Cycle::working_week, "weekday", 2},
                                          {Cycle::year, "day_of_year", 1}};
  static constexpr Term kWeek[] = {{Cycle::year, "week_of_year", 2}};
  static constexpr Term kMonth[] = {{Cycle::month_of_year, "month_of_year", 2}};
  static constexpr Term kQuarter[] = {{Cycle::quarter_of_year, "quarter_of_year", 1}};
  switch (unit) {
    case Unit::second:
      return kSecond;
    case Unit::minute:
      return kMinute;
    case Unit::hour:
      return kHour;
    case Unit::day:
      return kDay;
    case Unit::business_day:
      return kBusinessDay;
    case Unit::week:
      return kWeek;
    case Unit::month:
      return kMonth;
    case Unit::quarter:
      return kQuarter;
    case Unit::integer:
    case Unit::year:
      return {};
  }
  return {};
}

/// Where `time` lies in the cycle, in [0, 1).
double place_in(Cycle cycle, Timestamp time) {
  const std::int64_t day = civil::day_of(time);
  switch (cycle) {
    case Cycle::day:
      return static_cast<double>(time - day * civil::kDay) / static_cast<double>(civil::kDay);
    case Cycle::week:
      return static_cast<double>(civil::weekday(day)) / 7;
    case Cycle::working_week:
      return static_cast<double>(civil::weekday(day)) / 5;
    case Cycle::year: {
      const auto year = civil::date_of_day(day).year();
      const std::int64_t first = civil::day_of_date(year / std::chrono::January / 1);
      return static_cast<double>(day - first) / (year.is_leap() ? 366 : 365);
    }
    case Cycle::month_of_year:
      return static_cast<double>(civil::floor_mod(civil::month_of_day(day), 12)) / 12;
    case Cycle::quarter_of_year:
      return static_cast<double>(civil::floor_mod(civil::month_of_day(day), 12) / 3) / 4;
  }
  return 0;
}

}  // namespace

int calendar_size(const Frequency& frequency) {
  int size = 0;
  for (const Term& term : terms_of(frequency.unit)) size += 2 * term.harmonics;
  return size;
}

std::vector<std::string> calendar_names(const Frequency& frequency) {
  std::vector<std::string> names;
  for (const Term& term : terms_of(frequency.unit)) {
    for (int k = 1; k <= term.harmonics; ++k) {
      names.push_back(fmt::format("{}_sin{}", term.name, k));
      names.push_back(fmt::format("{}_cos{}", term.name, k));
    }
  }
  return names;
}

void calendar_features(const Frequency& frequency, std::int64_t period, float* out) {
  const Timestamp time = time_of(frequency, period);
  for (const Term& term : terms_of(frequency.unit)) {
    const double angle = 2 * std::numbers::pi * place_in(term.cycle, time);
    for (int k = 1; k <= term.harmonics; ++k) {
      *out++ = static_cast<float>(std::sin(k * angle));
      *out++ = static_cast<float>(std::cos(k * angle));
    }
  }
}

}  // namespace sluice
