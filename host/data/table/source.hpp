// A file opened for reading, once: its bytes from the start or by place, what its name says about
// compression taken off. It is read, not mapped: a map of a file that somebody cuts off is SIGBUS.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/util/compression.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice {

class Source {
 public:
  /// Is shown every block of a stream, in order.
  using Watch = std::function<void(std::string_view)>;

  /// Throws DataError if the file is missing, no file, empty or cannot be opened. `max_bytes`: of
  /// the file uncompressed; 0: what the process's memory allows.
  explicit Source(std::filesystem::path path, std::int64_t max_bytes = 0);

  /// Bytes that the cells of files may take: `max_bytes`, or by what the process may take.
  static std::int64_t budget_of(std::int64_t max_bytes);

  const std::filesystem::path& path() const { return path_; }
  arrow::Compression::type compression() const { return compression_; }
  /// Whether its bytes are compressed and its name does not say so.
  bool compression_unnamed() const { return compression_unnamed_; }
  std::int64_t budget() const { return budget_; }  ///< bytes that what it holds may take

  /// Why no more may be read, and what helps: "the 1.4 GB that this process may read into memory;
  /// ...".
  std::string limit_text() const;

  /// By what a file under the same name is known to be the same. (Not by its number: some file
  /// systems give another one at each opening.)
  struct Identity {
    std::int64_t size = 0, changed_ns = 0;
    bool operator==(const Identity&) const = default;
  };
  const Identity& identity() const { return identity_; }
  /// Throws DataError if another file has taken the place of the one that this was.
  void check_is(const Identity& before) const;

  /// The bytes from start to end, decompressed. A stream never fails: at a fault it ends, and
  /// `check` says why. (Arrow's readers ahead of the parser do not all survive a failing one.)
  std::shared_ptr<arrow::io::InputStream> stream(Watch watch = {}) const;

  /// The same with random access; what was compressed lies in memory.
  std::shared_ptr<arrow::io::RandomAccessFile> random() const;

  /// The whole file, decompressed.
  std::string read_all() const;
  /// Its first `most` bytes, decompressed.
  std::string head(std::int64_t most) const;

  /// Throws DataError if a stream met a fault or the limit, or if the file is not what it was when
  /// it was opened. To be called when everything has been read.
  void check() const;

 private:
  struct Faults;

  void settle_compression();

  std::filesystem::path path_;
  std::int64_t budget_ = 0;
  bool of_limit_ = false;       ///< budget_ is what the caller allows, not what memory does
  std::int64_t allocated_ = 0;  ///< by Arrow, when the file was opened
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  int descriptor_ = -1;  ///< file_'s
  Identity identity_;
  arrow::Compression::type compression_ = arrow::Compression::UNCOMPRESSED;
  bool compression_unnamed_ = false;
  std::shared_ptr<Faults> faults_;
};

/// Throws DataError where nothing is at `path`, with the setting that names it ("path.data").
void refuse_missing(const std::filesystem::path& path, const std::string& key);

}  // namespace sluice
