// What offsets, zones and digits make of times that were read as they are written. Private to the
// readers of times.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/catalog/times.hpp"

namespace sluice {

/// A column's times as its cells say them.
struct RawTimes {
  std::vector<Timestamp> walls;       ///< a row each: what the clock shows, or an integer
  std::vector<std::int32_t> offsets;  ///< a row each: seconds east of UTC; empty: none has one
  bool zulu = true;                   ///< every offset was written as Z
  std::string zone;                   ///< of the column's type
  std::string week_pattern;           ///< of data.time_format = iso_week: how the first cell has it
  std::int64_t iso_cells = 0;         ///< cells in ISO 8601 where data.time_format is another form
  std::int64_t fraction = -1;         ///< the first row whose second has a fraction
  bool integers = false;
  std::vector<std::string> remarks;

  bool zoned() const { return !offsets.empty(); }
};

/// Where the times lie, for messages.
struct TimesPlace {
  const std::string& source;
  const std::string& column;
  std::function<std::string(std::int64_t row)> of_row;
};

Times settle_raw(RawTimes raw, const CatalogSpec& spec, const TimeAxis* main,
                 const TimesPlace& place);

/// A zone whose midnights all of the instants are; empty: none of the well-known ones.
std::string zone_of_midnights(std::span<const Timestamp> utc, const std::string& source);

}  // namespace sluice
