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

TEST(CutLines, CutsEachLineAndNoLineBreak) {
  EXPECT_EQ(cut_lines("seasonal\nlag\n\nnaive", 5), "seas…\nlag\n\nnaive");
  EXPECT_EQ(cut_lines("seasonal\n", 5), "seas…\n");
}

TEST(Printable, ShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(printable("Büro 浏览量\n\tx"), "Büro 浏览量\n\tx");
  EXPECT_EQ(printable("a\x1b[31mred\rb\x7f"), "a\\x1b[31mred\\x0db\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\x9b");              // CSI as one character
  EXPECT_EQ(printable("\xe0\x82\x9b"), "\\x9b");          // the same, written too long
  EXPECT_EQ(printable("\xe2\x80\xaegnp"), "\\u202egnp");  // letters from right to left
  EXPECT_EQ(printable("\xff\xe6\xb5"), "\\xff\\xe6\\xb5");
}

TEST(ShellQuoted, IsOneWordOfAShellWhateverItHolds) {
  EXPECT_EQ(shell_quoted("runs/model.safetensors"), "runs/model.safetensors");
  EXPECT_EQ(shell_quoted("销售.csv"), "销售.csv");
  EXPECT_EQ(shell_quoted("my sales.csv"), "'my sales.csv'");
  EXPECT_EQ(shell_quoted("a;rm -rf $HOME"), "'a;rm -rf $HOME'");
  EXPECT_EQ(shell_quoted("Joe's"), "'Joe'\\''s'");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("~/a"), "'~/a'");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1437), "1,437");
  EXPECT_EQ(grouped(36500000), "36,500,000");
  EXPECT_EQ(grouped(-100), "-100");
  EXPECT_EQ(grouped(-12345), "-12,345");
}

TEST(InColumn, LeavesABlankBeforeEveryNumber) {
  EXPECT_EQ(in_column(0.98765, 4, 8), "  0.9877");
  EXPECT_EQ(in_column(99.98765, 4, 8), " 99.9877");
  EXPECT_EQ(in_column(999.98765, 4, 8), " 1.0e+03");
  EXPECT_EQ(in_column(122.14, 1, 9, "%"), "   122.1%");
  EXPECT_EQ(in_column(11973122.1, 1, 9, "%"), " 1.2e+07%");
  EXPECT_EQ(in_column(-11973122.1, 1, 9, "%"), "  -1e+07%");
  EXPECT_EQ(in_column(-1.5e300, 1, 9), "  -2e+300");
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
