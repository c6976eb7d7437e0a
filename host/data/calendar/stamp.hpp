// A time as a text says it, before it is known what its offset from UTC and its fraction mean.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "sluice/data/calendar.hpp"

namespace sluice {

struct Stamp {
  Timestamp wall = 0;                  ///< the clock's time as it is written
  std::optional<std::int64_t> offset;  ///< seconds east of UTC, where the text has one
  bool zulu = false;                   ///< the offset was written as Z
  bool fraction = false;               ///< the second has a fraction beside 0
  /// What the text names, by its first second: 2022-01-05 a day, 2022-01 a month; second: an
  /// instant, said with a time of day.
  Unit names = Unit::second;
  /// Of a span (2022-01-03 - 2022-01-09): the last second of what it names.
  std::optional<Timestamp> last = {};
};

/// The last second of what the stamp names, on its own clock.
Timestamp last_of(const Stamp& stamp);

/// The two halves of "A - B", "A to B", "A bis B" and of "A-B" where both are as long; nullopt:
/// the text has none of these forms.
std::optional<std::pair<std::string_view, std::string_view>> first_and_last(std::string_view text);

/// Every form of parse_time, and offsets (+01:00, +0100, +01) and fractions of a second; of a span
/// between two of them (2022-01-03 - 2022-01-09) the first.
std::optional<Stamp> parse_stamp(std::string_view text);

/// Monday of ISO 8601's week (from 1 to 52 or 53), or another `weekday` of it (1 = Monday).
std::optional<Timestamp> time_of_iso_week(std::int64_t year, std::int64_t week,
                                          std::int64_t weekday = 1);
/// Midnight of the day, or nullopt if it does not exist (years 1 to 9999).
std::optional<Timestamp> midnight_of(std::int64_t year, std::int64_t month, std::int64_t day);

}  // namespace sluice
