#include "data/table/csv/blocks.hpp"

#include <arrow/csv/reader.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <charconv>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "data/table/packed_cells.hpp"
#include "data/table/reserve_pool.hpp"

namespace sluice::csv {
namespace {

/// Readings that end early cost as much as whole ones; after these Arrow's way is the shorter one.
constexpr int kMostReadings = 4;

std::shared_ptr<arrow::DataType> text_type() {
  return arrow::dictionary(arrow::int32(), arrow::utf8());
}

/// The type in which a block's cells are held: text as dictionaries.
std::shared_ptr<arrow::DataType> held_as(const std::shared_ptr<arrow::DataType>& type) {
  const bool is_text = type->id() == arrow::Type::STRING || type->id() == arrow::Type::DICTIONARY;
  return is_text ? text_type() : type;
}

/// The next type for cells that are not all of this one; null: there is none.
std::shared_ptr<arrow::DataType> wider(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return arrow::int64();
    case arrow::Type::INT64:
      return arrow::float64();
    case arrow::Type::DATE32:
      return arrow::timestamp(arrow::TimeUnit::SECOND);
    case arrow::Type::TIMESTAMP: {
      const auto& time = static_cast<const arrow::TimestampType&>(type);
      if (time.unit() == arrow::TimeUnit::NANO) return text_type();
      return arrow::timestamp(arrow::TimeUnit::NANO, time.timezone());
    }
    case arrow::Type::DICTIONARY:
      return nullptr;
    default:
      return text_type();
  }
}

/// The column of a cell that is not of its column's type; -1: the error is another one.
int column_of(const arrow::Status& status) {
  constexpr std::string_view kColumn = "In CSV column #";
  const std::string message = status.message();
  const std::size_t at = message.find(kColumn);
  if (at == std::string::npos) return -1;
  int column = -1;
  const char* begin = message.data() + at + kColumn.size();
  std::from_chars(begin, message.data() + message.size(), column);
  return column;
}

bool are_distinct(const std::vector<std::string>& names) {
  return std::set<std::string>(names.begin(), names.end()).size() == names.size();
}

arrow::Result<PartTable> read_as(const BlockOptions& options, const arrow::FieldVector& fields) {
  auto convert = options.convert;
  std::vector<ColumnCollector> columns;
  for (const auto& field : fields) {
    convert.column_types[field->name()] = field->type();
    columns.emplace_back(field->type(), true, options.path);
  }
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::csv::StreamingReader::Make(
                                               arrow::io::IOContext(&csv_pool()), options.open(),
                                               options.read, options.parse, convert));
  std::int64_t rows = 0;
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    if (batch == nullptr) break;
    rows += batch->num_rows();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      columns[c].add(batch->column(static_cast<int>(c)));
    }
  }
  std::vector<std::shared_ptr<const ColumnCells>> cells;
  for (ColumnCollector& column : columns) cells.push_back(std::move(column).cells());
  return PartTable(arrow::schema(fields), rows, std::move(cells));
}

}  // namespace

arrow::Result<std::optional<PartTable>> read_blocks(const BlockOptions& options) {
  // Arrow takes the types by the columns' names.
  if (!are_distinct(options.first->field_names())) return std::nullopt;
  arrow::FieldVector fields = options.first->fields();
  for (auto& field : fields) field = field->WithType(held_as(field->type()));
  for (int reading = 0; reading < kMostReadings; ++reading) {
    auto table = read_as(options, fields);
    if (table.ok()) return std::move(table).ValueUnsafe();
    const int column = column_of(table.status());
    if (column < 0 || column >= static_cast<int>(fields.size())) return table.status();
    auto& field = fields[static_cast<std::size_t>(column)];
    const auto type = wider(*field->type());
    if (type == nullptr) return table.status();
    field = field->WithType(type);
  }
  return std::nullopt;
}

}  // namespace sluice::csv
