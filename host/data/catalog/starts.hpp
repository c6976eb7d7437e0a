// Where series begin that say so themselves (.tsf), each in its own row.
#pragma once

#include <span>

#include "data/catalog/build.hpp"

namespace sluice {

/// The first of `starts` that lies on the weekday on which most of them lie.
Timestamp most_frequent_weekday(std::span<const Timestamp> starts);

/// Weekly series that begin on another weekday than the grid's keep theirs: a week that is moved to
/// the grid's would have its forecasts days early. `starts`: [S]. Remarks on it.
void keep_weekdays(std::span<const Timestamp> starts, CatalogParts& parts, CatalogNotes& notes);

/// Months, quarters and years are stamped by one day of theirs, wherever in them a series begins:
/// remarks on those that begin on another day.
void say_periods(std::span<const Timestamp> starts, const CatalogParts& parts, CatalogNotes& notes);

}  // namespace sluice
