// Parquet (zstd) and Arrow IPC output through an Arrow table.
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/output_file.hpp"
#include "data/table/arrow_table.hpp"
#include "data/table/files.hpp"
#include "data/table/write.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kRowGroup = std::int64_t{1} << 20;  // rows
constexpr const char* kRemedy = "check the path and the free space of the disk";

std::shared_ptr<arrow::Table> noted_table(const std::vector<OutputColumn>& columns,
                                          const fs::path& name, const TableNotes& notes) {
  const auto table = arrow_table(columns, name);
  if (notes.empty()) return table;
  // In the order of their keys, so that the same notes are the same bytes.
  auto sorted = std::make_shared<arrow::KeyValueMetadata>();
  for (const auto& [key, text] : notes) sorted->Append(key, text);
  return table->ReplaceSchemaMetadata(sorted);
}

}  // namespace

std::shared_ptr<arrow::io::FileOutputStream> stream_to(const OutputFile& file,
                                                       const fs::path& name) {
  const int descriptor = ::fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) {
    throw DataError(fmt::format("{}: cannot be written ({}); allow more open files (ulimit -n)",
                                name.string(), std::generic_category().message(errno)));
  }
  auto stream = arrow::io::FileOutputStream::Open(descriptor);
  if (!stream.ok()) ::close(descriptor);
  return files::value_of(std::move(stream), name, kRemedy);
}

void write_parquet(const OutputFile& file, const fs::path& name,
                   const std::vector<OutputColumn>& columns, const TableNotes& notes) {
  const auto out = stream_to(file, name);
  const files::QuietEnd end(out);
  const auto table = noted_table(columns, name, notes);
  const auto properties = parquet::WriterProperties::Builder()
                              .compression(arrow::Compression::ZSTD)
                              ->max_row_group_length(kRowGroup)
                              ->build();
  // Columns of a row group are encoded side by side, and stand in the file in their order.
  const auto of_arrow =
      parquet::ArrowWriterProperties::Builder().store_schema()->set_use_threads(true)->build();
  const auto writer = files::value_of(
      parquet::arrow::FileWriter::Open(*table->schema(), arrow::default_memory_pool(), out,
                                       properties, of_arrow),
      name, kRemedy);
  arrow::TableBatchReader batches(*table);
  batches.set_chunksize(kRowGroup);
  std::shared_ptr<arrow::RecordBatch> batch;
  for (files::check(batches.ReadNext(&batch), name, kRemedy); batch != nullptr;
       files::check(batches.ReadNext(&batch), name, kRemedy)) {
    files::check(writer->WriteRecordBatch(*batch), name, kRemedy);
  }
  files::check(writer->Close(), name, kRemedy);
  files::check(out->Close(), name, kRemedy);
}

void write_arrow(const OutputFile& file, const fs::path& name,
                 const std::vector<OutputColumn>& columns, const TableNotes& notes) {
  const auto out = stream_to(file, name);
  const files::QuietEnd end(out);
  const auto table = noted_table(columns, name, notes);
  const auto writer =
      files::value_of(arrow::ipc::MakeFileWriter(out, table->schema()), name, kRemedy);
  files::check(writer->WriteTable(*table, kRowGroup), name, kRemedy);
  files::check(writer->Close(), name, kRemedy);
  files::check(out->Close(), name, kRemedy);
}

}  // namespace sluice
