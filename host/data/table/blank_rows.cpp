#include "data/table/blank_rows.hpp"

#include <arrow/array/array_base.h>

#include <algorithm>
#include <numeric>

#include "data/table/files.hpp"

namespace sluice {
namespace {

/// The rows of `candidates`, ascending, in which the column has no value.
std::vector<std::int64_t> empty_rows(const arrow::ChunkedArray& column,
                                     const std::vector<std::int64_t>& candidates) {
  std::vector<std::int64_t> empty;
  std::int64_t begin = 0;
  std::size_t next = 0;
  for (const auto& chunk : column.chunks()) {
    const std::int64_t end = begin + chunk->length();
    for (; next < candidates.size() && candidates[next] < end; ++next) {
      if (chunk->IsNull(candidates[next] - begin)) empty.push_back(candidates[next]);
    }
    begin = end;
  }
  return empty;
}

}  // namespace

std::vector<std::int64_t> rows_without_values(const arrow::Table& table) {
  std::vector<const arrow::ChunkedArray*> columns;
  for (const auto& column : table.columns()) {
    if (column->null_count() == 0) return {};
    columns.push_back(column.get());
  }
  if (columns.empty()) return {};
  // The column with the fewest missing cells first: mostly there are none that all miss.
  std::sort(columns.begin(), columns.end(),
            [](const auto* a, const auto* b) { return a->null_count() < b->null_count(); });
  std::vector<std::int64_t> rows(static_cast<std::size_t>(table.num_rows()));
  std::iota(rows.begin(), rows.end(), 0);
  for (const auto* column : columns) rows = empty_rows(*column, rows);
  return rows;
}

std::shared_ptr<arrow::Table> without_rows(const std::shared_ptr<arrow::Table>& table,
                                           const std::vector<std::int64_t>& rows,
                                           const std::filesystem::path& path) {
  constexpr const char* kRemedy = "remove the empty rows";
  std::vector<std::shared_ptr<arrow::Table>> kept;
  std::int64_t begin = 0;
  for (const std::int64_t row : rows) {
    if (row > begin) kept.push_back(table->Slice(begin, row - begin));
    begin = row + 1;
  }
  if (begin < table->num_rows()) kept.push_back(table->Slice(begin));
  if (kept.empty()) return table->Slice(0, 0);
  const auto joined = files::value_of(arrow::ConcatenateTables(kept), path, kRemedy);
  // Many small pieces would each be looked through for their words.
  return files::value_of(joined->CombineChunks(), path, kRemedy);
}

}  // namespace sluice
