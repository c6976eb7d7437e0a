// How many rows a Parquet file has, by its end alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice {

/// nullopt where it is no whole Parquet file. DataError with the system's reason and the remedy
/// where it cannot be read.
std::optional<std::int64_t> parquet_rows(const std::filesystem::path& path,
                                         const std::string& remedy);

}  // namespace sluice
