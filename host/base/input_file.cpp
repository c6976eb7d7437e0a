// POSIX calls: a stream of the C++ library that fails does not say why.
#include "base/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// An open file, with a position.
class Reader {
 public:
  Reader(const std::filesystem::path& path, std::string_view remedy)
      : path_(path), remedy_(remedy), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) refuse();
  }
  ~Reader() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// As many as it gets of the next `size` bytes; 0 at the end.
  std::size_t read(char* to, std::size_t size) {
    for (;;) {
      const ssize_t got = ::read(descriptor_, to, size);
      if (got == 0 && size > 0) check_end();
      if (got >= 0) {
        at_ += got;
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) refuse();
    }
  }

 private:
  /// A checksum of the bytes up to an end that is none would be one of another file.
  void check_end() const {
    struct stat about = {};
    if (::fstat(descriptor_, &about) != 0) refuse();
    if (!S_ISREG(about.st_mode) || at_ >= about.st_size) return;
    throw DataError(fmt::format("{}: cannot be read (it ended after {} of {} bytes); {}",
                                path_.string(), at_, std::int64_t{about.st_size}, remedy_));
  }

  [[noreturn]] void refuse() const {
    throw DataError(fmt::format("{}: cannot be read ({}); {}", path_.string(),
                                std::generic_category().message(errno), remedy_));
  }

  const std::filesystem::path& path_;
  std::string_view remedy_;
  int descriptor_;
  std::int64_t at_ = 0;
};

constexpr std::size_t kBlock = std::size_t{1} << 20, kSmallBlock = std::size_t{1} << 14;

}  // namespace

void read_blocks(const std::filesystem::path& path, std::string_view remedy,
                 const std::function<void(std::string_view)>& take) {
  Reader reader(path, remedy);
  std::string block(kBlock, '\0');
  for (bool more = true; more;) {
    std::size_t filled = 0;
    while (filled < block.size() && more) {
      const std::size_t got = reader.read(block.data() + filled, block.size() - filled);
      filled += got;
      more = got > 0;
    }
    if (filled > 0) take(std::string_view(block).substr(0, filled));
  }
}

std::string bytes_of(const std::filesystem::path& path, std::string_view remedy, std::size_t most) {
  Reader reader(path, remedy);
  std::string bytes;
  char block[kSmallBlock];
  while (const std::size_t got = reader.read(block, std::min(kSmallBlock, most - bytes.size()))) {
    bytes.append(block, got);
  }
  return bytes;
}

}  // namespace sluice
