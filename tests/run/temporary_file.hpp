// Files of a test, in the test's own folder.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace sluice {

/// A path of this process alone.
inline std::filesystem::path temporary(const std::string& name) {
  const auto folder =
      std::filesystem::path(::testing::TempDir()) / fmt::format("sluice_run_{}", ::getpid());
  std::filesystem::create_directories(folder);
  return folder / name;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace sluice
