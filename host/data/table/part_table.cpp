#include "data/table/part_table.hpp"

#include <arrow/array/array_dict.h>
#include <arrow/array/util.h>
#include <arrow/chunked_array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "data/table/files.hpp"

namespace sluice {
namespace {

class HeldCells final : public ColumnCells {
 public:
  explicit HeldCells(std::shared_ptr<arrow::ChunkedArray> column) : column_(std::move(column)) {}
  void each_chunk(const Visit& visit) const override {
    for (const auto& chunk : column_->chunks()) {
      if (!visit(chunk)) return;
    }
  }

 private:
  std::shared_ptr<arrow::ChunkedArray> column_;
};

/// The same array again and again.
class RepeatedCells final : public ColumnCells {
 public:
  RepeatedCells(std::shared_ptr<arrow::Array> array, std::int64_t rows)
      : array_(std::move(array)), rows_(rows) {}
  void each_chunk(const Visit& visit) const override {
    for (std::int64_t row = 0; row < rows_; row += array_->length()) {
      if (!visit(array_->Slice(0, rows_ - row))) return;
    }
  }

 private:
  std::shared_ptr<arrow::Array> array_;
  std::int64_t rows_;
};

}  // namespace

std::int64_t ColumnCells::null_count() const {
  std::int64_t nulls = 0;
  each_chunk([&](const auto& chunk) {
    nulls += chunk->null_count();
    return true;
  });
  return nulls;
}

std::shared_ptr<const ColumnCells> held_cells(std::shared_ptr<arrow::ChunkedArray> column) {
  return std::make_shared<HeldCells>(std::move(column));
}

std::shared_ptr<const ColumnCells> constant_cells(const std::string* word, std::int64_t rows,
                                                  const std::filesystem::path& path) {
  constexpr std::int64_t kMostRows = 1 << 16;
  const auto made = [&](auto result) {
    return files::value_of(std::move(result), path, files::kMemoryRemedy);
  };
  const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
  const std::int64_t length = std::min(rows, kMostRows);
  const auto array =
      word == nullptr ? made(arrow::MakeArrayOfNull(type, length))
                      : made(arrow::DictionaryArray::FromArrays(
                            type, made(arrow::MakeArrayFromScalar(arrow::Int32Scalar(0), length)),
                            made(arrow::MakeArrayFromScalar(arrow::StringScalar(*word), 1))));
  return std::make_shared<RepeatedCells>(array, rows);
}

PartTable::PartTable(const std::shared_ptr<arrow::Table>& table)
    : schema_(table->schema()), rows_(table->num_rows()) {
  for (const auto& column : table->columns()) columns_.push_back(held_cells(column));
}

PartTable::PartTable(std::shared_ptr<arrow::Schema> schema, std::int64_t rows,
                     std::vector<std::shared_ptr<const ColumnCells>> columns)
    : schema_(std::move(schema)), rows_(rows), columns_(std::move(columns)) {}

void PartTable::each_chunk(int column, const ColumnCells::Visit& visit) const {
  columns_[static_cast<std::size_t>(column)]->each_chunk(visit);
}

std::int64_t PartTable::null_count(int column) const {
  return columns_[static_cast<std::size_t>(column)]->null_count();
}

std::shared_ptr<arrow::ChunkedArray> PartTable::column(int column) const {
  arrow::ArrayVector chunks;
  each_chunk(column, [&](const auto& chunk) {
    chunks.push_back(chunk);
    return true;
  });
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), schema_->field(column)->type());
}

PartTable PartTable::renamed(const std::vector<std::string>& names) const {
  PartTable table = *this;
  arrow::FieldVector fields;
  for (std::size_t c = 0; c < names.size(); ++c) {
    fields.push_back(schema_->field(static_cast<int>(c))->WithName(names[c]));
  }
  table.schema_ = arrow::schema(std::move(fields), schema_->metadata());
  return table;
}

PartTable PartTable::first(std::int64_t rows) const {
  PartTable table = *this;
  table.rows_ = std::min(rows, rows_);
  for (int c = 0; c < num_columns(); ++c) {
    table.columns_[static_cast<std::size_t>(c)] = held_cells(column(c)->Slice(0, rows));
  }
  return table;
}

PartTable PartTable::with_column(int place, const std::shared_ptr<arrow::Field>& field,
                                 std::shared_ptr<const ColumnCells> cells) const {
  PartTable table = *this;
  arrow::FieldVector fields = schema_->fields();
  if (place == num_columns()) {
    fields.push_back(field);
    table.columns_.push_back(std::move(cells));
  } else {
    fields[static_cast<std::size_t>(place)] = field;
    table.columns_[static_cast<std::size_t>(place)] = std::move(cells);
  }
  table.schema_ = arrow::schema(std::move(fields), schema_->metadata());
  return table;
}

}  // namespace sluice
