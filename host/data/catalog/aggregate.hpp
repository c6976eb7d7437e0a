// Several rows of one step as one value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/catalog/places.hpp"
#include "data/catalog/roles.hpp"

namespace sluice {

enum class Merge { sum, mean, min, max, first, last, count };

/// How rows of a channel's step become one, by spec.aggregate_by: targets are added, other channels
/// averaged where it says nothing.
Merge merge_of(const CatalogSpec& spec, const ChannelSource& source);

/// Throws ConfigError where spec.aggregate_by names no channel or no way, or there is no
/// spec.aggregate; DataError where spec.aggregate and spec.frequency differ.
void check_aggregation(const CatalogSpec& spec, const std::vector<ChannelSource>& sources,
                       const std::string& source);

/// [steps], for each step the merge of the cells of its rows (at `places`), in double:
/// sums and means are those of the numbers as they are written, rounded once. Missing cells do not
/// count. First and last are by the rows' order. A step without a cell is NaN.
std::vector<double> merged_rows(const Table::Impl& table, int column, Merge merge,
                                const Places& places, std::int64_t steps);

/// Says of the last step of weeks and longer ones that its rows end before it does.
void say_partial_step(const CatalogSpec& spec, const Frequency& frequency, Timestamp last_row,
                      std::int64_t rows, CatalogNotes& notes);

}  // namespace sluice
