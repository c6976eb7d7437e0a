// Files for tests: a folder of its own for each test, removed at its end.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "sluice/base/error.hpp"

namespace sluice {

class WithFiles : public testing::Test {
 protected:
  WithFiles() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              (std::string("sluice_") + test->test_suite_name() + "_" + test->name() + "_" +
               std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~WithFiles() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::filesystem::path file(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(path(name).parent_path());
    std::ofstream out(path(name), std::ios::binary);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    return path(name);
  }
  static std::string text_of(const std::filesystem::path& name) {
    std::ifstream in(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path folder_;
};

/// The text of the DataError that `action` throws, "" if it throws none. Without the folder.
template <typename Action>
std::string data_error(Action action) {
  try {
    action();
  } catch (const DataError& e) {
    std::string text = e.what();
    const std::string folders = std::filesystem::temp_directory_path().string() + "/sluice_";
    for (std::size_t at; (at = text.find(folders)) != std::string::npos;) {
      text.erase(at, text.find('/', at + folders.size()) + 1 - at);
    }
    return text;
  }
  return "";
}

}  // namespace sluice
