// Columns to be written as an Arrow table.
#pragma once

#include <arrow/table.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "sluice/data/table.hpp"

namespace sluice {

/// Without copying numbers: Arrow borrows the vectors, which must outlive the table. `path` is for
/// messages.
std::shared_ptr<arrow::Table> arrow_table(const std::vector<OutputColumn>& columns,
                                          const std::filesystem::path& path);
/// Likewise, but the table owns what it was given.
std::shared_ptr<arrow::Table> arrow_table(std::vector<OutputColumn>&& columns,
                                          const std::filesystem::path& path);

}  // namespace sluice
