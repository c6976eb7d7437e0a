// Wall clocks: zones as lists of their offsets from UTC.
#include "data/calendar/clock.hpp"

#include <algorithm>

#include "data/calendar/civil.hpp"

namespace sluice {

std::int64_t offset_at(std::span<const UtcOffset> clock, Timestamp utc) {
  const auto after =
      std::upper_bound(clock.begin(), clock.end(), utc,
                       [](Timestamp time, const UtcOffset& offset) { return time < offset.from; });
  return after == clock.begin() ? clock.front().seconds : std::prev(after)->seconds;
}

std::vector<Timestamp> instants_of(std::span<const UtcOffset> clock, Timestamp wall) {
  // No clock is a day or more away from UTC, and none is set twice within two days.
  std::vector<Timestamp> instants;
  for (const Timestamp near : {wall - civil::kDay, wall + civil::kDay}) {
    const std::int64_t offset = offset_at(clock, near);
    const Timestamp instant = wall - offset;
    if (offset_at(clock, instant) != offset) continue;
    if (instants.empty() || instants.front() != instant) instants.push_back(instant);
  }
  return instants;
}

Timestamp first_instant_from(std::span<const UtcOffset> clock, Timestamp wall) {
  const std::vector<Timestamp> instants = instants_of(clock, wall);
  // Of a time that is skipped, the clock's offset before says when it would have come.
  return instants.empty() ? wall - offset_at(clock, wall - civil::kDay) : instants.front();
}

}  // namespace sluice
