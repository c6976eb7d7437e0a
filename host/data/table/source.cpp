#include "data/table/source.hpp"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "data/table/files.hpp"
#include "data/table/memory.hpp"
#include "data/table/reserve_pool.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

namespace fs = std::filesystem;

/// What the streams of a source met; they may be read by other threads.
struct Source::Faults {
  std::mutex mutex;
  arrow::Status status;
  bool too_large = false;
};

namespace {

constexpr const char* kOpenRemedy = "check that the file may be read";
constexpr const char* kDecompressRemedy = "the file is damaged or cut off: copy or write it again";
/// Of the memory that the process may take, the part that a file's cells may: the series made of
/// them need the rest.
constexpr double kShareOfMemory = 0.75;
constexpr std::int64_t kBlock = std::int64_t{1} << 20;

[[noreturn]] void refuse_unread(const fs::path& path, std::error_code why) {
  throw DataError(
      fmt::format("{}: cannot be looked at ({}); {}", path.string(), why.message(), kOpenRemedy));
}

struct stat status_of(int descriptor, const fs::path& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) refuse_unread(path, {errno, std::generic_category()});
  return status;
}

void check_is_readable_file(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) refuse_missing(path, "path.data");
  if (status.type() == fs::file_type::none) refuse_unread(path, error);
  if (status.type() != fs::file_type::regular) {
    throw DataError(
        fmt::format("{}: not a regular file; give a file or a directory", path.string()));
  }
  const std::uintmax_t size = fs::file_size(path, error);
  if (!error && size == 0) {
    throw DataError(fmt::format("{}: the file is empty; write it again", path.string()));
  }
}

/// "(10 bytes at first, 20 now)"
std::string sizes_text(std::int64_t before, std::int64_t now) {
  return before == now ? fmt::format("(of {} bytes as before, and written since)", now)
                       : fmt::format("({} bytes at first, {} now)", before, now);
}

Source::Identity identity_of(const struct stat& status) {
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  return {status.st_size,
          static_cast<std::int64_t>(status.st_mtim.tv_sec) * kNanoseconds + status.st_mtim.tv_nsec};
}

/// A codec holds no state, and a stream keeps only a raw pointer to its own: one a process.
arrow::util::Codec* codec_of(arrow::Compression::type type) {
  static const std::unique_ptr<arrow::util::Codec> gzip =
      arrow::util::Codec::Create(arrow::Compression::GZIP).ValueOrDie();
  static const std::unique_ptr<arrow::util::Codec> zstd =
      arrow::util::Codec::Create(arrow::Compression::ZSTD).ValueOrDie();
  return type == arrow::Compression::GZIP ? gzip.get() : zstd.get();
}

}  // namespace

namespace {

/// Memory of blocks that were read and let go of, for the next ones: fresh memory costs more than
/// what is read into it, page by page.
class Blocks {
 public:
  std::unique_ptr<char[]> take(std::int64_t size) {
    const std::lock_guard lock(mutex_);
    if (size != size_ || free_.empty()) {
      return std::make_unique_for_overwrite<char[]>(static_cast<std::size_t>(size));
    }
    auto block = std::move(free_.back());
    free_.pop_back();
    return block;
  }
  void give(std::unique_ptr<char[]> block, std::int64_t size) {
    const std::lock_guard lock(mutex_);
    if (size != size_) free_.clear();
    size_ = size;
    free_.push_back(std::move(block));
  }

 private:
  std::mutex mutex_;
  std::int64_t size_ = 0;  ///< of each
  std::vector<std::unique_ptr<char[]>> free_;
};

/// A block of a stream; goes back to the others when nobody holds it.
class Block : public arrow::Buffer {
 public:
  Block(std::shared_ptr<Blocks> blocks, std::int64_t size)
      : Block(blocks, blocks->take(size), size) {}
  ~Block() override { blocks_->give(std::move(memory_), size_); }
  char* bytes() { return memory_.get(); }

 private:
  Block(std::shared_ptr<Blocks> blocks, std::unique_ptr<char[]> memory, std::int64_t size)
      : arrow::Buffer(reinterpret_cast<const std::uint8_t*>(memory.get()), size),
        blocks_(std::move(blocks)),
        memory_(std::move(memory)) {}

