// Times of steps as the data's times were written.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/calendar/civil.hpp"
#include "data/calendar/stamp.hpp"
#include "data/catalog/time_format.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {
namespace {

/// Whether steps are instants, written by the catalogue's clock.
bool are_instants(const Catalog& catalog) {
  const Unit unit = catalog.frequency().unit;
  return !catalog.clock().empty() && (unit == Unit::minute || unit == Unit::hour);
}

/// A step's time as an instant (or as UTC where the data have no zone) and on the clock.
struct Shown {
  Timestamp utc, wall;
};

Shown shown(const Catalog& catalog, Timestamp time) {
  if (catalog.clock().empty()) return {time, time};
  if (are_instants(catalog)) {
    const Timestamp utc = time - catalog.ahead_of_utc();
    return {utc, utc + offset_at(catalog.clock(), utc)};
  }
  const std::vector<Timestamp> instants = instants_of(catalog.clock(), time);
  return {instants.empty() ? time - offset_at(catalog.clock(), time) : instants.front(), time};
}

}  // namespace

std::optional<std::int64_t> period_of_text(const Catalog& catalog, const std::string& text) {
  if (catalog.integer_times()) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return period_of(catalog.frequency(), value);
  }
  auto stamp = parse_stamp(text);
  if (!stamp && is_pattern(catalog.time_format())) {
    stamp = parse_by_pattern(text, catalog.time_format());
  }
  if (!stamp && catalog.time_format() == "iso_week") {
    if (const auto week = parse_iso_week(text)) stamp = Stamp{.wall = *week, .offset = {}};
  }
  if (!stamp || stamp->fraction) return std::nullopt;
  Timestamp time = stamp->wall;
  if (are_instants(catalog)) {
    const std::vector<Timestamp> instants = stamp->offset
                                                ? std::vector<Timestamp>{time - *stamp->offset}
                                                : instants_of(catalog.clock(), time);
    if (instants.empty()) return std::nullopt;
    time = instants.front() + catalog.ahead_of_utc();
  }
  return period_of(catalog.frequency(), time);
}

OutputColumn time_column(const Catalog& catalog, std::string name, std::vector<Timestamp> times) {
  OutputColumn column;
  column.name = std::move(name);
  const std::string& form = catalog.time_format();
  if (catalog.integer_times()) {
    column.integers = std::move(times);
  } else if (is_pattern(form) || form == "iso_week") {
    const std::string pattern = form == "iso_week" ? "%G-W%V" : form;
    for (const Timestamp time : times) {
      const Shown at = shown(catalog, time);
      column.text.push_back(write_by_pattern(pattern, at.wall, at.wall - at.utc));
    }
  } else if (const std::int64_t scale = epoch_scale(form); scale > 0) {
    for (const Timestamp time : times) column.integers.push_back(shown(catalog, time).utc * scale);
  } else if (form == "excel") {
    for (const Timestamp time : times) {
      column.numbers.push_back(25569 + static_cast<double>(time) / civil::kDay);
    }
  } else {
    column.time_zone = catalog.time_zone();
    for (Timestamp& time : times) time = shown(catalog, time).utc;
    column.times = std::move(times);
  }
  return column;
}

}  // namespace sluice
