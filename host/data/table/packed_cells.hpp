// Columns that are in memory in a small form: compressed, chunk by chunk, and taken apart when they
// are looked at. A catalogue's columns take a tenth to a third so (counts, prices that stand for
// weeks, dates, ids).
#pragma once

#include <arrow/array/array_base.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "data/table/part_table.hpp"

namespace sluice {

/// Collects the chunks of one column.
class ColumnCollector {
 public:
  /// `packs`: in the small form; else as they are. `path` is for messages.
  ColumnCollector(std::shared_ptr<arrow::DataType> type, bool packs, std::filesystem::path path);

  /// An array of the column's type. Throws DataError where there is no memory.
  void add(const std::shared_ptr<arrow::Array>& chunk);
  const std::shared_ptr<arrow::DataType>& type() const { return type_; }
  /// All that were added, in their order.
  std::shared_ptr<const ColumnCells> cells() &&;

 private:
  struct Packed;
  class Cells;

  std::shared_ptr<arrow::DataType> type_;
  bool packs_;
  std::filesystem::path path_;
  arrow::ArrayVector held_;
  std::vector<std::shared_ptr<const Packed>> packed_;
};

}  // namespace sluice
