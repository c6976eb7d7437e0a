// Which column of a file of (time, values) is which channel.
#pragma once

#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// A channel's column in the main file; -1 where only the future file has it.
struct ChannelSource {
  std::string name;
  Role role;
  int column;
};

/// The chosen time column; throws DataError where there is none.
int require_time(const Table::Impl& table, const ColumnChoice& choice);

/// The channels: targets, past, future; a column that is wanted twice keeps its first role, a
/// future one before past. Without data.targets `every_column` of numbers is one, else the one of a
/// usual name. Throws DataError.
std::vector<ChannelSource> channel_sources(const Table::Impl& table, const CatalogSpec& spec,
                                           const ColumnChoice& choice, bool every_column,
                                           CatalogNotes& notes);

}  // namespace sluice
