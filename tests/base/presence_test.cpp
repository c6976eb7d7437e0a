#include "base/presence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST(Presence, IsOfFilesAndFoldersAndOfNothing) {
  EXPECT_TRUE(is_there("/dev/null"));
  EXPECT_TRUE(is_there(std::filesystem::temp_directory_path()));
  EXPECT_FALSE(is_there("/nowhere/at/all"));
  EXPECT_FALSE(is_there("/dev/null/below/a/file"));
}

TEST(Presence, WhatTheSystemDoesNotTellIsAnError) {
  const std::string name(300, 'x');
  try {
    is_there(name);
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr(name + ": cannot be looked at (File name too long); check"));
  }
}

}  // namespace
}  // namespace sluice
