// Frequencies by name (pandas' old and new ones), by inference, and the seasons that go with them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <unordered_map>

#include "data/calendar/civil.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"MON", "TUE", "WED", "THU",
                                                       "FRI", "SAT", "SUN"};
constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

struct Name {
  std::string_view text;
  Unit unit;
  int anchor;
};
constexpr Name kNames[] = {
    {"s", Unit::second, 0},   {"S", Unit::second, 0},   {"min", Unit::minute, 0},
    {"T", Unit::minute, 0},   {"h", Unit::hour, 0},     {"H", Unit::hour, 0},
    {"D", Unit::day, 0},      {"d", Unit::day, 0},      {"B", Unit::business_day, 0},
    {"W", Unit::week, 6},     {"MS", Unit::month, 0},   {"M", Unit::month, 1},
    {"ME", Unit::month, 1},   {"QS", Unit::quarter, 0}, {"Q", Unit::quarter, 1},
    {"QE", Unit::quarter, 1}, {"YS", Unit::year, 0},    {"AS", Unit::year, 0},
    {"Y", Unit::year, 1},     {"A", Unit::year, 1},     {"YE", Unit::year, 1},
};

[[noreturn]] void unknown_frequency(std::string_view text) {
  if (text == "C" || text == "BH" || text == "bh") {
    throw ConfigError(fmt::format(
        "data.frequency: '{}' needs a calendar of holidays, which Sluice has not; use \"B\" "
        "(Mondays to Fridays): holidays become steps without a row",
        text));
  }
  throw ConfigError(fmt::format(
      "data.frequency: unknown frequency '{}'; use \"auto\", s, min, h, D, B, W-MON..W-SUN, MS, "
      "ME, "
      "QS, "
      "QE, YS, YE, or one of them with a number before it (15min), or a number for integer times",
      text));
}

/// A step that is longer than all times together leaves the years that dates can have.
void check_length(std::string_view text, Unit unit, std::int64_t multiple) {
  constexpr std::int64_t kYears = 9'999;
  const bool fits = unit == Unit::year      ? multiple <= kYears
                    : unit == Unit::quarter ? multiple <= kYears * 4
                    : unit == Unit::month   ? multiple <= kYears * 12
                                            : unit != Unit::week || multiple <= kYears * 52;
  if (fits) return;
  throw ConfigError(
      fmt::format("data.frequency: a step of '{}' is longer than the years 1 to 9999, which times "
                  "may have; use a smaller number",
                  text));
}

template <std::size_t N>
std::optional<int> index_in(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin());
}

/// Quarters and years that begin in another month than January are grids of months with a phase.
/// `month` is the one named after the dash: the first month for starts, the last one for ends.
Frequency shifted(Frequency frequency, int month) {
  const int months = frequency.unit == Unit::quarter ? 3 : 12;
  const int phase = (frequency.anchor == 0 ? month : month + 1) % months;
  if (phase == 0) return frequency;
  frequency.unit = Unit::month;
  frequency.multiple *= months;
  // An end is stamped by the last of its months.
  frequency.phase = frequency.anchor == 0 ? phase : (phase + months - 1) % months;
  return frequency;
}

}  // namespace

Frequency parse_frequency(std::string_view text) {
  std::string_view rest = text;
  std::int64_t multiple = 1;
  if (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), multiple);
    if (error != std::errc() || multiple < 1 || multiple > 1'000'000) unknown_frequency(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.empty()) return {.unit = Unit::integer, .multiple = multiple};
  }
  const std::size_t dash = rest.find('-');
  const std::string_view stem = rest.substr(0, dash);
  const auto* name = std::find_if(std::begin(kNames), std::end(kNames),
                                  [&](const Name& n) { return n.text == stem; });
  if (name == std::end(kNames)) unknown_frequency(text);
  check_length(text, name->unit, multiple);
  Frequency frequency{.unit = name->unit, .multiple = multiple, .anchor = name->anchor};
  if (dash == std::string_view::npos) return frequency;

  std::string suffix(rest.substr(dash + 1));
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (frequency.unit == Unit::week) {
    const auto weekday = index_in(kWeekdays, suffix);
    if (!weekday) unknown_frequency(text);
    frequency.anchor = *weekday;
    return frequency;
  }
  const auto month = index_in(kMonths, suffix);
  if (!month || (frequency.unit != Unit::quarter && frequency.unit != Unit::year)) {
    unknown_frequency(text);
  }
  return shifted(frequency, *month);
}

