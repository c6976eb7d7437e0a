// One writer at a time for a path.
#pragma once

#include <filesystem>
#include <string_view>

namespace sluice {

/// Locks an open file for this process alone, without waiting. 0, or errno: EWOULDBLOCK where
/// another holds it, others where the file system has no locks (NFS without its daemon, Lustre
/// without `-o flock`).
int lock_error(int descriptor);

/// "<path>.lock", of a link that of the file it leads to: one file has one lock.
std::filesystem::path lock_path(const std::filesystem::path& path);

/// What a lock is held for, in words.
struct LockedWork {
  std::string_view doing, noun;
};
inline constexpr LockedWork kTrainingWork{"training", "a training"};
inline constexpr LockedWork kForecastWork{"forecasting", "a forecast"};

/// Holds lock_path(path) while it lives. The system lets go of it when the process dies, however it
/// dies: a lock file that is left behind does not lock. Where the file system has no locks it warns
/// and holds nothing.
class PathLock {
 public:
  /// Throws DataError naming the process that holds it, or where the file is somebody's own.
  /// `setting` is the one that names the path, `work` what is done there.
  explicit PathLock(const std::filesystem::path& path, std::string_view setting = "path.model",
                    LockedWork work = kTrainingWork);
  ~PathLock();
  PathLock(const PathLock&) = delete;
  PathLock& operator=(const PathLock&) = delete;

 private:
  std::filesystem::path lock_;
  int descriptor_ = -1;
};

}  // namespace sluice
