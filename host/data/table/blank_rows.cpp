#include "data/table/blank_rows.hpp"

#include <arrow/array/array_base.h>
#include <arrow/array/concatenate.h>
#include <arrow/type.h>

#include <algorithm>
#include <span>
#include <utility>

#include "data/table/files.hpp"
#include "data/table/packed_cells.hpp"

namespace sluice {
namespace {

/// The rows in which the column has no value.
std::vector<std::int64_t> empty_rows(const PartTable& table, int column) {
  std::vector<std::int64_t> empty;
  std::int64_t begin = 0;
  table.each_chunk(column, [&](const auto& chunk) {
    for (std::int64_t i = 0; i < chunk->length() && chunk->null_count() > 0; ++i) {
      if (chunk->IsNull(i)) empty.push_back(begin + i);
    }
    begin += chunk->length();
    return true;
  });
  return empty;
}

/// The rows of `candidates`, ascending, in which the column has no value.
std::vector<std::int64_t> empty_rows(const PartTable& table, int column,
                                     const std::vector<std::int64_t>& candidates) {
  std::vector<std::int64_t> empty;
  std::int64_t begin = 0;
  std::size_t next = 0;
  table.each_chunk(column, [&](const auto& chunk) {
    const std::int64_t end = begin + chunk->length();
    for (; next < candidates.size() && candidates[next] < end; ++next) {
      if (chunk->IsNull(candidates[next] - begin)) empty.push_back(candidates[next]);
    }
    begin = end;
    return next < candidates.size();
  });
  return empty;
}

/// The chunk, whose first row is `begin`, without those of `rows` that lie in it.
std::shared_ptr<arrow::Array> without(const std::shared_ptr<arrow::Array>& chunk,
                                      std::int64_t begin, std::span<const std::int64_t> rows,
                                      const std::filesystem::path& path) {
  arrow::ArrayVector kept;
  std::int64_t from = 0;
  const auto keep_before = [&](std::int64_t to) {
    if (to > from) kept.push_back(chunk->Slice(from, to - from));
    from = to + 1;
  };
  for (auto row = std::ranges::lower_bound(rows, begin);
       row != rows.end() && *row < begin + chunk->length(); ++row) {
    keep_before(*row - begin);
  }
  keep_before(chunk->length());
  if (kept.empty()) return chunk->Slice(0, 0);
  // Many small pieces would each be looked through for their words.
  return kept.size() == 1 ? kept.front()
                          : files::value_of(arrow::Concatenate(kept), path, files::kMemoryRemedy);
}

}  // namespace

std::vector<std::int64_t> rows_without_values(const PartTable& table) {
  std::vector<std::pair<std::int64_t, int>> columns;  // nulls, column
  for (int c = 0; c < table.num_columns(); ++c) {
    columns.emplace_back(table.null_count(c), c);
    if (columns.back().first == 0) return {};
  }
  if (columns.empty()) return {};
  // The column with the fewest missing cells first: mostly there are none that all miss.
  std::ranges::sort(columns);
  std::vector<std::int64_t> rows = empty_rows(table, columns.front().second);
  for (const auto& [nulls, column] : columns) rows = empty_rows(table, column, rows);
  return rows;
}

PartTable without_rows(const PartTable& table, const std::vector<std::int64_t>& rows, bool packs,
                       const std::filesystem::path& path) {
  std::vector<std::shared_ptr<const ColumnCells>> columns;
  for (const auto& field : table.schema()->fields()) {
    ColumnCollector kept(field->type(), packs, path);
    std::int64_t begin = 0;
    table.each_chunk(static_cast<int>(columns.size()), [&](const auto& chunk) {
      kept.add(without(chunk, begin, rows, path));
      begin += chunk->length();
      return true;
    });
    columns.push_back(std::move(kept).cells());
  }
  return PartTable(table.schema(), table.num_rows() - std::ssize(rows), std::move(columns));
}

}  // namespace sluice
