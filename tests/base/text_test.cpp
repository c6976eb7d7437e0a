#include "base/text.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(DisplayWidth, CountsChineseCharactersTwice) {
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("浏览量"), 6);
  EXPECT_EQ(display_width("é…"), 2);
  EXPECT_EQ(display_width("e\xcc\x81"), 1);
}

TEST(DisplayWidth, CountsBrokenUtf8ByTheByte) {
  EXPECT_EQ(display_width("a\xff"
                          "b"),
            3);
  EXPECT_EQ(display_width("\xe6\xb5"), 2);  // two of a character's three bytes
}

TEST(CutToWidth, NeverSplitsACharacterNorExceedsTheWidth) {
  EXPECT_EQ(cut_to_width("seasonal", 8), "seasonal");
  EXPECT_EQ(cut_to_width("seasonal", 5), "seas…");
  EXPECT_EQ(cut_to_width("成交金额", 8), "成交金额");
  EXPECT_EQ(cut_to_width("成交金额", 6), "成交…");
  EXPECT_EQ(pad_to_width("成交金额", 6), "成交… ");
  EXPECT_EQ(pad_to_width("ab", 4), "ab  ");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1437), "1,437");
  EXPECT_EQ(grouped(36500000), "36,500,000");
  EXPECT_EQ(grouped(-100), "-100");
  EXPECT_EQ(grouped(-12345), "-12,345");
}

TEST(HasWideCharacters, TellsChineseFromLatin) {
  EXPECT_TRUE(has_wide_characters("sales 下单"));
  EXPECT_FALSE(has_wide_characters("sales été"));
}

TEST(Wrapped, BreaksAtSpacesAndIndentsWhatFollows) {
  EXPECT_EQ(wrapped("one two three", 7), "one two\n  three");
  EXPECT_EQ(wrapped("one", 2), "one");
  EXPECT_EQ(wrapped("", 5), "");
  EXPECT_EQ(wrapped("浏览量 ab", 6), "浏览量\n  ab");
}

}  // namespace
}  // namespace sluice
