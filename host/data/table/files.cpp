#include "data/table/files.hpp"

#include <arrow/util/io_util.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <system_error>

#include "sluice/base/error.hpp"
#include "sluice/data/table.hpp"

namespace sluice {

TableFormat format_by_name(const std::filesystem::path& path) {
  const std::string extension = files::extension_of(files::without_compression(path));
  if (extension == ".csv" || extension == ".tsv" || extension == ".txt") return TableFormat::csv;
  if (extension == ".parquet" || extension == ".pq") return TableFormat::parquet;
  if (extension == ".arrow" || extension == ".feather" || extension == ".ipc") {
    return TableFormat::arrow;
  }
  if (extension == ".tsf") return TableFormat::tsf;
  return TableFormat::automatic;
}

}  // namespace sluice

namespace sluice::files {

namespace fs = std::filesystem;

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

arrow::Compression::type compression_of(const fs::path& path) {
  const std::string extension = extension_of(path);
  if (extension == ".gz") return arrow::Compression::GZIP;
  if (extension == ".zst") return arrow::Compression::ZSTD;
  return arrow::Compression::UNCOMPRESSED;
}

fs::path without_compression(const fs::path& path) {
  return compression_of(path) == arrow::Compression::UNCOMPRESSED ? path : path.stem();
}

void check(const arrow::Status& status, const fs::path& path, const std::string& remedy) {
  if (status.ok()) return;
  std::string what = status.message();
  if (what.empty()) what = status.CodeAsString();
  if (const std::size_t line = what.find('\n'); line != std::string::npos) what.resize(line);
  while (what.ends_with('.')) what.pop_back();
  if (what.starts_with("Failed to launch worker thread")) {
    throw DataError(
        fmt::format("{}: no thread can be started to read it ({}); allow more threads or memory "
                    "(ulimit -u, ulimit -v, the container's limits)",
                    path.string(), what));
  }
  if (what.find("cap exceeded") != std::string::npos) {  // of Arrow's pool that has a budget
    throw DataError(
        fmt::format("{}: it takes more memory than its cells may ({}); set data.max_bytes to more, "
                    "{}",
                    path.string(), what, kMemoryRemedy));
  }
  if (status.IsOutOfMemory()) {
    throw DataError(
        fmt::format("{}: not enough memory ({}); {}", path.string(), what, kMemoryRemedy));
  }
  if (const int reason = arrow::internal::ErrnoFromStatus(status); reason != 0) {
    what += fmt::format(" ({})", std::generic_category().message(reason));
  }
  throw DataError(fmt::format("{}: {}; {}", path.string(), what, remedy));
}

}  // namespace sluice::files
