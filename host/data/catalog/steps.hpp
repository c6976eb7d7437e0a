// Rows of (time, values) to the steps of a grid.
#pragma once

#include <vector>

#include "data/catalog/build.hpp"
#include "data/catalog/roles.hpp"

namespace sluice {

/// Lays the rows of `table` on one grid: frequency and times, gaps, duplicates, channels, and the
/// future file's rows. `whole` adds spec.static_*, settles where histories end and fills gaps,
/// which a caller that splits the result into other series does itself. Throws DataError.
CatalogParts lay_rows(const Table::Impl& table, const CatalogSpec& spec, int time_column,
                      std::vector<ChannelSource> sources, Series series, bool whole,
                      CatalogNotes& notes);

}  // namespace sluice
