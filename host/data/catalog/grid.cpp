// The grid of a catalogue: which frequency, and where it begins.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "data/calendar/civil.hpp"
#include "data/catalog/build.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

std::string time_text(Timestamp time, bool integers) {
  if (integers) return fmt::format("{}", time);
  return format_time({.unit = Unit::day}, time);
}

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

/// Why no grid holds the times: the most frequent distance and the first pair that does not fit.
[[noreturn]] void throw_no_grid(std::span<const Timestamp> distinct, bool integers,
                                const std::string& source) {
  std::unordered_map<std::int64_t, std::int64_t> counts;
  for (std::size_t i = 1; i < distinct.size(); ++i) ++counts[distinct[i] - distinct[i - 1]];
  const auto common = std::max_element(counts.begin(), counts.end(), [](auto a, auto b) {
    return std::pair(a.second, b.first) < std::pair(b.second, a.first);
  });
  std::size_t odd = 1;
  while (odd + 1 < distinct.size() && (distinct[odd] - distinct[odd - 1]) % common->first == 0) {
    ++odd;
  }
  throw DataError(fmt::format(
      "{}: cannot infer the frequency: the times lie on no regular grid of minutes or longer (most "
      "are {} {} apart, but {} follows {}); set data.frequency, or correct these rows",
      source, common->first, integers ? "units" : "seconds", time_text(distinct[odd], integers),
      time_text(distinct[odd - 1], integers)));
}

/// The phase that puts `first` on the grid, where the frequency's steps leave a choice.
void fit_phase(Frequency& frequency, Timestamp first) {
  if (frequency.phase != 0) return;
  if (frequency.unit == Unit::integer || frequency.unit == Unit::minute ||
      frequency.unit == Unit::hour || frequency.unit == Unit::day) {
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

}  // namespace

Times read_times_as(const Table::Impl& table, int column, const std::string& wanted) {
  Times times = read_times(table, column);
  if (!times.integers || wanted == "auto") return times;
  const Frequency frequency = parse_frequency(wanted);
  const bool years = std::all_of(times.values.begin(), times.values.end(),
                                 [](Timestamp value) { return value >= 1 && value <= 9999; });
  if (frequency.unit != Unit::year || !years) return times;
  for (Timestamp& time : times.values) {
    time = time_of({.unit = Unit::year, .anchor = frequency.anchor}, time - 1970);
  }
  times.integers = false;
  return times;
}

Frequency settle_frequency(const std::string& wanted, std::span<const Timestamp> distinct,
                           bool integers, const std::string& source, CatalogNotes& notes) {
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
          integers ? "\"1\" or \"auto\"" : "\"D\", \"h\", ... or \"auto\""));
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
  if (!frequency) throw_no_grid(distinct, integers, source);
  return *frequency;
}

}  // namespace sluice
