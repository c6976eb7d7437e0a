// Rows of a CSV file that are only delimiters, as spreadsheets write them below and between tables.
#pragma once

#include <arrow/table.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace sluice {

/// The rows in which no column has a value, ascending. Where some column has one in every row
/// nothing is looked at.
std::vector<std::int64_t> rows_without_values(const arrow::Table& table);

/// The table without these rows, ascending. `path` is for messages.
std::shared_ptr<arrow::Table> without_rows(const std::shared_ptr<arrow::Table>& table,
                                           const std::vector<std::int64_t>& rows,
                                           const std::filesystem::path& path);

}  // namespace sluice