  std::shared_ptr<Blocks> blocks_;
  std::unique_ptr<char[]> memory_;
};

/// Hands `inner` on up to its first fault, `limit` bytes, or until Arrow holds `most_allocated`
/// bytes made of them, then says that it is at its end.
/// `fault(status)` is told why: an OK status means the limit.
class GuardedStream : public arrow::io::InputStream {
 public:
  GuardedStream(std::shared_ptr<arrow::io::InputStream> inner, std::int64_t limit,
                std::int64_t most_allocated, Source::Watch watch,
                std::function<void(const arrow::Status&)> fault)
      : inner_(std::move(inner)),
        limit_(limit),
        most_allocated_(most_allocated),
        watch_(std::move(watch)),
        fault_(std::move(fault)) {}

  arrow::Status Close() override { return inner_->Close(); }
  bool closed() const override { return inner_->closed(); }
  arrow::Result<std::int64_t> Tell() const override { return bytes_; }

  arrow::Result<std::int64_t> Read(std::int64_t count, void* out) override {
    if (ended_) return 0;
    const auto read = inner_->Read(count, out);
    if (!read.ok()) return ended(read.status());
    if (!taken(static_cast<const char*>(out), *read)) return 0;
    return *read;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t count) override {
    std::shared_ptr<Block> block;
    try {
      block = std::make_shared<Block>(blocks_, count);
    } catch (const std::bad_alloc&) {
      // Arrow's threads know statuses only.
      ended(arrow::Status::OutOfMemory("for a block of ", count, " bytes"));
      return std::make_shared<arrow::Buffer>(nullptr, 0);
    }
    ARROW_ASSIGN_OR_RAISE(const std::int64_t read, Read(count, block->bytes()));
    return arrow::SliceBuffer(std::move(block), 0, read);
  }

 private:
  std::int64_t ended(const arrow::Status& status) {
    ended_ = true;
    fault_(status);
    return 0;
  }
  bool taken(const char* bytes, std::int64_t count) {
    bytes_ += count;
    if (csv_pool().used()) {
      ended(arrow::Status::OutOfMemory("none was left for what is made of its rows"));
      return false;
    }
    // Arrow's parser ends the process where it gets no memory: it has to be stopped before.
    if (bytes_ > limit_ || arrow::default_memory_pool()->bytes_allocated() > most_allocated_) {
      ended(arrow::Status::OK());
      return false;
    }
    if (watch_ && count > 0) watch_({bytes, static_cast<std::size_t>(count)});
    return true;
  }

  std::shared_ptr<arrow::io::InputStream> inner_;
  std::int64_t limit_, most_allocated_;
  Source::Watch watch_;
  std::function<void(const arrow::Status&)> fault_;
  std::shared_ptr<Blocks> blocks_ = std::make_shared<Blocks>();
  std::int64_t bytes_ = 0;
  bool ended_ = false;
};

}  // namespace

void refuse_missing(const fs::path& path, const std::string& key) {
  std::error_code error;
  if (fs::status(path, error).type() != fs::file_type::not_found) return;
  throw DataError(fmt::format("{}: no such file; check {} and the working directory ({})",
                              path.string(), key, fs::current_path(error).string()));
}

std::int64_t Source::budget_of(std::int64_t max_bytes) {
  if (max_bytes > 0) return max_bytes;
  return static_cast<std::int64_t>(kShareOfMemory * static_cast<double>(memory::allowed_bytes()));
}

Source::Source(fs::path path, std::int64_t max_bytes)
    : path_(std::move(path)), faults_(std::make_shared<Faults>()) {
  check_is_readable_file(path_);
  budget_ = budget_of(max_bytes);
  of_limit_ = max_bytes > 0;
  allocated_ = arrow::default_memory_pool()->bytes_allocated();
  const auto file =
      files::value_of(arrow::io::ReadableFile::Open(path_.string()), path_, kOpenRemedy);
  descriptor_ = file->file_descriptor();
  file_ = file;
  identity_ = identity_of(status_of(descriptor_, path_));
  settle_compression();
}

