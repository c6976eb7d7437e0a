// Atomic file replacement with POSIX calls: only fsync and rename give the promise.
#include "run/checkpoint/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  /// True if the system took everything.
  bool close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view purpose, int error) {
  throw DataError(fmt::format("{}: cannot be written ({}); make room or choose another {}",
                              path.string(), std::generic_category().message(error), purpose));
}

}  // namespace

void write_atomically(const std::filesystem::path& path, std::span<const std::string_view> parts,
                      std::string_view purpose) {
  const std::filesystem::path directory =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code made;
  std::filesystem::create_directories(directory, made);
  if (made) refuse(path, purpose, made.value());

  // The process id keeps two writers apart; the rename decides which one's file stays.
  const std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) refuse(path, purpose, errno);
  bool good = true;
  for (const std::string_view part : parts) good = good && write_all(file.get(), part);
  good = good && ::fsync(file.get()) == 0;
  good = good && file.close();
  good = good && ::rename(temporary.c_str(), path.c_str()) == 0;
  if (!good) {
    const int error = errno;
    ::unlink(temporary.c_str());
    refuse(path, purpose, error);
  }
  // The name itself must reach the disk too.
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0 || (::fsync(folder.get()) != 0 && errno != EINVAL)) {
    refuse(path, purpose, errno);
  }
}

}  // namespace sluice
