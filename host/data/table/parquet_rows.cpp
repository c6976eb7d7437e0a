#include "data/table/parquet_rows.hpp"

#include <arrow/util/io_util.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "data/table/files.hpp"

namespace sluice {

std::optional<std::int64_t> parquet_rows(const std::filesystem::path& path,
                                         const std::string& remedy) {
  try {
    return parquet::ParquetFileReader::OpenFile(path.string(), false)->metadata()->num_rows();
  } catch (const parquet::ParquetStatusException& e) {
    if (arrow::internal::ErrnoFromStatus(e.status()) != 0) files::check(e.status(), path, remedy);
    return std::nullopt;
  } catch (const parquet::ParquetException&) {
    return std::nullopt;
  }
}

}  // namespace sluice
