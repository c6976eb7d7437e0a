// The cells of one file: in memory, or read from the file when a column is looked at, chunk by
// chunk, so that a catalogue is built from a file of which no more than a chunk is in memory.
#pragma once

#include <arrow/table.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// The cells of one column.
class ColumnCells {
 public:
  /// Says whether to go on.
  using Visit = std::function<bool(const std::shared_ptr<arrow::Array>&)>;

  virtual ~ColumnCells() = default;
  /// Calls `visit` for each chunk, in the order of the rows, until it returns false. Throws
  /// DataError where they cannot be read.
  virtual void each_chunk(const Visit& visit) const = 0;
  /// Cells without a value.
  virtual std::int64_t null_count() const;
};

class PartTable {
 public:
  PartTable() = default;
  /// Columns that are in memory.
  explicit PartTable(const std::shared_ptr<arrow::Table>& table);
  /// A column for each field of the schema.
  PartTable(std::shared_ptr<arrow::Schema> schema, std::int64_t rows,
            std::vector<std::shared_ptr<const ColumnCells>> columns);

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  std::int64_t num_rows() const { return rows_; }
  int num_columns() const { return schema_->num_fields(); }
  const arrow::DataType& type(int column) const { return *schema_->field(column)->type(); }

  void each_chunk(int column, const ColumnCells::Visit& visit) const;
  std::int64_t null_count(int column) const;
  /// All of a column at once: of a large file, much memory.
  std::shared_ptr<arrow::ChunkedArray> column(int column) const;

  /// The same table under these names, one a column.
  PartTable renamed(const std::vector<std::string>& names) const;

  /// The first `rows` rows; they are in memory then.
  PartTable first(std::int64_t rows) const;

  /// The same table with these cells in place of a column, or, with `place` num_columns(), behind
  /// the last one.
  PartTable with_column(int place, const std::shared_ptr<arrow::Field>& field,
                        std::shared_ptr<const ColumnCells> cells) const;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::int64_t rows_ = 0;
  std::vector<std::shared_ptr<const ColumnCells>> columns_;
};

/// Cells in memory.
std::shared_ptr<const ColumnCells> held_cells(std::shared_ptr<arrow::ChunkedArray> column);

/// One word in `rows` rows, or nothing in them (null), as a dictionary. Throws DataError naming
/// `path` where there is no memory.
std::shared_ptr<const ColumnCells> constant_cells(const std::string* word, std::int64_t rows,
                                                  const std::filesystem::path& path);

}  // namespace sluice
