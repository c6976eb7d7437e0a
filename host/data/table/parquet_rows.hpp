// How many rows a Parquet file has, by its end alone.
#pragma once

#include <cstdint>
#include <filesystem>

namespace sluice {

/// Throws DataError where it is not a whole Parquet file.
std::int64_t parquet_rows(const std::filesystem::path& path);

}  // namespace sluice
