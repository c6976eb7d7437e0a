#include "data/table/files.hpp"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <fmt/format.h>

#include "sluice/base/error.hpp"

namespace sluice::files {

namespace fs = std::filesystem;

arrow::Compression::type compression_of(const fs::path& path) {
  const std::string extension = path.extension().string();
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
  if (const std::size_t line = what.find('\n'); line != std::string::npos) what.resize(line);
  throw DataError(fmt::format("{}: {}; {}", path.string(), what, remedy));
}

namespace {

void check_is_readable_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    throw DataError(fmt::format("{}: no such file; check path.data and the working directory ({})",
                                path.string(), fs::current_path(error).string()));
  }
  if (status.type() != fs::file_type::regular) {
    throw DataError(
        fmt::format("{}: not a regular file; give a file or a directory", path.string()));
  }
  const std::uintmax_t size = fs::file_size(path, error);
  if (!error && size == 0) {
    throw DataError(fmt::format("{}: the file is empty; write it again", path.string()));
  }
}

constexpr const char* kOpenRemedy = "check that the file may be read";
constexpr const char* kDecompressRemedy = "the file is damaged or cut off: copy or write it again";

}  // namespace

std::shared_ptr<arrow::io::InputStream> open_stream(const fs::path& path) {
  check_is_readable_file(path);
  const auto type = compression_of(path);
  if (type == arrow::Compression::UNCOMPRESSED) {
    return value_of(arrow::io::MemoryMappedFile::Open(path.string(), arrow::io::FileMode::READ),
                    path, kOpenRemedy);
  }
  auto raw = value_of(arrow::io::ReadableFile::Open(path.string()), path, kOpenRemedy);
  // The stream keeps only a raw pointer to its codec; a codec holds no state, so one a process.
  static const std::unique_ptr<arrow::util::Codec> gzip =
      arrow::util::Codec::Create(arrow::Compression::GZIP).ValueOrDie();
  static const std::unique_ptr<arrow::util::Codec> zstd =
      arrow::util::Codec::Create(arrow::Compression::ZSTD).ValueOrDie();
  arrow::util::Codec* codec = type == arrow::Compression::GZIP ? gzip.get() : zstd.get();
  return value_of(arrow::io::CompressedInputStream::Make(codec, std::move(raw)), path,
                  kDecompressRemedy);
}

std::string read_all(const fs::path& path) {
  const auto stream = open_stream(path);
  std::string text;
  for (;;) {
    const auto block = value_of(stream->Read(std::int64_t{4} << 20), path, kDecompressRemedy);
    if (block->size() == 0) return text;
    text.append(reinterpret_cast<const char*>(block->data()),
                static_cast<std::size_t>(block->size()));
  }
}

std::shared_ptr<arrow::io::RandomAccessFile> open_random(const fs::path& path) {
  if (compression_of(path) != arrow::Compression::UNCOMPRESSED) {
    return std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(read_all(path)));
  }
  check_is_readable_file(path);
  return value_of(arrow::io::MemoryMappedFile::Open(path.string(), arrow::io::FileMode::READ), path,
                  kOpenRemedy);
}

}  // namespace sluice::files
