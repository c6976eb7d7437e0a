// Where a test program puts its files: the same tests may run at once from another build.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace sluice {

/// A folder of this process alone, among the system's temporary ones; gone with the process.
inline const std::filesystem::path& test_folder() {
  struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("sluice_test_" + std::to_string(::getpid()));
    pid_t owner = ::getpid();
    Folder() { std::filesystem::create_directories(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
      std::error_code ignored;
      if (::getpid() == owner) std::filesystem::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path;
}

}  // namespace sluice
