#include "line_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

constexpr mode_t kMode = 0666;

[[noreturn]] void fail(const std::string& file, const char* what, int error) {
  const char* remedy = error == ENOSPC || error == EDQUOT || error == EFBIG
                           ? "free space there, or name a file on another disk"
                           : "is the folder there, and may this user write to it?";
  throw Error(fmt::format("{}: cannot be {}: {}; {}", file, what,
                          std::generic_category().message(error), remedy),
              1);
}

}  // namespace

LineFile::LineFile(const std::string& file)
    : file_(file),
      descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, kMode)) {
  if (descriptor_ < 0) fail(file_, "opened", errno);
  // A line that an earlier program left half must not swallow the first of this one.
  const off_t size = ::lseek(descriptor_, 0, SEEK_END);
  char last = '\n';
  if (size > 0 && ::pread(descriptor_, &last, 1, size - 1) == 1 && last != '\n') append("");
}

LineFile::~LineFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void LineFile::append(const std::string& line) {
  const std::string text = line + '\n';
  const off_t before = ::lseek(descriptor_, 0, SEEK_END);
  for (std::size_t done = 0; done < text.size();) {
    const auto written = ::write(descriptor_, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      if (done > 0 && ::ftruncate(descriptor_, before) != 0) fail(file_, "shortened", errno);
      fail(file_, "written", error);
    }
    done += static_cast<std::size_t>(written);
  }
}

void expect_writable(const std::string& file) {
  struct stat facts {};
  const bool there = ::stat(file.c_str(), &facts) == 0;
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kMode);
  if (descriptor < 0) fail(file, "opened", errno);
  ::close(descriptor);
  if (!there) ::unlink(file.c_str());
}

}  // namespace sluice::bench
