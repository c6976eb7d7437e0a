#include "engine/shared/step_array.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& folder, std::size_t bytes, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG || error == ENOMEM;
  throw DataError(fmt::format(
      "{}: {} file of {:.3g} GB, which takes the place of memory ({}); name {} in TMPDIR, or give "
      "the process more memory",
      folder.string(), full ? "no room for a" : "there can be no", static_cast<double>(bytes) / 1e9,
      std::generic_category().message(error), full ? "a folder with more room" : "another folder"));
}

/// A file of which the folder has no entry.
int open_nameless(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return descriptor;
  std::string name = (folder / ".sluice.XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

void advise(const void* data, std::size_t bytes, int advice) {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto at = reinterpret_cast<std::uintptr_t>(data), begin = at / page * page;
  // Advice: that a system does not take it changes no number.
  ::madvise(reinterpret_cast<void*>(begin), at + bytes - begin, advice);
}

}  // namespace

void advise_scattered(const void* data, std::size_t bytes) { advise(data, bytes, MADV_RANDOM); }

void advise_needed(const void* data, std::size_t bytes) { advise(data, bytes, MADV_WILLNEED); }

fs::path scratch_folder() {
  const char* named = std::getenv("TMPDIR");
  return named != nullptr && *named != '\0' ? fs::path(named) : fs::path("/var/tmp");
}

MappedPages::MappedPages(std::size_t bytes) : bytes_(bytes) {
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  ::madvise(data, bytes, MADV_HUGEPAGE);  // advice, which a system may not take
  data_ = data;
}

MappedPages::MappedPages(const fs::path& folder, std::size_t bytes) : bytes_(bytes) {
  const int descriptor = open_nameless(folder);
  if (descriptor < 0) refuse(folder, bytes, errno);
  // Its room now, and not when a page is written: that would be a signal.
  int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes));
  void* data = MAP_FAILED;
  if (error == 0) {
    data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (data == MAP_FAILED) error = errno;
  }
  ::close(descriptor);
  if (error != 0) refuse(folder, bytes, error);
  data_ = data;
}

MappedPages::~MappedPages() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace sluice
