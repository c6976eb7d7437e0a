#include "data/table/parquet_rows.hpp"

#include <fmt/format.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "sluice/base/error.hpp"

namespace sluice {

std::int64_t parquet_rows(const std::filesystem::path& path) {
  try {
    return parquet::ParquetFileReader::OpenFile(path.string(), false)->metadata()->num_rows();
  } catch (const parquet::ParquetException& e) {
    throw DataError(fmt::format("{}: is no whole Parquet file ({})", path.string(), e.what()));
  }
}

}  // namespace sluice
