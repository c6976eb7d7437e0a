// What a file's name says, and what Arrow says of its bytes.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/util/compression.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace sluice::files {

/// The ending of the file's name in lower case, with its dot.
std::string extension_of(const std::filesystem::path& path);

/// GZIP or ZSTD by ".gz" or ".zst", else UNCOMPRESSED.
arrow::Compression::type compression_of(const std::filesystem::path& path);

/// The file's name without ".gz" or ".zst".
std::filesystem::path without_compression(const std::filesystem::path& path);

inline constexpr const char* kMemoryRemedy =
    "give the process more memory (ulimit -v, the container's limit), or cut the file into fewer "
    "rows or columns";

/// Throws DataError "PATH: WHAT; REMEDY" if `status` is an error. WHAT includes the system's reason
/// ("No space left on device") where there is one.
void check(const arrow::Status& status, const std::filesystem::path& path,
           const std::string& remedy);

/// The value of a result, or DataError as `check` throws it.
template <typename T>
T value_of(arrow::Result<T> result, const std::filesystem::path& path, const std::string& remedy) {
  check(result.status(), path, remedy);
  return std::move(result).ValueUnsafe();
}

/// Closes a stream that an error has left open: Arrow's own destructors tell of what they find then
/// on standard error.
class QuietEnd {
 public:
  explicit QuietEnd(std::shared_ptr<arrow::io::OutputStream> stream) : stream_(std::move(stream)) {}
  ~QuietEnd() {
    if (stream_->closed()) return;
    [[maybe_unused]] const arrow::Status ignored = stream_->Abort();
  }
  QuietEnd(const QuietEnd&) = delete;
  QuietEnd& operator=(const QuietEnd&) = delete;

 private:
  std::shared_ptr<arrow::io::OutputStream> stream_;
};

}  // namespace sluice::files
