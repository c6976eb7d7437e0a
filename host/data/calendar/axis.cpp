// A catalogue's times as people read and write them.
#include "sluice/data/time_axis.hpp"

#include <charconv>

#include "data/calendar/civil.hpp"
#include "data/calendar/clock.hpp"
#include "data/calendar/named_period.hpp"
#include "data/calendar/stamp.hpp"
#include "data/calendar/time_format.hpp"

namespace sluice {
namespace {

/// A step's time as an instant (or as UTC where the data have no zone) and on the clock.
struct Shown {
  Timestamp utc, wall;
};

Shown shown(const TimeAxis& axis, Timestamp time) {
  if (axis.clock.empty()) return {time, time};
  if (axis.has_instants()) {
    const Timestamp utc = time - axis.ahead_of_utc;
    return {utc, utc + offset_at(axis.clock, utc)};
  }
  return {first_instant_from(axis.clock, time), time};
}

/// By the data's own form, else as ISO 8601.
std::optional<Stamp> stamp_of_text(const TimeAxis& axis, std::string_view text) {
  if (is_week_pattern(axis.format)) {
    if (const auto week = parse_iso_week(text)) {
      return Stamp{.wall = *week, .offset = {}, .names = Unit::week};
    }
  } else if (is_pattern(axis.format)) {
    if (const auto stamp = parse_by_pattern(std::string(text), axis.format)) return stamp;
  }
  return parse_stamp(text);
}

}  // namespace

std::int64_t TimeAxis::first_from(Timestamp time, std::int64_t series) const {
  // A span begins at its stamp or, where the stamp is its last day, ends there.
  const std::int64_t period = containing(time, series);
  return this->time(period, series) >= time ? period : period + 1;
}

Timestamp TimeAxis::wall(Timestamp time) const {
  return has_instants() ? shown(*this, time).wall : time;
}

std::string TimeAxis::text(Timestamp time) const { return format_time(frequency, wall(time)); }

std::optional<Timestamp> TimeAxis::time_of_text(std::string_view text) const {
  const auto span = span_of_text(text);
  return span ? std::optional(span->first) : std::nullopt;
}

std::optional<TimeSpan> TimeAxis::span_of_text(std::string_view text) const {
  if (integers) {
    Timestamp value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return TimeSpan{value, value};
  }
  const auto stamp = stamp_of_text(*this, text);
  if (!stamp || stamp->fraction) return std::nullopt;
  const Timestamp last = last_of(*stamp);
  if (!has_instants()) return TimeSpan{stamp->wall, last};
  const auto instants = [&](Timestamp wall) {
    return stamp->offset ? std::vector<Timestamp>{wall - *stamp->offset} : instants_of(clock, wall);
  };
  const std::vector<Timestamp> begin = instants(stamp->wall), end = instants(last);
  if (begin.empty() || end.empty()) return std::nullopt;
  // An instant that the clock shows twice is the first one; what it shows up to its end is all.
  const Timestamp end_of_span = last == stamp->wall ? begin.front() : end.back();
  return TimeSpan{begin.front() + ahead_of_utc, end_of_span + ahead_of_utc};
}

OutputColumn time_column(const TimeAxis& axis, std::string name, std::vector<Timestamp> times) {
  OutputColumn column;
  column.name = std::move(name);
  if (axis.integers) {
    column.integers = std::move(times);
  } else if (is_pattern(axis.format)) {
    for (const Timestamp time : times) {
      const Shown at = shown(axis, time);
      column.text.push_back(write_by_pattern(axis.format, at.wall, at.wall - at.utc));
    }
  } else if (const std::int64_t scale = epoch_scale(axis.format); scale > 0) {
    for (const Timestamp time : times) column.integers.push_back(shown(axis, time).utc * scale);
  } else if (axis.format == "excel") {
    for (const Timestamp time : times) {
      column.numbers.push_back(25569 + static_cast<double>(time) / civil::kDay);
    }
  } else {
    column.time_zone = axis.zone;
    for (Timestamp& time : times) time = shown(axis, time).utc;
    column.times = std::move(times);
  }
  return column;
}

}  // namespace sluice
