// Tables of one series in rows and columns: years down, months across, or the reverse.
#pragma once

#include <optional>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// Throws DataError, with what to write, where the columns are the months, quarters or weekdays of
/// what `time` says, or the hours of its days; or where the rows are the months or quarters of the
/// years that the columns are named by. `time`: the column of times, where there is one. For
/// layouts that were guessed. Columns of 0 and 1, columns that a setting makes inputs, and weekdays
/// beside days that are not whole weeks apart are no cross table.
void refuse_crosstab(const Table::Impl& table, const CatalogSpec& spec, std::optional<int> time);

/// The columns that are named by all months, quarters, weekdays or hours, one after the other, or
/// by all months or weekdays but one in any order (is_monday), and hold only 0 and 1: they say when
/// a row is ("one-hot"), as its time does.
std::vector<int> flags_of_periods(const Table::Impl& table);

}  // namespace sluice
