// The grid of a catalogue: which frequency, and where it begins.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "data/calendar/civil.hpp"
#include "data/catalog/aggregate.hpp"
#include "data/catalog/build.hpp"
#include "data/catalog/clocks.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

std::vector<Timestamp> distinct_times(std::span<const Timestamp> times) {
  std::unordered_set<Timestamp> seen;
  Timestamp last = 0;
  bool any = false;
  for (const Timestamp time : times) {
    if (any && time == last) continue;
    any = true;
    last = time;
    seen.insert(time);
  }
  std::vector<Timestamp> distinct(seen.begin(), seen.end());
  std::sort(distinct.begin(), distinct.end());
  return distinct;
}

namespace {

/// Whether most of the times lie in the second half of their month.
bool late_in_month(std::span<const Timestamp> distinct) {
  constexpr std::int64_t kMiddle = 15;
  const auto late = std::count_if(distinct.begin(), distinct.end(), [](Timestamp time) {
    return static_cast<unsigned>(civil::date_of_day(civil::day_of(time)).day()) > kMiddle;
  });
  return 2 * late > std::ssize(distinct);
}

/// The setting under which each time is a period of its own and the fewest periods have none: of
/// months on the 15th MS, of exports at 06:05:33 D. Empty: two times share a period of each.
std::string period_setting(std::span<const Timestamp> distinct) {
  const bool ends = late_in_month(distinct);
  CatalogSpec spec;
  spec.align_to_period = true;
  std::string best;
  std::int64_t best_span = 0;
  for (const char* name : {"min", "15min", "h", "D", "W-SUN", ends ? "ME" : "MS",
                           ends ? "QE" : "QS", ends ? "YE" : "YS"}) {
    const Frequency frequency = parse_frequency(name);
    bool apart = true;
    for (std::size_t i = 1; i < distinct.size() && apart; ++i) {
      apart =
          *period_for(spec, frequency, distinct[i - 1]) < *period_for(spec, frequency, distinct[i]);
    }
    if (!apart) break;
    const std::int64_t span = *period_for(spec, frequency, distinct.back()) -
                              *period_for(spec, frequency, distinct.front()) + 1;
    // The coarsest is the fullest; half of its periods must have a time.
    if (2 * std::ssize(distinct) < span) continue;
    if (best.empty() || span < best_span) {
      best = name;
      best_span = span;
    }
  }
  return best;
}

/// What to do about times that are whole weeks apart, but not equally many; empty where they are
/// not.
std::string weeks_remedy(std::span<const Timestamp> distinct) {
  constexpr std::int64_t kWeek = 7 * civil::kDay;
  bool months_of_weeks = true;
  for (std::size_t i = 1; i < distinct.size(); ++i) {
    const std::int64_t distance = distinct[i] - distinct[i - 1];
    if (distance % kWeek != 0) return {};
    months_of_weeks = months_of_weeks && (distance == 4 * kWeek || distance == 5 * kWeek);
  }
  const Frequency weekly{
      .unit = Unit::week,
      .anchor = static_cast<int>(civil::weekday(civil::day_of(distinct.front())))};
  if (!months_of_weeks) {
    return fmt::format(
        "all are whole weeks apart: --data.frequency {} takes the weeks between them for steps "
        "without a row; or correct these rows",
        to_string(weekly));
  }
  return fmt::format(
      "periods of 4 and of 5 weeks (a 4-4-5 calendar) are no grid of dates: number them in a "
      "column of their own (1, 2, 3, ...) and set data.time to it, or give a row for each week "
      "({}); --data.frequency {} --data.align period would take each for a calendar month and "
      "write months",
      to_string(weekly), late_in_month(distinct) ? "ME" : "MS");
}

bool have_one_time_of_day(std::span<const Timestamp> distinct) {
  return std::all_of(distinct.begin(), distinct.end(), [&](Timestamp time) {
    return civil::floor_mod(time - distinct.front(), civil::kDay) == 0;
  });
}

/// What to do about midnights of a zone that are written in UTC; empty where they are not.
std::string midnights_remedy(std::span<const Timestamp> distinct, const TimeAxis& axis,
                             const std::string& source) {
  if (axis.ahead_of_utc != 0 || have_one_time_of_day(distinct)) return {};
  const std::string zone = zone_of_midnights(distinct, source);
  if (zone.empty()) return {};
  const std::string set = fmt::format("set their zone: --data.time_zone {}", zone);
  return fmt::format(
      "in UTC they are all midnights of {}: {}; --data.frequency D --data.align period would take "
      "them for days of UTC, {} for {}",
      zone, axis.clock.empty() ? "write them with the offset (Z) and " + set : set,
      axis.text(distinct.front()), time_text(civil::day_of(distinct.front()) * civil::kDay));
}

/// Why no grid holds the times: the most frequent distance and the first pair that does not fit.
[[noreturn]] void throw_no_grid(std::span<const Timestamp> distinct, TimeAxis axis,
                                const std::string& source) {
  const bool integers = axis.integers;
  // Times of day that differ were read as instants: the file has what their clock shows.
  if (!integers) axis.frequency.unit = have_one_time_of_day(distinct) ? Unit::day : Unit::minute;
  std::unordered_map<std::int64_t, std::int64_t> counts;
  for (std::size_t i = 1; i < distinct.size(); ++i) ++counts[distinct[i] - distinct[i - 1]];
  const auto common = std::max_element(counts.begin(), counts.end(), [](auto a, auto b) {
    return std::pair(a.second, b.first) < std::pair(b.second, a.first);
  });
  std::size_t odd = 1;
  while (odd + 1 < distinct.size() && (distinct[odd] - distinct[odd - 1]) % common->first == 0) {
    ++odd;
  }
  const std::string weeks = integers ? "" : weeks_remedy(distinct);
  const std::string period = integers ? "" : period_setting(distinct);
  std::string remedy = "set data.frequency, or correct these rows";
  const std::string midnights = integers ? "" : midnights_remedy(distinct, axis, source);
  if (!midnights.empty()) {
    remedy = midnights;
  } else if (!weeks.empty()) {
    remedy = weeks;
  } else if (!period.empty()) {
    remedy = fmt::format(
        "each lies in a period of its own of frequency {}: --data.frequency {} --data.align period "
        "takes it for that period; or correct these rows",
        period, period);
  } else if (!integers) {
    const bool nearly_a_grid = 2 * common->second >= std::ssize(distinct) - 1;
    remedy =
        nearly_a_grid
            ? "correct these rows, or set data.frequency, with data.align = \"period\" where "
              "rows lie inside their periods; where several are of one period (sales at the "
              "till) --data.aggregate D adds them up to days"
            : "where several rows are of one period (sales at the till) --data.aggregate D adds "
              "them up to days (h, W-SUN, MS: to others); where each lies inside a period of "
              "its own set data.frequency and data.align = \"period\"";
  }
  throw DataError(
      fmt::format("{}: cannot infer the frequency: the times lie on no regular grid (most "
                  "are {} {} apart, but {} follows {}); {}",
                  source, common->first, integers ? "units" : "seconds", axis.text(distinct[odd]),
                  axis.text(distinct[odd - 1]), remedy));
}

/// The phase that puts `first` on the grid, where the frequency's steps leave a choice.
void fit_phase(Frequency& frequency, Timestamp first) {
  if (frequency.phase != 0) return;
  if (frequency.unit == Unit::integer || is_shorter_than_day(frequency.unit) ||
      frequency.unit == Unit::day) {
    const Timestamp step = time_of(frequency, 1) - time_of(frequency, 0);
    frequency.phase = civil::floor_mod(first, step);
    return;
  }
  const bool weekdays = frequency.unit == Unit::business_day;
  const Timestamp second = weekdays ? civil::floor_mod(first, civil::kDay) : 0;
  Frequency every = frequency;
  every.multiple = 1;
  frequency.phase = civil::floor_mod(period_containing(every, first), frequency.multiple);
  if (weekdays) frequency.phase = frequency.phase * civil::kDay + second;
}

/// The frequency that all of `distinct` times lie on: `wanted` with its phase taken from the data,
/// or inferred where `wanted` is "auto".
Frequency settle_frequency(const std::string& wanted, std::span<const Timestamp> distinct,
                           const TimeAxis& axis, const std::string& source, CatalogNotes& notes) {
  const bool integers = axis.integers;
  if (distinct.empty()) {
    throw DataError(fmt::format("{}: the file has no rows; write it again", source));
  }
  if (wanted != "auto") {
    Frequency frequency = parse_frequency(wanted);
    const bool integer_frequency = frequency.unit == Unit::integer;
    if (integers != integer_frequency) {
      throw DataError(fmt::format(
          "{}: data.frequency is {}, but the times are {} ({}); set data.frequency = {}", source,
          wanted, integers ? "plain integers" : "dates", time_text(distinct.front(), integers),
          integers ? "\"1\" or \"auto\", or data.time_format where they are dates"
                   : "\"D\", \"h\", ... or \"auto\""));
    }
    fit_phase(frequency, distinct.front());
    return frequency;
  }
  notes.frequency_inferred = true;
  if (distinct.size() == 1) {
    if (integers) return {};
    throw DataError(
        fmt::format("{}: cannot infer the frequency from the single time {}; set data.frequency",
                    source, time_text(distinct.front(), false)));
  }
  const auto frequency = infer_frequency(distinct, integers);
  if (!frequency) throw_no_grid(distinct, axis, source);
  return *frequency;
}

}  // namespace

