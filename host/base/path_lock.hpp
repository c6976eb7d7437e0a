// One writer at a time for a path.
#pragma once

#include <filesystem>

namespace sluice {

/// Holds "<path>.lock" while it lives. The system lets go of it when the process dies, however it
/// dies: a lock file that is left behind does not lock.
class PathLock {
 public:
  /// Throws DataError naming the process that holds it.
  explicit PathLock(const std::filesystem::path& path);
  ~PathLock();
  PathLock(const PathLock&) = delete;
  PathLock& operator=(const PathLock&) = delete;

 private:
  std::filesystem::path lock_;
  int descriptor_ = -1;
};

}  // namespace sluice
