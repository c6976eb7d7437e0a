// POSIX calls: only fsync and rename give the promise, and only O_EXCL and O_NOFOLLOW keep a file
// that somebody else has put there from being written.
#include "base/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <system_error>

#include "base/links.hpp"
#include "base/path_lock.hpp"
#include "base/text.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 100;
constexpr std::string_view kEnding = ".tmp";
constexpr std::size_t kRandom = 16;  // hexadecimal digits

/// ".model.safetensors." of "runs/model.safetensors": the random part follows.
std::string beginning_of(const fs::path& path) {
  constexpr std::size_t kMost = 255 - 2 - kRandom - kEnding.size();  // of a file's name
  return fmt::format(".{}.", path.filename().string().substr(0, kMost));
}

bool is_temporary_of(const std::string& name, const std::string& beginning) {
  return name.size() == beginning.size() + kRandom + kEnding.size() &&
         name.starts_with(beginning) && name.ends_with(kEnding) &&
         name.find_first_not_of("0123456789abcdef", beginning.size()) == beginning.size() + kRandom;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

}  // namespace

// A temporary file is locked as long as its writer lives: what can be locked belongs to nobody.
void remove_abandoned(const fs::path& path) {
  const fs::path target = followed(path);
  const std::string beginning = beginning_of(target);
  std::error_code error;
  for (fs::directory_iterator entry(folder_of(target), error), end; !error && entry != end;
       entry.increment(error)) {
    if (!is_temporary_of(entry->path().filename().string(), beginning)) continue;
    const int file = ::open(entry->path().c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) continue;
    if (lock_error(file) == 0) ::unlink(entry->path().c_str());
    ::close(file);
  }
}

OutputFile::OutputFile(const fs::path& path, std::string_view purpose)
    : path_(path), purpose_(purpose) {
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) refuse(EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    place_ = path_;
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) refuse(errno);
    return;
  }
  final_ = followed(path_);
  const fs::path folder = folder_of(final_);
  std::error_code made;
  fs::create_directories(folder, made);
  if (made) refuse(made.value());
  remove_abandoned(final_);
  make_temporary(folder);
  if (exists) {
    // A file of another owner may still be replaced by one of ours; its group and mode are kept
    // where the system lets us.
    [[maybe_unused]] const int owned = ::fchown(descriptor_, static_cast<uid_t>(-1), status.st_gid);
    ::fchmod(descriptor_, status.st_mode & 07777);
  }
}

OutputFile::~OutputFile() {
  if (temporary_) ::unlink(place_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputFile::make_temporary(const fs::path& folder) {
  std::random_device random;
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t number = std::uint64_t{random()} << 32 | random();
    place_ = folder / fmt::format("{}{:016x}{}", beginning_of(final_), number, kEnding);
    descriptor_ =
        ::open(place_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) refuse(errno);
    if (descriptor_ < 0) continue;
    struct stat status {};
    // Between open and lock another process may have taken it for abandoned. Where there are no
    // locks, none will.
    const bool mine = lock_error(descriptor_) != EWOULDBLOCK;
    const bool known = ::fstat(descriptor_, &status) == 0;
    const int error = errno;
    if (mine && known && status.st_nlink > 0) {
      temporary_ = true;
      return;
    }
    if (mine && !known) ::unlink(place_.c_str());
    ::close(descriptor_);
    descriptor_ = -1;
    if (!known) refuse(error);
  }
  refuse(EEXIST);
}

void OutputFile::reserve(std::size_t bytes) {
  if (!temporary_ || bytes == 0) return;
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
      bytes > limit.rlim_cur) {
    throw DataError(fmt::format(
        "{}: may take {} bytes, and this process may write files of {} at most (ulimit -f); allow "
        "it more",
        path_.string(), grouped(static_cast<std::int64_t>(bytes)),
        grouped(static_cast<std::int64_t>(limit.rlim_cur))));
  }
  int error = 0;
  do {
    const bool kept =
        ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0;
    error = kept ? 0 : errno;
  } while (error == EINTR);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) refuse(error);
}

void OutputFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::commit() {
  if (!temporary_) return;
  if (::fsync(descriptor_) != 0) refuse(errno);
  if (::rename(place_.c_str(), final_.c_str()) != 0) refuse(errno);
  temporary_ = false;
  // The name itself must reach the disk too.
  const fs::path folder = folder_of(final_);
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && (::fsync(directory) == 0 || errno == EINVAL);
  const int error = errno;
  if (directory >= 0) ::close(directory);
  if (!synced) {
    throw DataError(
        fmt::format("{}: is written, but the system could not put its name on disk ({}): a power "
                    "cut may bring the old file back; look at the disk, and write it again",
                    path_.string(), std::generic_category().message(error)));
  }
}

void OutputFile::refuse(int error) const {
  throw DataError(fmt::format("{}: cannot be written ({}); make room or choose another {}",
                              path_.string(), std::generic_category().message(error), purpose_));
}

}  // namespace sluice
