#include "base/output_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "base/path_lock.hpp"
#include "sluice/base/error.hpp"
#include "support/test_folder.hpp"

namespace {

int flock_error = 0;  ///< what flock fails with, as on a file system without locks
int flock_errors_left = 0;

}  // namespace

// In the place of the C library's; <fcntl.h> has a type of that name.
extern "C" int failing_flock(int descriptor, int operation) noexcept __asm__("flock");
extern "C" int failing_flock(int descriptor, int operation) noexcept {
  if (flock_errors_left > 0) {
    --flock_errors_left;
    errno = flock_error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
}

namespace sluice {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OutputFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = test_folder() / (std::string("sluice_output_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path at(const std::string& name) const { return folder_ / name; }
  static std::string text_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static void put(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  static void write(const fs::path& path, const std::string& text) {
    OutputFile file(path, "path.x");
    file.write(text);
    file.commit();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      all.push_back(entry.path().filename().string());
    }
    return all;
  }

  fs::path folder_;
};

TEST_F(OutputFiles, AppearWholeUnderTheirNameAndLeaveNothingElse) {
  {
    OutputFile file(at("a.csv"), "path.x");
    file.write("one");
    EXPECT_FALSE(fs::exists(at("a.csv")));
    file.write(" two");
    file.commit();
  }
  EXPECT_EQ(text_of(at("a.csv")), "one two");
  EXPECT_THAT(names(), ::testing::ElementsAre("a.csv"));
}

TEST_F(OutputFiles, WithoutCommitTheOldFileStays) {
  put(at("a"), "old");
  {
    OutputFile file(at("a"), "path.x");
    file.write("half");
  }
  EXPECT_EQ(text_of(at("a")), "old");
  EXPECT_THAT(names(), ::testing::ElementsAre("a"));
}

TEST_F(OutputFiles, KeepTheModeOfTheFileTheyReplace) {
  put(at("a"), "old");
  fs::permissions(at("a"), fs::perms::owner_read | fs::perms::owner_write);
  write(at("a"), "new");
  EXPECT_EQ(text_of(at("a")), "new");
  EXPECT_EQ(fs::status(at("a")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OutputFiles, ALinkStaysALinkAndItsFileIsWritten) {
  fs::create_directories(at("there"));
  put(at("there/real"), "old");
  fs::create_symlink("there/real", at("link"));
  write(at("link"), "new");
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_EQ(text_of(at("there/real")), "new");
}

TEST_F(OutputFiles, ADeviceIsWrittenAndNotReplaced) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = text_of(at("pipe")); });
  write(at("pipe"), "through");
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
}

TEST_F(OutputFiles, WhatAKilledWriterLeftIsRemovedAndALivingOnesFileIsNot) {
  put(at(".a.0123456789abcdef.tmp"), "of a killed process");
  put(at(".a.notes.tmp"), "somebody's");
  put(at(".ab.0123456789abcdef.tmp"), "of another path");
  OutputFile living(at("a"), "path.x");
  living.write("living");
  write(at("a"), "other");
  EXPECT_FALSE(fs::exists(at(".a.0123456789abcdef.tmp")));
  EXPECT_TRUE(fs::exists(at(".a.notes.tmp")));
  EXPECT_TRUE(fs::exists(at(".ab.0123456789abcdef.tmp")));
  living.commit();
  EXPECT_EQ(text_of(at("a")), "living");
}

TEST_F(OutputFiles, TwoWritersOfOnePathEachWriteTheirOwnFile) {
  OutputFile one(at("a"), "path.x"), two(at("a"), "path.x");
  EXPECT_NE(one.place(), two.place());
  one.write("1");
  two.write("22");
  two.commit();
  one.commit();
  EXPECT_EQ(text_of(at("a")), "1");
}

TEST_F(OutputFiles, TheLongestNameOfAFileIsPossible) {
  const std::string name(255, 'n');
  write(at(name), "x");
  EXPECT_EQ(text_of(at(name)), "x");
}

TEST_F(OutputFiles, WhatCannotBeWrittenIsNamedWithReasonAndSetting) {
  fs::create_directories(at("folder"));
  try {
    OutputFile(at("folder"), "path.x");
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("folder: cannot be written (Is a directory)"));
    EXPECT_THAT(e.what(), HasSubstr("path.x"));
  }
  put(at("file"), "");
  EXPECT_THROW(OutputFile(at("file/below"), "path.x"), DataError);
  EXPECT_THROW(write("/dev/full", "x"), DataError);
}

TEST_F(OutputFiles, WithoutLocksOfTheFileSystemAreWrittenAllTheSameAndLeaveNothing) {
  for (const int error : {ENOLCK, EOPNOTSUPP, EINTR}) {
    flock_error = error;
    flock_errors_left = error == EINTR ? 1 : 1'000'000;
    write(at("a"), "written");
    { const PathLock lock(at("model")); }
    flock_errors_left = 0;
    EXPECT_EQ(text_of(at("a")), "written") << error;
    EXPECT_THAT(names(), ::testing::ElementsAre("a")) << error;
  }
}

// It cannot be known whether its writer still lives.
TEST_F(OutputFiles, WithoutLocksOfTheFileSystemNobodysTemporaryFileIsRemoved) {
  put(at(".a.0123456789abcdef.tmp"), "of a living process");
  flock_error = ENOLCK;
  flock_errors_left = 1'000'000;
  write(at("a"), "written");
  flock_errors_left = 0;
  EXPECT_TRUE(fs::exists(at(".a.0123456789abcdef.tmp")));
}

TEST_F(OutputFiles, AbandonedOnesOfALinksFileAreRemovedBesideTheFile) {
  fs::create_directories(at("there"));
  fs::create_symlink("there/real", at("link"));
  put(at("there/.real.0123456789abcdef.tmp"), "of a killed process");
  remove_abandoned(at("link"));
  EXPECT_TRUE(fs::is_empty(at("there")));
}

TEST_F(OutputFiles, AFileOfSomebodyThatHasALocksNameIsKept) {
  for (const char* text :
       {"my notes", "12 apples\n", "12", "\n", "12\n13\n", "123456789012345678901234567890\n"}) {
    put(at("model.lock"), text);
    try {
      PathLock lock(at("model"));
      FAIL() << text;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("model.lock: is no lock of a training"));
    }
    EXPECT_EQ(text_of(at("model.lock")), text);
  }
}

TEST_F(OutputFiles, APathIsLockedForOneAtATime) {
  {
    const PathLock lock(at("model"));
    try {
      PathLock again(at("model"));
      FAIL();
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("process " + std::to_string(::getpid()) + " is training"));
    }
    const PathLock other(at("other"));
  }
  const PathLock lock(at("model"));
}

TEST_F(OutputFiles, AFileThatLinksLeadToIsLockedForAllOfThem) {
  fs::create_directories(at("there"));
  fs::create_symlink("there/model", at("link"));
  fs::create_symlink("link", at("again"));
  for (const char* name : {"there/model", "link", "again"}) {
    const PathLock lock(at(name));
    for (const char* other : {"there/model", "link", "again"}) {
      EXPECT_THROW(PathLock(at(other)), DataError) << name << " " << other;
    }
  }
  EXPECT_THAT(names(), ::testing::UnorderedElementsAre("again", "link", "there"));
  EXPECT_TRUE(fs::is_empty(at("there")));
}

TEST_F(OutputFiles, ALockFileOfADeadProcessDoesNotLock) {
  put(at("model.lock"), "1\n");
  { const PathLock lock(at("model")); }
  EXPECT_THAT(names(), IsEmpty());
}

}  // namespace
}  // namespace sluice
