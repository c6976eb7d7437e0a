// Files as Arrow sees them: opened with what their name says about compression taken off.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/util/compression.h>

#include <filesystem>
#include <memory>
#include <string>

namespace sluice::files {

/// GZIP or ZSTD by ".gz" or ".zst", else UNCOMPRESSED.
arrow::Compression::type compression_of(const std::filesystem::path& path);

/// The file's name without ".gz" or ".zst".
std::filesystem::path without_compression(const std::filesystem::path& path);

/// The file's bytes from start to end, decompressed. Throws DataError if it is missing, no file,
/// empty or cannot be opened.
std::shared_ptr<arrow::io::InputStream> open_stream(const std::filesystem::path& path);

/// The same with random access: memory-mapped, or decompressed into memory.
std::shared_ptr<arrow::io::RandomAccessFile> open_random(const std::filesystem::path& path);

/// The whole file, decompressed.
std::string read_all(const std::filesystem::path& path);

/// Throws DataError "PATH: WHAT; REMEDY" if `status` is an error.
void check(const arrow::Status& status, const std::filesystem::path& path,
           const std::string& remedy);

/// The value of a result, or DataError as `check` throws it.
template <typename T>
T value_of(arrow::Result<T> result, const std::filesystem::path& path, const std::string& remedy) {
  check(result.status(), path, remedy);
  return std::move(result).ValueUnsafe();
}

}  // namespace sluice::files
