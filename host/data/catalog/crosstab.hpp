// Tables of one series in rows and columns: years down, months across, or the reverse.
#pragma once

#include <optional>

#include "data/catalog/build.hpp"

namespace sluice {

/// Throws DataError, with what to write, where the columns are the months, quarters or weekdays of
/// what `time` says, or the hours of its days; or where the rows are the months or quarters of the
/// years that the columns are named by. `time`: the column of times, where there is one. For
/// layouts that were guessed.
void refuse_crosstab(const Table::Impl& table, const CatalogSpec& spec, std::optional<int> time);

}  // namespace sluice
