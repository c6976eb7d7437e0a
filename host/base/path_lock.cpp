#include "base/path_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

#include "base/links.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

/// The process number that a holder has written, with its line's end. Empty: nothing is written
/// yet. nullopt: no holder wrote this.
std::optional<std::string> holder(int file) {
  struct stat status {};
  char text[24] = {};
  const ssize_t got = ::pread(file, text, sizeof text, 0);
  if (got < 0 || ::fstat(file, &status) != 0 || status.st_size != got) return std::nullopt;
  const std::string number(text, static_cast<std::size_t>(got));
  if (number.empty()) return number;
  const bool line = number.size() > 1 && number.ends_with('\n') &&
                    number.find_first_not_of("0123456789") == number.size() - 1;
  if (!line) return std::nullopt;
  return number;
}

}  // namespace

int lock_error(int descriptor) {
  for (;;) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

std::filesystem::path lock_path(const std::filesystem::path& path) {
  return followed(path).string() + ".lock";
}

PathLock::PathLock(const std::filesystem::path& path, std::string_view setting, LockedWork work)
    : lock_(lock_path(path)) {
  for (;;) {
    descriptor_ = ::open(lock_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
      throw DataError(fmt::format("{}: cannot be written ({}); choose another {}", lock_.string(),
                                  std::generic_category().message(errno), setting));
    }
    const int error = lock_error(descriptor_);
    const std::optional<std::string> number = holder(descriptor_);
    if (error == EWOULDBLOCK) {
      ::close(descriptor_);
      throw DataError(fmt::format(
          "{}: {} is {} into this path; wait for it, or choose another {}", path.string(),
          number.value_or("").empty() ? "another process"
                                      : "process " + number->substr(0, number->size() - 1),
          work.doing, setting));
    }
    if (!number) {
      ::close(descriptor_);
      throw DataError(
          fmt::format("{}: is no lock of {}, whose name it has; move it, or choose another {}",
                      lock_.string(), work.noun, setting));
    }
    if (error != 0) {
      log_warning(
          fmt::format("{}: its file system has no locks ({}): nothing keeps {} of another process "
                      "from the path",
                      path.string(), std::generic_category().message(error), work.noun));
      break;
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
