#include "data/table/zone.hpp"

#include <arrow/array/array_primitive.h>
#include <arrow/buffer.h>
#include <arrow/compute/exec.h>
#include <arrow/compute/initialize.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "data/calendar/civil.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// What `zone` is ahead of UTC at each instant, by Arrow's reading of the tz database.
std::vector<std::int64_t> offsets_at(const std::vector<Timestamp>& utc, const std::string& zone,
                                     const std::string& source) {
  static const arrow::Status ready = arrow::compute::Initialize();
  if (!ready.ok()) throw InternalError("Arrow's functions of time: " + ready.message());
  const auto times = std::make_shared<arrow::TimestampArray>(
      arrow::timestamp(arrow::TimeUnit::SECOND, zone), static_cast<std::int64_t>(utc.size()),
      arrow::Buffer::Wrap(utc));
  const auto result = arrow::compute::CallFunction("local_timestamp", {arrow::Datum(times)});
  if (!result.ok()) {
    throw DataError(fmt::format(
        "{}: the time zone '{}' cannot be used ({}); set data.time_zone to a name of the tz "
        "database such as Europe/Berlin, or to an offset such as +01:00",
        source, zone, result.status().message()));
  }
  const auto local = std::static_pointer_cast<arrow::TimestampArray>(result->make_array());
  std::vector<std::int64_t> offsets(utc.size());
  for (std::size_t i = 0; i < utc.size(); ++i) {
    offsets[i] = local->Value(static_cast<std::int64_t>(i)) - utc[i];
  }
  return offsets;
}

}  // namespace

std::string offset_text(std::int64_t seconds) {
  const std::int64_t minutes = std::abs(seconds) / 60;
  return fmt::format("{}{:02}:{:02}", seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

std::vector<UtcOffset> clock_of_zone(const std::string& zone, const std::string& source) {
  const std::string name = zone == "Z" ? "UTC" : zone;
  // Every day of two centuries; a change between two of them is then halved down to its second.
  constexpr Timestamp kBegin = -2208988800, kEnd = 4102444800;  // 1900-01-01, 2100-01-01
  std::vector<Timestamp> days;
  for (Timestamp day = kBegin; day <= kEnd; day += civil::kDay) days.push_back(day);
  const std::vector<std::int64_t> offsets = offsets_at(days, name, source);
  std::vector<UtcOffset> clock = {{kBegin, offsets.front()}};
  std::vector<Timestamp> below;
  for (std::size_t i = 1; i < days.size(); ++i) {
    if (offsets[i] == offsets[i - 1]) continue;
    clock.push_back({days[i], offsets[i]});
    below.push_back(days[i - 1]);
  }
  for (Timestamp width = civil::kDay; width > 1 && !below.empty(); width = (width + 1) / 2) {
    std::vector<Timestamp> middle;
    for (std::size_t k = 0; k < below.size(); ++k) {
      middle.push_back(below[k] + (clock[k + 1].from - below[k]) / 2);
    }
    const std::vector<std::int64_t> found = offsets_at(middle, name, source);
    for (std::size_t k = 0; k < below.size(); ++k) {
      (found[k] == clock[k + 1].seconds ? clock[k + 1].from : below[k]) = middle[k];
    }
  }
  return clock;
}

std::int64_t standard_offset(const std::vector<UtcOffset>& clock) {
  constexpr Timestamp kJanuary = 1704067200, kJuly = 1719792000;  // 2024
  return std::min(offset_at(clock, kJanuary), offset_at(clock, kJuly));
}

}  // namespace sluice
