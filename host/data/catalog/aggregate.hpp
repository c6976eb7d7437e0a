// Several rows of one step as one value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

/// values[place of a row] becomes the merge of its rows' cells; missing cells do not count. First
/// and last are by the rows' order. Places below 0 are left out; places without a cell stay
/// missing.
void merge_rows(const Table::Impl& table, int column, Merge merge,
                const std::vector<std::int64_t>& places, std::vector<float>& values);

/// Says of the last step of weeks and longer ones that its rows end before it does.
void say_partial_step(const CatalogSpec& spec, const Frequency& frequency, Timestamp last_row,
                      std::int64_t rows, CatalogNotes& notes);

}  // namespace sluice