std::string to_string(const Frequency& frequency) {
  const std::string number = frequency.multiple == 1 ? "" : fmt::format("{}", frequency.multiple);
  switch (frequency.unit) {
    case Unit::integer:
      return fmt::format("{}", frequency.multiple);
    case Unit::second:
      return number + "s";
    case Unit::minute:
      return number + "min";
    case Unit::hour:
      return number + "h";
    case Unit::day:
      return number + "D";
    case Unit::business_day:
      return number + "B";
    case Unit::week:
      return fmt::format("{}W-{}", number, kWeekdays[static_cast<std::size_t>(frequency.anchor)]);
    case Unit::month:
      return number + (frequency.anchor == 0 ? "MS" : "ME");
    case Unit::quarter:
      return number + (frequency.anchor == 0 ? "QS" : "QE");
    case Unit::year:
      return number + (frequency.anchor == 0 ? "YS" : "YE");
  }
  throw InternalError("to_string: a frequency without a unit");
}

namespace {

/// The most frequent distance of neighbours (the smaller one of a tie) if it divides all others.
std::optional<std::int64_t> common_step(const std::vector<std::int64_t>& places) {
  std::unordered_map<std::int64_t, std::int64_t> counts;
  for (std::size_t i = 1; i < places.size(); ++i) ++counts[places[i] - places[i - 1]];
  std::int64_t step = 0, most = 0;
  for (const auto& [distance, count] : counts) {
    if (count > most || (count == most && distance < step)) {
      step = distance;
      most = count;
    }
  }
  for (const auto& [distance, count] : counts) {
    if (distance % step != 0) return std::nullopt;
  }
  return step;
}

/// The grid of months, quarters or years of times that all are first or all are last days.
std::optional<Frequency> infer_months(const std::vector<std::int64_t>& days, int anchor) {
  std::vector<std::int64_t> months;
  months.reserve(days.size());
  for (const std::int64_t day : days) {
    const std::int64_t month = civil::month_of_day(day);
    if (civil::day_of_month_end(month, anchor) != day) return std::nullopt;
    months.push_back(month);
  }
  const auto step = common_step(months);
  if (!step) return std::nullopt;
  // Months of an end are counted by their last month: December is 11, the last of year 0.
  const std::int64_t place = civil::floor_mod(months.front() + (anchor == 0 ? 0 : 1), 12);
  if (*step % 12 == 0 && place == 0) {
    const std::int64_t multiple = *step / 12;
    return Frequency{.unit = Unit::year,
                     .multiple = multiple,
                     .anchor = anchor,
                     .phase = civil::floor_mod(civil::floor_div(months.front(), 12), multiple)};
  }
  if (*step == 3 && place % 3 == 0) return Frequency{.unit = Unit::quarter, .anchor = anchor};
  return Frequency{.unit = Unit::month,
                   .multiple = *step,
                   .anchor = anchor,
                   .phase = civil::floor_mod(months.front(), *step)};
}

/// Whether days (ascending) a day apart are business days: no weekend among them although at least
/// two have passed, and at most a fifth of the weekdays missing (holidays).
bool are_business_days(const std::vector<std::int64_t>& days) {
  const auto weekend = [](std::int64_t day) { return civil::weekday(day) > 4; };
  if (std::any_of(days.begin(), days.end(), weekend)) return false;
  const Frequency business{.unit = Unit::business_day};
  const std::int64_t first = days.front(), last = days.back();
  const auto number = [&](std::int64_t day) {
    return period_containing(business, day * civil::kDay);
  };
  const std::int64_t weekends = (last - first - (number(last) - number(first))) / 2;
  const std::int64_t weekdays = number(last) - number(first) + 1;
  return weekends >= 2 && static_cast<std::int64_t>(days.size()) * 5 >= weekdays * 4;
}

}  // namespace

