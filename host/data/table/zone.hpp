// Time zones by name.
#pragma once

#include <string>
#include <vector>

#include "sluice/data/calendar.hpp"

namespace sluice {

/// "+01:00" of seconds east of UTC.
std::string offset_text(std::int64_t seconds);

/// The clock of a zone by its name in the system's tz database ("Europe/Berlin"), or of "UTC", "Z",
/// "+01:00". Throws DataError naming `source` where there is no such zone.
std::vector<UtcOffset> clock_of_zone(const std::string& zone, const std::string& source);

/// What the clock is ahead of UTC in winter (standard time).
std::int64_t standard_offset(const std::vector<UtcOffset>& clock);

}  // namespace sluice
