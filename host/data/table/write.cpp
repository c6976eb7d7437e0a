// Writing tables. The file appears under its name when it is complete and on disk, not before.
#include <fmt/format.h>

#include <algorithm>

#include "base/output_file.hpp"
#include "data/table/write.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"

namespace sluice {

namespace fs = std::filesystem;

std::int64_t rows_of(const OutputColumn& column) {
  const std::size_t rows = !column.codes.empty()
                               ? column.codes.size()
                               : std::max({column.text.size(), column.numbers.size(),
                                           column.integers.size(), column.times.size()});
  return static_cast<std::int64_t>(rows);
}

void check_columns(const fs::path& path, const std::vector<OutputColumn>& columns) {
  if (columns.empty()) throw InternalError("write_table: no columns for " + path.string());
  const std::int64_t rows = rows_of(columns.front());
  for (const OutputColumn& column : columns) {
    if (rows_of(column) != rows) {
      throw InternalError(fmt::format("write_table: column '{}' has {} rows, '{}' has {}",
                                      column.name, rows_of(column), columns.front().name, rows));
    }
    for (const std::int32_t code : column.codes) {
      if (code < 0 || static_cast<std::size_t>(code) >= column.text.size()) {
        throw InternalError(fmt::format("write_table: column '{}' has code {} of {} texts",
                                        column.name, code, column.text.size()));
      }
    }
  }
}

TableFormat output_format(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name.ends_with(".csv") || name.ends_with(".csv.gz") || name.ends_with(".csv.zst")) {
    return TableFormat::csv;
  }
  if (name.ends_with(".parquet")) return TableFormat::parquet;
  if (name.ends_with(".arrow") || name.ends_with(".feather")) return TableFormat::arrow;
  throw DataError(
      fmt::format("{}: cannot write this format; use .csv, .csv.gz, .csv.zst, .parquet, .arrow or "
                  ".feather",
                  path.string()));
}

void write_table(const fs::path& path, const std::vector<OutputColumn>& columns,
                 const TableNotes& notes) {
  check_columns(path, columns);
  const TableFormat format = output_format(path);
  OutputFile file(path, "path");
  if (format == TableFormat::csv) {
    write_csv(file, path, columns);
  } else if (format == TableFormat::parquet) {
    write_parquet(file, path, columns, notes);
  } else {
    write_arrow(file, path, columns, notes);
  }
  file.commit();
}

}  // namespace sluice
