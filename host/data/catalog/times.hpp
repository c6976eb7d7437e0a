// Time columns: from cells in whatever type and form to times of the catalogue's grid.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/table/impl.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {

/// A row whose local time the clock shows twice, and its time if it is the second one.
struct RepeatedTime {
  std::int64_t row;
  Timestamp later;
};

struct Times {
  std::vector<Timestamp> values;  ///< a row each
  TimeAxis axis;                  ///< what they are and how they were written; no frequency yet
  std::vector<RepeatedTime> repeated;
  std::vector<std::string> remarks;
};

/// Dates in any type and in every form of parse_time, by spec.time_format, plain integers, or
/// integers that are dates beyond doubt. Steps of a day and longer keep the local date; shorter
/// ones are UTC where the times carry an offset or zone, or spec.time_zone's standard time. `main`
/// is the axis of the data where this is a file beside them: times without an offset are on the
/// data's clock. Throws DataError where a cell is missing, no time, looks like a date and may be
/// something else, or its offset and the data's do not tell each other; ConfigError for settings.
Times read_times_as(const Table::Impl& table, int column, const CatalogSpec& spec,
                    const TimeAxis* main = nullptr);

/// The same for times that are no column's: the names of value columns, a setting. Messages begin
/// with `source` and the `word` for one of them ("column").
Times read_times_as(const std::vector<std::string>& texts, const std::string& source,
                    const std::string& word, const CatalogSpec& spec);

/// Of two rows of a series with one local time, where clocks were set back, the second one is an
/// hour later; the first one in a file that runs from the newest row to the oldest.
void settle_repeated(Times& times, const std::function<std::size_t(std::int64_t row)>& series_of);

/// The period of a time: exactly its stamp's, or with data.align = "period" and data.aggregate that
/// of the span which holds it: of weeks the one that ends on the anchor's day, as in pandas.
/// nullopt: not on the grid.
std::optional<std::int64_t> period_for(const CatalogSpec& spec, const Frequency& frequency,
                                       Timestamp time);

/// "2022-01-05", "2022-01-05 13:15:00" or "17", for messages where there is no axis.
std::string time_text(Timestamp time, bool integers = false);

/// What to do about two rows of one step that may be an hour which clocks repeat, with a separator
/// behind it; empty where it is none.
std::string repeated_hour_remedy(const TimeAxis& axis, std::int64_t period);

/// data.aggregate where it is set, else data.frequency.
const std::string& frequency_wanted(const CatalogSpec& spec);

}  // namespace sluice
