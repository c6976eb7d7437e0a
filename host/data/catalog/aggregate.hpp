// Several rows of one step as one value.
#pragma once

#include <cstdint>
#include <span>
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

/// Says how many rows were added up, and of the first and the last step of all data that they have
/// rows of a part of their time only: which, how much of it, that they stand for that part, and
/// what leaves them out. The parts are steps of the rows' own grid, days where they lie on none. A
/// step is whole whose rows begin (end) where those of others do, too.
/// `distinct`: the times of all rows, ascending.
void say_partial_steps(const CatalogSpec& spec, const Frequency& frequency,
                       std::span<const Timestamp> distinct, std::int64_t rows, CatalogNotes& notes);

}  // namespace sluice
