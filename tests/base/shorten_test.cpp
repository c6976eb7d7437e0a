#include "base/shorten.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(Shortened, KeepsWhatAPersonCanReadAsItIs) {
  const std::string path = "/" + std::string(999, 'p');
  for (const std::string& text : {std::string(), std::string(" a\n\nb "), path + " " + path + "\n"})
    EXPECT_EQ(shortened(text), text);
}

TEST(Shortened, CutsALongWordInItsMiddleAndSaysHowMuch) {
  const std::string word = std::string(1'000'000, 'a') + "z";
  EXPECT_EQ(shortened("no column '" + word + "'; set data.id"),
            "no column '" + std::string(665, 'a') + "…(999172 bytes left out)…" +
                std::string(163, 'a') + "z'; set data.id");
}

TEST(Shortened, CutsALongTextOfShortWordsButNotItsRemedy) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "word ";
  const std::string shown = shortened(text + "; set data.id");
  EXPECT_LT(shown.size(), 6000u);
  EXPECT_TRUE(shown.starts_with("word word "));
  EXPECT_TRUE(shown.ends_with("word ; set data.id"));
}

TEST(Shortened, CutsNoCharacter) {
  std::string word;
  for (int i = 0; i < 1000; ++i) word += "价";
  const std::string shown = shortened(word);
  EXPECT_TRUE(shown.starts_with("价价"));
  const std::size_t cut = shown.find("…(");
  EXPECT_EQ(cut, 666u);                                     // 222 characters of three bytes
  EXPECT_TRUE(shown.ends_with("…" + word.substr(0, 165)));  // 55 of them
  EXPECT_NE(shown.find("(2169 bytes left out)"), std::string::npos) << shown;
}

}  // namespace
}  // namespace sluice
