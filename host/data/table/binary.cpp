// Parquet and Arrow IPC (Feather) files. Both come from outside: what was read is validated before
// anything looks at it.
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr const char* kParquetRemedy = "check that it is a whole Parquet file (data.format)";
constexpr const char* kArrowRemedy = "check that it is a whole Arrow or Feather file (data.format)";

std::shared_ptr<arrow::Table> cut(std::shared_ptr<arrow::Table> table, std::int64_t max_rows) {
  return max_rows > 0 && table->num_rows() > max_rows ? table->Slice(0, max_rows) : table;
}

std::shared_ptr<arrow::Table> read_parquet_file(const std::filesystem::path& path,
                                                std::int64_t max_rows) {
  parquet::arrow::FileReaderBuilder builder;
  files::check(builder.Open(files::open_random(path)), path, kParquetRemedy);
  const auto metadata = builder.raw_reader()->metadata();
  parquet::ArrowReaderProperties properties;
  properties.set_use_threads(true);
  for (int i = 0; i < metadata->num_columns(); ++i) {
    const auto* column = metadata->schema()->Column(i);
    if (column->physical_type() == parquet::Type::BYTE_ARRAY &&
        column->logical_type()->is_string()) {
      properties.set_read_dictionary(i, true);
    }
  }
  builder.properties(properties);
  const auto reader = files::value_of(builder.Build(), path, kParquetRemedy);
  if (max_rows == 0) return files::value_of(reader->ReadTable(), path, kParquetRemedy);
  std::vector<int> groups;
  std::int64_t rows = 0;
  for (int group = 0; group < metadata->num_row_groups() && rows < max_rows; ++group) {
    groups.push_back(group);
    rows += metadata->RowGroup(group)->num_rows();
  }
  return files::value_of(reader->ReadRowGroups(groups), path, kParquetRemedy);
}

std::shared_ptr<arrow::Table> read_arrow_file(const std::filesystem::path& path) {
  const auto file = files::open_random(path);
  const auto magic = files::value_of(file->ReadAt(0, 6), path, kArrowRemedy);
  if (magic->ToString() == "ARROW1") {
    const auto reader =
        files::value_of(arrow::ipc::RecordBatchFileReader::Open(file), path, kArrowRemedy);
    return files::value_of(reader->ToTable(), path, kArrowRemedy);
  }
  const auto reader =
      files::value_of(arrow::ipc::RecordBatchStreamReader::Open(file), path, kArrowRemedy);
  return files::value_of(reader->ToTable(), path, kArrowRemedy);
}

/// Runs `read`; Arrow's own exceptions (Parquet throws some) become DataError.
template <typename Read>
std::shared_ptr<arrow::Table> guarded(const std::filesystem::path& path, const char* remedy,
                                      std::int64_t max_rows, Read read) {
  try {
    std::shared_ptr<arrow::Table> table = read();
    files::check(table->ValidateFull(), path, remedy);
    return cut(std::move(table), max_rows);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw DataError(fmt::format("{}: {}; {}", path.string(), e.what(), remedy));
  }
}

}  // namespace

std::shared_ptr<arrow::Table> read_parquet(const std::filesystem::path& path,
                                           std::int64_t max_rows) {
  return guarded(path, kParquetRemedy, max_rows, [&] { return read_parquet_file(path, max_rows); });
}

std::shared_ptr<arrow::Table> read_arrow(const std::filesystem::path& path, std::int64_t max_rows) {
  return guarded(path, kArrowRemedy, max_rows, [&] { return read_arrow_file(path); });
}

}  // namespace sluice
