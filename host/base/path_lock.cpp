#include "base/path_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// The process number that the holder has written, or "another".
std::string holder(int file) {
  char text[32] = {};
  const ssize_t got = ::pread(file, text, sizeof text - 1, 0);
  std::string number(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  number = number.substr(0, number.find_first_not_of("0123456789"));
  return number.empty() ? "another process" : "process " + number;
}

}  // namespace

PathLock::PathLock(const std::filesystem::path& path) : lock_(path.string() + ".lock") {
  for (;;) {
    descriptor_ = ::open(lock_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      throw DataError(fmt::format("{}: cannot be written ({}); choose another path.model",
                                  lock_.string(), std::generic_category().message(errno)));
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const std::string who = holder(descriptor_);
      ::close(descriptor_);
      throw DataError(fmt::format(
          "{}: {} is training into this path; wait for it, or choose another path.model",
          path.string(), who));
    }
    // The holder before may have removed the file between open and flock.
    struct stat ours {
    }, there{};
    if (::fstat(descriptor_, &ours) == 0 && ::stat(lock_.c_str(), &there) == 0 &&
        ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
      break;
    }
    ::close(descriptor_);
  }
  const std::string number = fmt::format("{}\n", ::getpid());
  [[maybe_unused]] const int cut = ::ftruncate(descriptor_, 0);
  [[maybe_unused]] const ssize_t told = ::pwrite(descriptor_, number.data(), number.size(), 0);
}

PathLock::~PathLock() {
  ::unlink(lock_.c_str());
  ::close(descriptor_);
}

}  // namespace sluice
