// Parquet (zstd) and Arrow IPC output through an Arrow table.
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/writer.h>

#include "data/table/arrow_table.hpp"
#include "data/table/files.hpp"
#include "data/table/write.hpp"

namespace sluice {
namespace fs = std::filesystem;

namespace {

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

void write_parquet(const fs::path& path, const fs::path& name,
                   const std::vector<OutputColumn>& columns, const TableNotes& notes) {
  const auto out = files::value_of(arrow::io::FileOutputStream::Open(path.string()), name, kRemedy);
  const files::QuietEnd end(out);
  const auto properties =
      parquet::WriterProperties::Builder().compression(arrow::Compression::ZSTD)->build();
  const auto keep_types = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  files::check(
      parquet::arrow::WriteTable(*noted_table(columns, name, notes), arrow::default_memory_pool(),
                                 out, std::int64_t{1} << 20, properties, keep_types),
      name, kRemedy);
  files::check(out->Close(), name, kRemedy);
}

void write_arrow(const fs::path& path, const fs::path& name,
                 const std::vector<OutputColumn>& columns, const TableNotes& notes) {
  const auto out = files::value_of(arrow::io::FileOutputStream::Open(path.string()), name, kRemedy);
  const files::QuietEnd end(out);
  const auto table = noted_table(columns, name, notes);
  const auto writer =
      files::value_of(arrow::ipc::MakeFileWriter(out, table->schema()), name, kRemedy);
  files::check(writer->WriteTable(*table, std::int64_t{1} << 20), name, kRemedy);
  files::check(writer->Close(), name, kRemedy);
  files::check(out->Close(), name, kRemedy);
}

}  // namespace sluice