std::optional<Frequency> infer_frequency(std::span<const Timestamp> times, bool integer_times) {
  if (times.size() < 2) return std::nullopt;
  const std::vector<std::int64_t> places(times.begin(), times.end());
  if (integer_times) {
    const auto step = common_step(places);
    if (!step) return std::nullopt;
    return Frequency{.multiple = *step, .phase = civil::floor_mod(places.front(), *step)};
  }
  const bool midnights = std::all_of(places.begin(), places.end(), [](std::int64_t time) {
    return civil::floor_mod(time, civil::kDay) == 0;
  });
  if (midnights) {
    std::vector<std::int64_t> days(places.size());
    std::transform(places.begin(), places.end(), days.begin(), civil::day_of);
    for (const int anchor : {0, 1}) {
      if (const auto months = infer_months(days, anchor)) return months;
    }
    const auto step = common_step(days);
    if (!step) return std::nullopt;
    if (*step % 7 == 0) {
      Frequency weeks{.unit = Unit::week,
                      .multiple = *step / 7,
                      .anchor = static_cast<int>(civil::weekday(days.front()))};
      const Frequency every{.unit = Unit::week, .anchor = weeks.anchor};
      weeks.phase = civil::floor_mod(period_containing(every, places.front()), weeks.multiple);
      return weeks;
    }
  }
  const auto step = common_step(places);
  if (!step) return std::nullopt;
  const std::int64_t phase = civil::floor_mod(places.front(), *step);
  if (*step == civil::kDay) {
    std::vector<std::int64_t> days(places.size());
    std::transform(places.begin(), places.end(), days.begin(), civil::day_of);
    if (are_business_days(days)) return Frequency{.unit = Unit::business_day, .phase = phase};
  }
  if (*step % civil::kDay == 0) {
    return Frequency{.unit = Unit::day, .multiple = *step / civil::kDay, .phase = phase};
  }
  if (*step % civil::kHour == 0) {
    return Frequency{.unit = Unit::hour, .multiple = *step / civil::kHour, .phase = phase};
  }
  if (*step % civil::kMinute == 0) {
    return Frequency{.unit = Unit::minute, .multiple = *step / civil::kMinute, .phase = phase};
  }
  const auto steps = std::count_if(places.begin() + 1, places.end(), [&](const auto& place) {
    return place - *(&place - 1) == *step;
  });
  if (2 * steps < std::ssize(places) - 1) return std::nullopt;
  return Frequency{.unit = Unit::second, .multiple = *step, .phase = phase};
}

namespace {

/// Steps of `units` units, where they are a whole number of steps; else 1.
int steps_of(const Frequency& frequency, std::int64_t units) {
  return units % frequency.multiple == 0 ? static_cast<int>(units / frequency.multiple) : 1;
}

}  // namespace

int season_length(const Frequency& frequency) {
  switch (frequency.unit) {
    case Unit::minute:
      return steps_of(frequency, 1440);
    case Unit::hour:
      return steps_of(frequency, 24);
    case Unit::day:
      return steps_of(frequency, 7);
    case Unit::business_day:
      return steps_of(frequency, 5);
    case Unit::week:
      return steps_of(frequency, 52);
    case Unit::month:
      return steps_of(frequency, 12);
    case Unit::quarter:
      return steps_of(frequency, 4);
    case Unit::integer:
    case Unit::second:  // a day of them is too many, and no shorter season is common to such data
    case Unit::year:
      return 1;
  }
  throw InternalError("season_length: a frequency without a unit");
}

int long_season_length(const Frequency& frequency) {
  switch (frequency.unit) {
    case Unit::minute:
      return steps_of(frequency, 7 * 1440);
    case Unit::hour:
      return steps_of(frequency, 7 * 24);
    case Unit::day:
      return steps_of(frequency, 28);
    case Unit::business_day:
      return steps_of(frequency, 20);
    default:
      return season_length(frequency);
  }
}

}  // namespace sluice
