#include "base/input_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::MatchesRegex;

class InputFile : public ::testing::Test {
 protected:
  InputFile() { fs::create_directories(folder_); }
  ~InputFile() override { fs::remove_all(folder_); }

  fs::path write(const std::string& bytes) const {
    const fs::path path = folder_ / "file";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  const fs::path folder_ =
      fs::path(::testing::TempDir()) / ("sluice_input_file_" + std::to_string(::getpid()));
};

std::string refusal_of(const fs::path& path) {
  try {
    bytes_of(path, "ask for it");
  } catch (const DataError& e) {
    return e.what();
  }
  return "read";
}

TEST_F(InputFile, AllOfItsBytesAreReadOrTheFirstOnes) {
  std::string bytes(100'000, 'a');
  bytes[70'000] = '\0', bytes.back() = 'z';
  const fs::path path = write(bytes);
  EXPECT_EQ(bytes_of(path, ""), bytes);
  EXPECT_EQ(bytes_of(path, "", 70'002), bytes.substr(0, 70'002));
  EXPECT_EQ(bytes_of(path, "", 0), "");
  EXPECT_EQ(bytes_of(write(""), ""), "");
}

TEST_F(InputFile, BlocksAreItsBytesInOrder) {
  std::string bytes((std::size_t{3} << 20) + 5, 'a');
  for (std::size_t i = 0; i < bytes.size(); i += 1'000) bytes[i] = static_cast<char>('b' + i % 7);
  std::string joined;
  std::vector<std::size_t> sizes;
  read_blocks(write(bytes), "", [&](std::string_view block) {
    joined += block;
    sizes.push_back(block.size());
  });
  EXPECT_EQ(joined, bytes);
  const std::size_t whole = std::size_t{1} << 20;
  EXPECT_THAT(sizes, ElementsAre(whole, whole, whole, 5u));
}

TEST_F(InputFile, AnEndBeforeThatOfTheFileIsRefused) {
  // The kernel gives these files a page and fills a part of it.
  const fs::path path = "/sys/kernel/mm/transparent_hugepage/enabled";
  std::error_code none;
  if (!fs::exists(path, none)) GTEST_SKIP() << path << " is not there";
  EXPECT_THAT(refusal_of(path),
              MatchesRegex(path.string() + ": cannot be read \\(it ended after [0-9]+ of "
                                           "[0-9]+ bytes\\); ask for it"));
  EXPECT_EQ(bytes_of(path, "", 3).size(), 3u);
}

TEST_F(InputFile, WhatCannotBeReadIsRefusedWithTheSystemsReasonAndTheRemedy) {
  const fs::path missing = folder_ / "none";
  EXPECT_EQ(refusal_of(missing),
            missing.string() + ": cannot be read (No such file or directory); ask for it");
  EXPECT_EQ(refusal_of(folder_),
            folder_.string() + ": cannot be read (Is a directory); ask for it");
}

}  // namespace
}  // namespace sluice