void Source::settle_compression() {
  using Type = arrow::Compression::type;
  const auto start = files::value_of(file_->ReadAt(0, 4), path_, kOpenRemedy)->ToString();
  const Type found = start.starts_with("\x1F\x8B")           ? Type::GZIP
                     : start.starts_with("\x28\xB5\x2F\xFD") ? Type::ZSTD
                                                             : Type::UNCOMPRESSED;
  const Type named = files::compression_of(path_);
  if (named != Type::UNCOMPRESSED && found != named) {
    const std::string extension = path_.extension().string();
    throw DataError(fmt::format(
        "{}: its bytes are not those of a '{}' file; copy or write it again, or take '{}' off its "
        "name if it is not compressed",
        path_.string(), extension, extension));
  }
  compression_ = found;
  compression_unnamed_ = found != named;
}

std::shared_ptr<arrow::io::InputStream> Source::stream(Watch watch) const {
  std::shared_ptr<arrow::io::InputStream> raw = files::value_of(
      arrow::io::RandomAccessFile::GetStream(file_, 0, identity_.size), path_, kOpenRemedy);
  if (compression_ != arrow::Compression::UNCOMPRESSED) {
    raw = files::value_of(
        arrow::io::CompressedInputStream::Make(codec_of(compression_), std::move(raw)), path_,
        kDecompressRemedy);
  }
  return std::make_shared<GuardedStream>(std::move(raw), budget_, allocated_ + budget_,
                                         std::move(watch),
                                         [faults = faults_](const arrow::Status& status) {
                                           const std::lock_guard lock(faults->mutex);
                                           if (status.ok()) faults->too_large = true;
                                           if (faults->status.ok()) faults->status = status;
                                         });
}

std::string Source::read_all() const {
  const auto from = stream();
  std::string text;
  for (;;) {
    const auto block = files::value_of(from->Read(4 * kBlock), path_, kDecompressRemedy);
    if (block->size() == 0) break;
    text.append(reinterpret_cast<const char*>(block->data()),
                static_cast<std::size_t>(block->size()));
  }
  check();
  return text;
}

std::string Source::head(std::int64_t most) const {
  const auto from = stream();
  std::string text;
  while (static_cast<std::int64_t>(text.size()) < most) {
    const auto block = files::value_of(from->Read(most - static_cast<std::int64_t>(text.size())),
                                       path_, kDecompressRemedy);
    if (block->size() == 0) break;
    text.append(reinterpret_cast<const char*>(block->data()),
                static_cast<std::size_t>(block->size()));
  }
  return text;
}

std::shared_ptr<arrow::io::RandomAccessFile> Source::random() const {
  if (compression_ == arrow::Compression::UNCOMPRESSED) return file_;
  return std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(read_all()));
}

std::string Source::limit_text() const {
  const std::string size = memory::size_text(budget_);
  if (of_limit_) {
    return fmt::format(
        "the {} that data.max_bytes allows; set it higher, or cut the file into "
        "fewer rows or columns",
        size);
  }
  return fmt::format(
      "the {} that this process may read into memory; {}; data.max_bytes sets "
      "another limit",
      size, files::kMemoryRemedy);
}

void Source::check_is(const Identity& before) const {
  if (identity_ == before) return;
  throw DataError(
      fmt::format("{}: another file took its place while it was read {}; "
                  "run the command again when whoever writes it is done",
                  path_.string(), sizes_text(before.size, identity_.size)));
}

void Source::check() const {
  const struct stat now = status_of(descriptor_, path_);
  if (identity_of(now) != identity_) {
    throw DataError(
        fmt::format("{}: the file changed while it was read {}; read it "
                    "when whoever writes it is done, or let them write another file and rename it",
                    path_.string(), sizes_text(identity_.size, now.st_size)));
  }
  const std::lock_guard lock(faults_->mutex);
  if (faults_->too_large) {
    throw DataError(fmt::format("{}: it holds more than {}", path_.string(), limit_text()));
  }
  files::check(faults_->status, path_, kDecompressRemedy);
}

}  // namespace sluice
