#include "data/cache/fields.hpp"

#include <fmt/format.h>

#include "sluice/base/error.hpp"

// Where nlohmann's macros look for them. Words, not numbers: an enumeration may be added to.
namespace sluice {

NLOHMANN_JSON_SERIALIZE_ENUM(Role, {{Role::target, "target"},
                                    {Role::past, "past"},
                                    {Role::future, "future"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Unit, {{Unit::integer, "integer"},
                                    {Unit::second, "second"},
                                    {Unit::minute, "minute"},
                                    {Unit::hour, "hour"},
                                    {Unit::day, "day"},
                                    {Unit::business_day, "business_day"},
                                    {Unit::week, "week"},
                                    {Unit::month, "month"},
                                    {Unit::quarter, "quarter"},
                                    {Unit::year, "year"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Frequency, unit, multiple, anchor, phase)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(UtcOffset, from, seconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TimeAxis, frequency, integers, format, zone, clock, ahead_of_utc,
                                   offsets_differ)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Hierarchy::Level, name, first, count)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Hierarchy, bottom, levels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ColumnUse, name, role, reason)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CatalogNotes, layout, id_columns, time_columns, target_columns,
                                   frequency_inferred, file_horizon, gap_steps, gap_series,
                                   duplicate_rows, unsorted_series, all_missing_series,
                                   future_rows_unmatched, new_series, future_coverage,
                                   static_coverage, example_gap, example_duplicate, columns,
                                   remarks, of_forecast, early_ends)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CacheSource, path, size, changed_ns)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CacheOrigin, settings, sources)

namespace cache {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Column, kind, name, role)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Fields, format, origin, columns, axis, hierarchy, notes)

std::string to_text(const Fields& fields) {
  // A path may be no UTF-8; it is then not found again.
  return nlohmann::json(fields).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Fields from_text(const std::string& text, const std::string& where) {
  // A value of the parser takes dozens of the text's bytes.
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  constexpr int kMostDepth = 6;
  const auto look = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json& parsed) {
    // All numbers are whole, and a conversion of one that is too large is undefined.
    if (parsed.is_number_float()) {
      throw DataError(
          fmt::format("{}: the catalogue is damaged (its metadata have the number {}); "
                      "convert the data again",
                      where, parsed.dump()));
    }
    if (depth <= kMostDepth && text.size() <= kMostBytes) return true;
    throw DataError(fmt::format(
        "{}: the catalogue's metadata are more than any catalogue has; convert the data again",
        where));
  };
  const nlohmann::json json = nlohmann::json::parse(text, look);
  const int format = json.at("format").get<int>();
  if (format != kFormat) {
    throw DataError(
        fmt::format("{}: a catalogue of format {}, and this version reads format {}; "
                    "convert the data again",
                    where, format, kFormat));
  }
  return json.get<Fields>();
}

}  // namespace cache
}  // namespace sluice
