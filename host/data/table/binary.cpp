// Parquet and Arrow IPC (Feather) files. Both come from outside: what was read is validated before
// anything looks at it. The columns of large ones are read when they are asked for, unless few rows
// are wanted, or the file's bytes have no places (it is compressed as a whole, or a stream).
#include <arrow/array/array_base.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <utility>
#include <vector>

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

/// Runs `read`; Arrow's own exceptions (Parquet throws some) become DataError. A fault of a file
/// that changes is the change, whatever it looks like.
template <typename Read>
auto guarded(const Source& source, const char* remedy, Read read) {
  const std::filesystem::path& path = source.path();
  try {
    auto made = read();
    source.check();
    return made;
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

PartTable held(std::shared_ptr<arrow::Table> table, const Source& source, const char* remedy,
               std::int64_t max_rows) {
  files::check(table->ValidateFull(), source.path(), remedy);
  return PartTable(cut(std::move(table), max_rows));
}

/// A file whose columns are read when they are looked at. The first ones stay open, so that it does
/// no harm if another file takes their place; of thousands, the others are opened for each look.
class LazyFile {
 public:
  LazyFile(const Table::Impl& impl, const std::shared_ptr<const Source>& source,
           std::shared_ptr<parquet::FileMetaData> of_parquet)
      : pool(impl.pool),
        metadata(std::move(of_parquet)),
        path_(source->path()),
        max_bytes_(impl.options.max_bytes),
        identity_(source->identity()) {
    constexpr int kMostOpen = 64;
    if (++open_files_ <= kMostOpen) {
      open_ = source;
    } else {
      --open_files_;
    }
  }
  ~LazyFile() {
    if (open_ != nullptr) --open_files_;
  }
  LazyFile(const LazyFile&) = delete;
  LazyFile& operator=(const LazyFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::shared_ptr<const Source> open() const {
    if (open_ != nullptr) return open_;
    auto source = std::make_shared<const Source>(path_, max_bytes_);
    source->check_is(identity_);
    return source;
  }

  arrow::MemoryPool* const pool;
  const std::shared_ptr<parquet::FileMetaData> metadata;  ///< of a Parquet file
  std::int64_t rows = -1;  ///< -1: not counted yet; what a file says of them may be wrong

 private:
  static inline std::atomic<int> open_files_ = 0;

  std::filesystem::path path_;
  std::int64_t max_bytes_;
  Source::Identity identity_;
  std::shared_ptr<const Source> open_;
};

/// Whether a look at a column costs more than the file's opening, and there is no room for all of
/// them; where there is, it is taken. A wide file is long to open.
bool is_lazy(const Table::Impl& impl, const Source& source, std::int64_t rows, int columns) {
  constexpr std::int64_t kFewRows = 1 << 13, kRowsOfAColumn = 128;
  if (impl.kept == nullptr || source.compression() != arrow::Compression::UNCOMPRESSED)
    return false;
  if (rows < kFewRows || rows / kRowsOfAColumn < columns) return false;
  const double bytes = 8.0 * static_cast<double>(rows) * columns;
  return bytes > 1e18 || !impl.kept->take(static_cast<std::int64_t>(bytes));
}

/// A column of a file, whose chunks are those of next() of Batches(source, file, column).
template <typename Batches>
class LazyCells final : public FileCells {
 public:
  LazyCells(std::shared_ptr<const LazyFile> file, int column, std::shared_ptr<KeptBytes> room)
      : FileCells(std::move(room)), file_(std::move(file)), column_(column) {}

 private:
  void read(const Visit& visit) const override {
    try {
      const auto source = file_->open();
      std::int64_t rows = 0;
      auto batches = guarded(*source, Batches::kRemedy,
                             [&] { return std::make_unique<Batches>(*source, *file_, column_); });
      for (;;) {
        // What `visit` throws is not the file's fault.
        const auto chunk = guarded(*source, Batches::kRemedy, [&] {
          auto next = batches->next();
          if (next) files::check(next->ValidateFull(), file_->path(), Batches::kRemedy);
          return next;
        });
        if (chunk == nullptr) break;
        rows += chunk->length();
        if (!visit(chunk)) return;
      }
      if (file_->rows < 0 || file_->rows == rows) return;
      throw DataError(fmt::format("{}: column {} (from 0) has {} rows, and others {}; {}",
                                  file_->path().string(), column_, rows, file_->rows,
                                  Batches::kRemedy));
    } catch (const std::bad_alloc&) {
      throw DataError(fmt::format("{}: not enough memory to read it; {}", file_->path().string(),
                                  files::kMemoryRemedy));
    }
  }

  std::shared_ptr<const LazyFile> file_;
  int column_;
};

/// `least`: the column that takes the least to be read, by which the rows are counted.
template <typename Batches>
PartTable lazy_table(const Table::Impl& impl, const std::shared_ptr<LazyFile>& shared,
                     std::shared_ptr<arrow::Schema> schema, int least) {
  std::vector<std::shared_ptr<const ColumnCells>> columns;
  for (int c = 0; c < schema->num_fields(); ++c) {
    columns.push_back(std::make_shared<LazyCells<Batches>>(shared, c, impl.kept));
  }
  std::int64_t rows = 0;
  if (!columns.empty()) {
    columns[static_cast<std::size_t>(least)]->each_chunk([&](const auto& chunk) {
      rows += chunk->length();
      return true;
    });
  }
  shared->rows = rows;
  return PartTable(std::move(schema), rows, std::move(columns));
}

// ----- Parquet -----

std::unique_ptr<parquet::arrow::FileReader> open_parquet(
    const Source& source, arrow::MemoryPool* pool,
    const std::shared_ptr<parquet::FileMetaData>& known) {
  parquet::arrow::FileReaderBuilder builder;
  files::check(builder.Open(source.random(), parquet::ReaderProperties(pool), known), source.path(),
               kParquetRemedy);
  builder.memory_pool(pool);
  const auto metadata = builder.raw_reader()->metadata();
  parquet::ArrowReaderProperties properties;
  properties.set_use_threads(true);
  for (int i = 0; i < metadata->num_columns(); ++i) {
    const auto* column = metadata->schema()->Column(i);
    // Inside others a dictionary cannot be read in pieces (Arrow: "Nested data conversions").
    const bool alone = column->path()->ToDotVector().size() == 1;
    if (alone && column->physical_type() == parquet::Type::BYTE_ARRAY &&
        column->logical_type()->is_string()) {
      properties.set_read_dictionary(i, true);
    }
  }
  builder.properties(properties);
  return files::value_of(builder.Build(), source.path(), kParquetRemedy);
}

/// The leaves of Parquet's tree that a column is made of.
void add_leaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const auto& child : field.children) add_leaves(child, leaves);
}

std::vector<int> leaves_of(const parquet::arrow::FileReader& reader, int column) {
  std::vector<int> leaves;
  add_leaves(reader.manifest().schema_fields[static_cast<std::size_t>(column)], leaves);
  return leaves;
}

/// The column with the fewest bytes.
int least_column(const parquet::arrow::FileReader& reader) {
  const auto metadata = reader.parquet_reader()->metadata();
  std::vector<double> bytes(reader.manifest().schema_fields.size(), 0);
  for (int group = 0; group < metadata->num_row_groups(); ++group) {
    const auto of_group = metadata->RowGroup(group);
    for (std::size_t c = 0; c < bytes.size(); ++c) {
      for (const int leaf : leaves_of(reader, static_cast<int>(c))) {
        bytes[c] += static_cast<double>(of_group->ColumnChunk(leaf)->total_uncompressed_size());
      }
    }
  }
  return static_cast<int>(std::min_element(bytes.begin(), bytes.end()) - bytes.begin());
}

class ParquetBatches {
 public:
  static constexpr const char* kRemedy = kParquetRemedy;

  ParquetBatches(const Source& source, const LazyFile& file, int column)
      : path_(file.path()), reader_(open_parquet(source, file.pool, file.metadata)) {
    std::vector<int> groups(static_cast<std::size_t>(reader_->num_row_groups()));
    std::iota(groups.begin(), groups.end(), 0);
    reader_->set_batch_size(kBatchRows);
    batches_ = files::value_of(reader_->GetRecordBatchReader(groups, leaves_of(*reader_, column)),
                               path_, kParquetRemedy);
  }

  /// nullptr: there are no more.
  std::shared_ptr<arrow::Array> next() {
    std::shared_ptr<arrow::RecordBatch> batch;
    files::check(batches_->ReadNext(&batch), path_, kParquetRemedy);
    return batch == nullptr ? nullptr : batch->column(0);
  }

 private:
  static constexpr std::int64_t kBatchRows = 1 << 18;

  std::filesystem::path path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;  // reads by reader_
};

PartTable read_parquet_file(const Table::Impl& impl, const std::shared_ptr<const Source>& source,
                            std::int64_t max_rows) {
  const std::filesystem::path& path = source->path();
  const auto reader = open_parquet(*source, impl.pool, nullptr);
  const auto metadata = reader->parquet_reader()->metadata();
  if (max_rows == 0) {
    check_declared(*metadata, *source);
    if (is_lazy(impl, *source, metadata->num_rows(), metadata->num_columns())) {
      std::shared_ptr<arrow::Schema> schema;
      files::check(reader->GetSchema(&schema), path, kParquetRemedy);
      return lazy_table<ParquetBatches>(impl, std::make_shared<LazyFile>(impl, source, metadata),
                                        std::move(schema), least_column(*reader));
    }
    return held(files::value_of(reader->ReadTable(), path, kParquetRemedy), *source, kParquetRemedy,
                max_rows);
  }
  std::vector<int> groups;
  std::int64_t rows = 0;
  for (int group = 0; group < metadata->num_row_groups() && rows < max_rows; ++group) {
    groups.push_back(group);
    rows += metadata->RowGroup(group)->num_rows();
  }
  return held(files::value_of(reader->ReadRowGroups(groups), path, kParquetRemedy), *source,
              kParquetRemedy, max_rows);
}

// ----- Arrow -----

using ArrowFile = arrow::ipc::RecordBatchFileReader;

class ArrowBatches {
 public:
  static constexpr const char* kRemedy = kArrowRemedy;

  ArrowBatches(const Source& source, const LazyFile& file, int column)
      : path_(file.path()), pool_(file.pool) {
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.memory_pool = file.pool;
    options.included_fields = {column};
    reader_ = files::value_of(ArrowFile::Open(source.random(), options), path_, kArrowRemedy);
  }

  /// nullptr: there are no more.
  std::shared_ptr<arrow::Array> next() {
    if (at_ == reader_->num_record_batches()) return nullptr;
    const auto batch = files::value_of(reader_->ReadRecordBatch(at_++), path_, kArrowRemedy);
    // Its buffers lie in one as large as all columns are together.
    return files::value_of(arrow::Concatenate({batch->column(0)}, pool_), path_, kArrowRemedy);
  }

 private:
  std::filesystem::path path_;
  arrow::MemoryPool* pool_;
  std::shared_ptr<ArrowFile> reader_;
  int at_ = 0;
};

/// A column whose cells have the fewest bits, if any has a fixed number of them. One of nulls has
/// none, and as many rows as the file says.
int narrowest_column(const arrow::Schema& schema) {
  const auto bits = [&](int column) {
    const int width = schema.field(column)->type()->bit_width();
    return width <= 0 ? std::numeric_limits<int>::max() : width;
  };
  int least = 0;
  for (int c = 1; c < schema.num_fields(); ++c) {
    if (bits(c) < bits(least)) least = c;
  }
  return least;
}

/// A stream begins with the length of its first message, behind four bytes of ones unless it is of
/// before Arrow 0.15 (Arrow columnar format, "Encapsulated message format"). What is neither that
/// nor a file is no damaged one but something else.
void check_begins_stream(const arrow::Buffer& begin, std::int64_t size,
                         const std::filesystem::path& path) {
  std::uint32_t length = 0;
  if (begin.size() >= static_cast<std::int64_t>(sizeof length)) {
    std::memcpy(&length, begin.data(), sizeof length);
    if (length == 0xFFFFFFFF || length < size) return;
  }
  throw DataError(fmt::format(
      "{}: it begins neither as an Arrow file nor as an Arrow stream; {}, or rename it to what it "
      "is",
      path.string(), kArrowRemedy));
}

PartTable read_arrow_file(const Table::Impl& impl, const std::shared_ptr<const Source>& source,
                          std::int64_t max_rows) {
  const std::filesystem::path& path = source->path();
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.memory_pool = impl.pool;
  const auto file = source->random();
  const auto magic = files::value_of(file->ReadAt(0, 6), path, kArrowRemedy);
  if (magic->ToString() != "ARROW1") {
    check_begins_stream(*magic, files::value_of(file->GetSize(), path, kArrowRemedy), path);
    // A file that was read at a place refuses to be read on without one; a part of it does not.
    const auto whole =
        files::value_of(arrow::io::RandomAccessFile::GetStream(
                            file, 0, files::value_of(file->GetSize(), path, kArrowRemedy)),
                        path, kArrowRemedy);
    const auto reader = files::value_of(arrow::ipc::RecordBatchStreamReader::Open(whole, options),
                                        path, kArrowRemedy);
    return held(files::value_of(reader->ToTable(), path, kArrowRemedy), *source, kArrowRemedy,
                max_rows);
  }
  const auto reader = files::value_of(ArrowFile::Open(file, options), path, kArrowRemedy);
  if (max_rows == 0 &&
      is_lazy(impl, *source, files::value_of(reader->CountRows(), path, kArrowRemedy),
              reader->schema()->num_fields())) {
    return lazy_table<ArrowBatches>(impl, std::make_shared<LazyFile>(impl, source, nullptr),
                                    reader->schema(), narrowest_column(*reader->schema()));
  }
  return held(files::value_of(reader->ToTable(), path, kArrowRemedy), *source, kArrowRemedy,
              max_rows);
}

}  // namespace

PartTable read_parquet(const Table::Impl& impl, const std::filesystem::path& path,
                       std::int64_t max_rows) {
  const auto source = std::make_shared<const Source>(path, impl.options.max_bytes);
  return guarded(*source, kParquetRemedy,
                 [&] { return read_parquet_file(impl, source, max_rows); });
}

PartTable read_arrow(const Table::Impl& impl, const std::filesystem::path& path,
                     std::int64_t max_rows) {
  const auto source = std::make_shared<const Source>(path, impl.options.max_bytes);
  return guarded(*source, kArrowRemedy, [&] { return read_arrow_file(impl, source, max_rows); });
}

}  // namespace sluice
