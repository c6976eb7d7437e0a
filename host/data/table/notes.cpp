// The key-value metadata of Parquet and Arrow files.
#include <arrow/ipc/reader.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <memory>
#include <new>

#include "data/table/files.hpp"
#include "data/table/source.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"

namespace sluice {
namespace {

constexpr const char* kRemedy = "check that it is a whole Parquet or Arrow file";

std::shared_ptr<const arrow::KeyValueMetadata> metadata_of(const Source& source,
                                                           TableFormat format) {
  if (format == TableFormat::parquet) {
    return parquet::ParquetFileReader::Open(source.random())->metadata()->key_value_metadata();
  }
  return files::value_of(arrow::ipc::RecordBatchFileReader::Open(source.random()), source.path(),
                         kRemedy)
      ->schema()
      ->metadata();
}

}  // namespace

TableNotes read_notes(const std::filesystem::path& path) {
  const TableFormat format = format_by_name(path);
  if (format != TableFormat::parquet && format != TableFormat::arrow) return {};
  const Source source(path);
  try {
    TableNotes notes;
    if (const auto metadata = metadata_of(source, format)) {
      for (std::int64_t i = 0; i < metadata->size(); ++i) {
        notes.emplace(metadata->key(i), metadata->value(i));
      }
    }
    return notes;
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {  // Parquet's own
    throw DataError(fmt::format("{}: {}; {}", path.string(), e.what(), kRemedy));
  }
}

}  // namespace sluice
