#include "base/status_line.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/text.hpp"

namespace sluice {
namespace {

TEST(StatusText, SaysWhatIsDoneAndWhenTheRestWillBe) {
  EXPECT_EQ(status_text("rows", 0, 2000, 0), "[------------]   0 %  0 of 2,000 rows");
  EXPECT_EQ(status_text("rows", 500, 2000, 30.2),
            "[###---------]  25 %  ETA 1:31  500 of 2,000 rows");
  EXPECT_EQ(status_text("rows", 1, 2000, 2), "[------------]   0 %  ETA 1:06:38  1 of 2,000 rows");
  EXPECT_EQ(status_text("rows", 2000, 2000, 120), "[############] 100 %  2,000 of 2,000 rows");
  EXPECT_EQ(status_text("rows", 0, 0, 0), "[############] 100 %  0 of 0 rows");
}

TEST(StatusText, FitsALineOfATerminal) {
  EXPECT_EQ(display_width(status_text(std::string(200, 'x'), 1, 2, 1)), 79);
}

}  // namespace
}  // namespace sluice