void settle_grid(const Times& times, std::span<const Timestamp> distinct, const CatalogSpec& spec,
                 const std::string& source, CatalogParts& parts, CatalogNotes& notes) {
  const std::string& wanted = frequency_wanted(spec);
  if (spec.align_to_period && wanted == "auto") {
    throw ConfigError(
        "data.align = \"period\" needs the frequency of the periods; set data.frequency (h, D, "
        "W-SUN, MS, QS)");
  }
  parts.axis = times.axis;
  notes.remarks.insert(notes.remarks.end(), times.remarks.begin(), times.remarks.end());
  parts.axis.frequency = settle_frequency(wanted, distinct, parts.axis, source, notes);
  if (!spec.align_to_period && spec.aggregate.empty()) return;
  // Periods begin with the hour or the day, whenever the first row was.
  Frequency& grid = parts.axis.frequency;
  if (is_shorter_than_day(grid.unit)) grid.phase = 0;
  if (grid.unit == Unit::day || grid.unit == Unit::business_day) {
    grid.phase -= grid.phase % civil::kDay;
  }
  if (!spec.aggregate.empty() && !times.axis.integers) {
    say_partial_steps(spec, grid, distinct, static_cast<std::int64_t>(times.values.size()), notes);
  }
}

std::string off_grid_remedy(const Frequency& grid) {
  std::string remedy = "correct the row, or set data.frequency to what the times have";
  if (grid.unit == Unit::week) {
    remedy = "correct the row, or set data.frequency to the weekday of the rows (W-MON ... W-SUN)";
  } else if (grid.unit == Unit::month || grid.unit == Unit::quarter || grid.unit == Unit::year) {
    remedy =
        "correct the row, or set data.frequency: MS, QS, YS for first days, ME, QE, YE for last "
        "days";
  }
  if (grid.unit == Unit::integer) return remedy;
  if (grid.unit == Unit::business_day) {
    // Taken for its Friday, a Saturday would be that day's second row.
    return fmt::format(
        "correct the row; --data.frequency D keeps Saturdays and Sundays as days of their own, "
        "--data.aggregate {} adds them to their Fridays",
        to_string(grid));
  }
  return fmt::format(
      "{}; --data.frequency {} --data.align period takes each row for the period "
      "that holds it, data.aggregate adds rows of a period up",
      remedy, to_string(grid));
}

}  // namespace sluice
