// What a Table holds: the tables of its files, one a file, side by side and never merged, so that
// files may differ in how a column is stored (integers here, text there), and so that every cell
// can be traced back to its file. Included by the readers and the catalogue builders only.
#pragma once

#include <arrow/memory_pool.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/csv/form.hpp"
#include "data/table/file_cells.hpp"
#include "data/table/part_table.hpp"
#include "sluice/data/table.hpp"

namespace sluice {

struct TablePart {
  PartTable table;
  std::filesystem::path path;
  TableFormat format = TableFormat::csv;  ///< never automatic
  csv::Form form = {};                    ///< of a CSV file
  /// Rows of the file that are not in `table`, since they hold no value; ascending.
  std::vector<std::int64_t> blank_rows = {};

  /// The row of the file that a row of `table` is.
  std::int64_t file_row(std::int64_t row) const {
    for (const std::int64_t blank : blank_rows) row += blank <= row ? 1 : 0;
    return row;
  }
};

struct Table::Impl {
  /// Cells of Parquet and Arrow files are taken from here: too many are an error.
  arrow::MemoryPool* pool = nullptr;
  std::vector<TablePart> parts;    ///< at least one
  std::vector<std::string> names;  ///< the columns of every part
  std::string source;
  ReadOptions options;
  /// Room for columns that were read from Parquet and Arrow files, of all parts together.
  std::shared_ptr<KeptBytes> kept = {};
  /// .tsf files: pandas' name of their @frequency.
  std::optional<std::string> tsf_frequency;
  std::int64_t tsf_horizon = 0;  ///< their @horizon in steps; 0: they say none
  /// Sentences about what was guessed in reading: for CatalogNotes::remarks.
  std::vector<std::string> remarks;
};

/// Given a CSV file's header: the columns whose cells are text whatever they look like (ids: "007"
/// is not 7).
using TextColumns = std::function<std::vector<std::string>(const std::vector<std::string>& names)>;

/// read_table with text columns.
Table read_table_as(const ReadOptions& options, const TextColumns& text_columns);

/// "shop.csv:12:price" of a CSV or .tsf file (found by a second, slow pass), "shop.parquet: row
/// 11: column 'price'" of others; `row` counts from 0 within the part. An empty column is left
/// out. For error messages.
std::string place_of(const Table::Impl& table, std::size_t part, std::int64_t row,
                     std::string_view column);

// One file each; throw DataError. `max_rows` 0: all.
/// Sets part.table, form and blank_rows; part.path is given.
void read_csv(Table::Impl& impl, TablePart& part, std::int64_t max_rows,
              const TextColumns& text_columns);
/// Of a large file without `max_rows` the end alone is looked into; columns are read when they are
/// asked for, and those that impl.kept has room for are read once.
PartTable read_parquet(const Table::Impl& impl, const std::filesystem::path& path,
                       std::int64_t max_rows);
PartTable read_arrow(const Table::Impl& impl, const std::filesystem::path& path,
                     std::int64_t max_rows);
/// Attributes as text columns, then "values", a list of float32 a row. `frequency` becomes pandas'
/// name of the file's @frequency, `horizon` its @horizon; they stay where it has none.
std::shared_ptr<arrow::Table> read_tsf(const Table::Impl& impl, const std::filesystem::path& path,
                                       std::int64_t max_rows, std::optional<std::string>& frequency,
                                       std::int64_t& horizon);

/// Line (from 1) on which data row `row` (from 0) of the file begins.
std::int64_t tsf_line_of_row(const std::filesystem::path& path, std::int64_t row);

}  // namespace sluice
