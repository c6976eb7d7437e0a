#include "sluice/base/error.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::string_literals;

TEST(Error, AZeroByteDoesNotCutTheMessage) {
  EXPECT_STREQ(DataError("f.parquet: no column 'a\0b'; \0"s).what(),
               "f.parquet: no column 'a\\x00b'; \\x00");
  EXPECT_STREQ(ConfigError("nothing to show").what(), "nothing to show");
  EXPECT_EQ(DataError("\0"s).exit_code(), 3);
}

}  // namespace
}  // namespace sluice
