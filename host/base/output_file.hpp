// A file that appears under its name when it is whole and on disk, not before.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace sluice {

/// Owns a temporary file beside `path` until commit() gives it its name, or the destructor removes
/// it. What earlier, killed processes left for the same path is removed first. Links are followed,
/// an existing file's mode is kept, and what is no regular file (a device, a pipe) is written
/// directly.
class OutputFile {
 public:
  /// Makes the folder and opens the file. `purpose` is the setting to be changed where that fails
  /// ("path.model"). Throws DataError.
  OutputFile(const std::filesystem::path& path, std::string_view purpose);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Where to write, for what opens files by name.
  const std::filesystem::path& place() const { return place_; }
  /// For what writes to a descriptor; stays this object's.
  int descriptor() const { return descriptor_; }

  /// Has the disk keep room for so many bytes, which write() then fills and the file system gives
  /// back otherwise. Where it cannot promise any, nothing happens. Throws DataError if there is no
  /// such room, or this process may not write so much into a file (ulimit -f), which no disk tells.
  void reserve(std::size_t bytes);
  void write(std::string_view bytes);
  /// Syncs the file, gives it its name and syncs the folder. Throws DataError; then the file of
  /// that name is the old one, but where the error says that only its folder is not on disk.
  void commit();

 private:
  [[noreturn]] void refuse(int error) const;
  void make_temporary(const std::filesystem::path& folder);

  std::filesystem::path path_;   ///< as given, for messages
  std::filesystem::path final_;  ///< links followed
  std::filesystem::path place_;
  std::string purpose_;
  int descriptor_ = -1;
  bool temporary_ = false;
};

/// Removes the temporary files that earlier, killed processes left for `path`.
void remove_abandoned(const std::filesystem::path& path);

}  // namespace sluice
