// Parquet and Arrow IPC (Feather) files. Both come from outside: what was read is validated before
// anything looks at it.
#include <arrow/buffer.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <new>

#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "data/table/memory.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr const char* kParquetRemedy = "check that it is a whole Parquet file (data.format)";
constexpr const char* kArrowRemedy = "check that it is a whole Arrow or Feather file (data.format)";

std::shared_ptr<arrow::Table> cut(std::shared_ptr<arrow::Table> table, std::int64_t max_rows) {
  return max_rows > 0 && table->num_rows() > max_rows ? table->Slice(0, max_rows) : table;
}

/// A few bytes may declare a table that no memory holds: a run of equal values takes none in the
/// file. Throws DataError if the declared rows, at the least that a cell takes, exceed the source's
/// budget.
void check_declared(const parquet::FileMetaData& metadata, const Source& source) {
  constexpr double kLeastBytes = 1;
  const double least = kLeastBytes * static_cast<double>(metadata.num_rows()) *
                       static_cast<double>(metadata.num_columns());
  if (least <= static_cast<double>(source.budget())) return;
  throw DataError(fmt::format("{}: {} rows of {} columns are more than {}", source.path().string(),
                              metadata.num_rows(), metadata.num_columns(), source.limit_text()));
}

std::shared_ptr<arrow::Table> read_parquet_file(const Source& source, arrow::MemoryPool* pool,
                                                std::int64_t max_rows) {
  const std::filesystem::path& path = source.path();
  parquet::arrow::FileReaderBuilder builder;
  files::check(builder.Open(source.random(), parquet::ReaderProperties(pool)), path,
               kParquetRemedy);
  builder.memory_pool(pool);
  const auto metadata = builder.raw_reader()->metadata();
  if (max_rows == 0) check_declared(*metadata, source);
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

std::shared_ptr<arrow::Table> read_arrow_file(const Source& source, arrow::MemoryPool* pool) {
  const std::filesystem::path& path = source.path();
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.memory_pool = pool;
  const auto file = source.random();
  const auto magic = files::value_of(file->ReadAt(0, 6), path, kArrowRemedy);
  if (magic->ToString() == "ARROW1") {
    const auto reader =
        files::value_of(arrow::ipc::RecordBatchFileReader::Open(file, options), path, kArrowRemedy);
    return files::value_of(reader->ToTable(), path, kArrowRemedy);
  }
  const auto reader =
      files::value_of(arrow::ipc::RecordBatchStreamReader::Open(file, options), path, kArrowRemedy);
  return files::value_of(reader->ToTable(), path, kArrowRemedy);
}

/// Runs `read`; Arrow's own exceptions (Parquet throws some) become DataError. A fault of a file
/// that changes is the change, whatever it looks like.
template <typename Read>
std::shared_ptr<arrow::Table> guarded(const Source& source, const char* remedy,
                                      std::int64_t max_rows, Read read) {
  const std::filesystem::path& path = source.path();
  try {
    std::shared_ptr<arrow::Table> table = read();
    source.check();
    files::check(table->ValidateFull(), path, remedy);
    return cut(std::move(table), max_rows);
  } catch (const Error&) {
    source.check();
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    source.check();
    throw DataError(fmt::format("{}: {}; {}", path.string(), e.what(), remedy));
  }
}

}  // namespace

std::shared_ptr<arrow::Table> read_parquet(const Table::Impl& impl,
                                           const std::filesystem::path& path,
                                           std::int64_t max_rows) {
  const Source source(path, impl.options.max_bytes);
  return guarded(source, kParquetRemedy, max_rows,
                 [&] { return read_parquet_file(source, impl.pool, max_rows); });
}

std::shared_ptr<arrow::Table> read_arrow(const Table::Impl& impl, const std::filesystem::path& path,
                                         std::int64_t max_rows) {
  const Source source(path, impl.options.max_bytes);
  return guarded(source, kArrowRemedy, max_rows,
                 [&] { return read_arrow_file(source, impl.pool); });
}

}  // namespace sluice
