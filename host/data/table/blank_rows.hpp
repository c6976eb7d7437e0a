// Rows of a CSV file that are only delimiters, as spreadsheets write them below and between tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/table/part_table.hpp"

namespace sluice {

/// The rows in which no column has a value, ascending. Where some column has one in every row
/// nothing is looked at.
std::vector<std::int64_t> rows_without_values(const PartTable& table);

/// The table without these rows, ascending, packed (packed_cells.hpp) or not. `path` is for
/// messages.
PartTable without_rows(const PartTable& table, const std::vector<std::int64_t>& rows, bool packs,
                       const std::filesystem::path& path);

}  // namespace sluice
