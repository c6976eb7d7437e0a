#include "data/catalog/starts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "data/calendar/civil.hpp"

namespace sluice {

Timestamp most_frequent_weekday(std::span<const Timestamp> starts) {
  std::array<std::int64_t, 7> counts{};
  const auto weekday = [](Timestamp time) {
    return static_cast<std::size_t>(civil::weekday(civil::day_of(time)));
  };
  for (const Timestamp time : starts) ++counts[weekday(time)];
  const auto most =
      static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
  return *std::find_if(starts.begin(), starts.end(),
                       [&](Timestamp time) { return weekday(time) == most; });
}

void keep_weekdays(std::span<const Timestamp> starts, CatalogParts& parts, CatalogNotes& notes) {
  if (parts.axis.frequency.unit != Unit::week) return;
  std::vector<std::int64_t> shift;
  for (std::size_t s = 0; s < starts.size(); ++s) {
    const std::int64_t day = civil::day_of(starts[s]) * civil::kDay;
    shift.push_back(day - time_of(parts.axis.frequency, parts.first[s]));
  }
  const auto moved = std::ssize(shift) - std::count(shift.begin(), shift.end(), 0);
  if (moved == 0) return;
  parts.axis.shift = std::move(shift);
  notes.remarks.push_back(
      fmt::format("{} of {} series {} on another weekday than {}'s; each keeps its own", moved,
                  starts.size(), moved == 1 ? "begins" : "begin", to_string(parts.axis.frequency)));
}

void say_periods(std::span<const Timestamp> starts, const CatalogParts& parts,
                 CatalogNotes& notes) {
  const Unit unit = parts.axis.frequency.unit;
  if (unit != Unit::month && unit != Unit::quarter && unit != Unit::year) return;
  std::int64_t inside = 0;
  std::string example;
  for (std::size_t s = 0; s < starts.size(); ++s) {
    const Timestamp stamp = time_of(parts.axis.frequency, parts.first[s]);
    if (civil::day_of(starts[s]) == civil::day_of(stamp)) continue;
    if (inside++ > 0) continue;
    example =
        fmt::format("{} of series '{}' is {}", time_text(civil::day_of(starts[s]) * civil::kDay),
                    parts.ids[s], parts.axis.text(stamp));
  }
  if (inside == 0) return;
  notes.remarks.push_back(fmt::format(
      "{} of {} series {} inside a step of frequency {}; a start means its step: {}", inside,
      starts.size(), inside == 1 ? "begins" : "begin", to_string(parts.axis.frequency), example));
}

}  // namespace sluice
