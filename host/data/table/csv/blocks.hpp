// Large CSV files, block by block: a block's rows become columns in a small form at once, and no
// more than some blocks are ever in memory as they are. Arrow's own reading of a whole file holds
// all of it, and more than once where it has to find the types.
#pragma once

#include <arrow/csv/options.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data/table/part_table.hpp"

namespace sluice::csv {

struct BlockOptions {
  std::function<std::shared_ptr<arrow::io::InputStream>()> open;  ///< the text from its start
  std::shared_ptr<arrow::Schema> first;  ///< types of the first rows, under the header's names
  arrow::csv::ReadOptions read = arrow::csv::ReadOptions::Defaults();
  arrow::csv::ParseOptions parse = arrow::csv::ParseOptions::Defaults();
  arrow::csv::ConvertOptions convert = arrow::csv::ConvertOptions::Defaults();
  std::filesystem::path path;  ///< for messages
};

/// The columns, packed. Each has the type of its first rows, or where later ones do not fit the
/// next one that takes both, of those that Arrow would have tried: no value, whole numbers,
/// numbers, text; dates, times, text. nullopt: after some readings another cell did not fit. A
/// status: the text is no table, or there was no memory.
arrow::Result<std::optional<PartTable>> read_blocks(const BlockOptions& options);

}  // namespace sluice::csv
