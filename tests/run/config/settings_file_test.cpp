// What may stand in a file of settings or after a flag, whatever the key.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/config.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string error_of_flag(const std::string& key, const std::string& value) {
  try {
    load_config({}, {{key, value}});
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

/// What is said of a file of settings with these bytes, after the file's name.
std::string file_error(const std::string& bytes) {
  const auto path = temporary("settings.toml");
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    load_config(path, {});
  } catch (const ConfigError& e) {
    return std::string(e.what()).substr(path.string().size());
  }
  return "no error";
}

TEST(SettingsFile, AnEmptyPathIsRefusedByItsKey) {
  for (const char* key : {"path.model", "path.log", "path.forecast", "path.report"}) {
    EXPECT_EQ(error_of_flag(key, ""), fmt::format("--{} must be a path, got \"\"", key));
  }
  EXPECT_EQ(file_error("[path]\nmodel = ''\n"), ":2: path.model must be a path, got \"\"");
  EXPECT_EQ(error_of_flag("path.scores", ""), "no error");
  EXPECT_EQ(error_of_flag("path.figures", ""), "no error");
}

// Data given for settings, or a device without an end, which filled the memory.
TEST(SettingsFile, AFileThatIsTooLargeForSettingsIsNotReadToItsEnd) {
  const auto path = temporary("large.toml");
  std::ofstream(path) << "[data]\n";
  std::filesystem::resize_file(path, std::uintmax_t{9} << 20);
  for (const std::filesystem::path& large : {path, std::filesystem::path("/dev/zero")}) {
    try {
      load_config(large, {});
      FAIL() << "no error";
    } catch (const ConfigError& e) {
      EXPECT_EQ(e.what(), large.string() +
                              ": it has more than 8388608 bytes, the most that "
                              "settings have; is it the file that was meant?");
    }
  }
}

TEST(SettingsFile, AnEmptyPathOfAListIsNoneAndAmongOthersRefused) {
  for (const char* key : {"path.data", "path.future", "path.statics"}) {
    EXPECT_EQ(error_of_flag(key, "a.csv,"),
              fmt::format("--{} must be a list of paths, got \"\" in it", key));
    EXPECT_EQ(error_of_flag(key, ""), "no error");
  }
  const Config config =
      parse_config("[path]\ndata = \"\"\nfuture = \"\"\nstatics = [\"a.csv\"]\n", "a");
  EXPECT_TRUE(config.path.data.empty());
  EXPECT_TRUE(config.path.future.empty());
  EXPECT_EQ(config.path.statics, std::vector<std::string>{"a.csv"});
}

TEST(SettingsFile, ATextWithNulIsRefusedWholeByItsKey) {
  EXPECT_EQ(file_error("[data]\nid = \"a\\u0000b\"\n"),
            ":2: data.id: the text has the character NUL (\\u0000), which no name can have; "
            "leave it out");
}

TEST(SettingsFile, OtherEncodingsAreNamedWithTheirConversion) {
  using namespace std::string_literals;
  EXPECT_EQ(file_error("[data]\nid = \"Gr\xc3\xb6\xc3\x9f\x65\"\n"), "no error");
  EXPECT_EQ(file_error("\xef\xbb\xbf[data]\nid = \"a\"\n"), "no error");
  EXPECT_THAT(
      file_error("\xff\xfe[\0d\0"s),
      AllOf(HasSubstr("is not UTF-8, as TOML is, but UTF-16"), HasSubstr("iconv -f UTF-16")));
  EXPECT_THAT(file_error("[data]\nid = \"Gr\xf6\xdf\x65\"\n"), HasSubstr("iconv -f CP1252"));
}

TEST(SettingsFile, AFileThatCannotBeReadToItsEndIsNamed) {
  try {
    load_config("/proc/self/mem", {});  // opens, and gives no byte at 0
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("/proc/self/mem: cannot be read (Input/output error)"));
  }
}

}  // namespace
}  // namespace sluice
