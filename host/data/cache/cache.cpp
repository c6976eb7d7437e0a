// Writing and reading of a cache. Arrow has the format of the file and checks what it holds; its
// bits are ours to check, as Arrow has no checksums.
#include "sluice/data/cache.hpp"

#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/memory_pool.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "base/output_file.hpp"
#include "data/cache/arrays.hpp"
#include "data/cache/fields.hpp"
#include "data/cache/open.hpp"
#include "data/table/files.hpp"
#include "data/table/write.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadRemedy = "convert the data again (sluice convert)";
constexpr const char* kWriteRemedy = "check the path and the free space of the disk";
/// What a cache's header and names may take beside the mapped file: steps are never copied.
constexpr std::int64_t kOwnMemory = std::int64_t{1} << 30;

/// An open cache: the mapped file, and what its schema's metadata says.
struct Opened {
  explicit Opened(const fs::path& path);
  std::string checksum, text;
  cache::Fields fields;
  std::shared_ptr<arrow::MemoryPool> pool;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader;
};

Opened::Opened(const fs::path& path)
    : pool(std::make_shared<arrow::CappedMemoryPool>(arrow::default_memory_pool(), kOwnMemory)) {
  const auto file =
      files::value_of(arrow::io::MemoryMappedFile::Open(path.string(), arrow::io::FileMode::READ),
                      path, "check that it is there and may be read");
  arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
  options.memory_pool = pool.get();
  reader =
      files::value_of(arrow::ipc::RecordBatchFileReader::Open(file, options), path, kReadRemedy);
  const auto metadata = reader->schema()->metadata();
  if (metadata == nullptr || !metadata->Contains(cache::kFields) ||
      !metadata->Contains(cache::kChecksum)) {
    throw DataError(fmt::format(
        "{}: no catalogue of `sluice convert`, whose ending it has; name a table of Arrow's .arrow",
        path.string()));
  }
  text = files::value_of(metadata->Get(cache::kFields), path, kReadRemedy);
  checksum = files::value_of(metadata->Get(cache::kChecksum), path, kReadRemedy);
  try {
    fields = cache::from_text(text, path.string());
  } catch (const nlohmann::json::exception& e) {
    throw DataError(fmt::format("{}: the catalogue's metadata are damaged ({}); {}", path.string(),
                                e.what(), kReadRemedy));
  }
}

std::string checksum_text(const std::string& fields, const arrow::RecordBatch& batch) {
  return fmt::format("{:016x}", cache::checksum_of(fields, batch));
}

}  // namespace

bool is_cache(const fs::path& path) { return files::extension_of(path) == ".slc"; }

void write_cache(const fs::path& path, const Catalog& catalog, const CatalogNotes& notes,
                 const CacheOrigin& origin) {
  cache::Fields fields{.origin = origin,
                       .columns = {},
                       .axis = catalog.axis(),
                       .hierarchy = catalog.hierarchy(),
                       .notes = notes};
  auto batch = cache::batch_of(catalog, fields);
  const std::string text = cache::to_text(fields);
  batch = batch->ReplaceSchemaMetadata(arrow::key_value_metadata(
      {cache::kFields, cache::kChecksum}, {text, checksum_text(text, *batch)}));
  OutputFile file(path, "place for the converted data");
  {
    const auto out = stream_to(file, path);
    const files::QuietEnd end(out);
    arrow::ipc::IpcWriteOptions options = arrow::ipc::IpcWriteOptions::Defaults();
    options.alignment = 64;  // of the steps in the mapped file
    options.allow_64bit = true;
    const auto writer = files::value_of(arrow::ipc::MakeFileWriter(out, batch->schema(), options),
                                        path, kWriteRemedy);
    files::check(writer->WriteRecordBatch(*batch), path, kWriteRemedy);
    files::check(writer->Close(), path, kWriteRemedy);
    files::check(out->Close(), path, kWriteRemedy);
  }
  file.commit();
}

CacheOrigin cache_origin(const fs::path& path) { return Opened(path).fields.origin; }

Catalog open_cache(const fs::path& path, CatalogNotes* notes) {
  return cache::open(path, notes, true);
}

Catalog cache::open(const fs::path& path, CatalogNotes* notes, bool checks) {
  Opened opened(path);
  if (opened.reader->num_record_batches() != 1) {
    throw DataError(
        fmt::format("{}: the catalogue is damaged (its parts); {}", path.string(), kReadRemedy));
  }
  const auto batch = files::value_of(opened.reader->ReadRecordBatch(0), path, kReadRemedy);
  if (checks && checksum_text(opened.text, *batch) != opened.checksum) {
    throw DataError(fmt::format("{}: the catalogue is damaged (its checksum is another one); {}",
                                path.string(), kReadRemedy));
  }
  files::check(batch->ValidateFull(), path, kReadRemedy);
  struct Kept {
    std::shared_ptr<arrow::MemoryPool> pool;  // outlives what is of it in the batch
    std::shared_ptr<arrow::RecordBatch> batch;
  };
  try {
    if (notes != nullptr) *notes = opened.fields.notes;
    return cache::catalog_of(*batch, std::move(opened.fields),
                             std::make_shared<const Kept>(Kept{opened.pool, batch}), path);
  } catch (const InternalError& e) {
    throw DataError(
        fmt::format("{}: the catalogue is damaged ({}); {}", path.string(), e.what(), kReadRemedy));
  }
}

}  // namespace sluice
