// Wall clocks: zones as lists of their offsets from UTC.
#include <algorithm>

#include "data/calendar/civil.hpp"
#include "sluice/data/calendar.hpp"

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

}  // namespace sluice
