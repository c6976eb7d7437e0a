// Numbers as people write them: what each word is worth, and when a column of them is read.
#include "data/table/numerals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "data/catalog/values.hpp"
#include "data/table/impl.hpp"
#include "data/temporary.hpp"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// NaN: no number.
double worth(std::string_view word, char decimal) {
  const auto reading = numerals::read(word, decimal);
  return reading ? reading->value : std::nan("");
}

TEST(Numeral, IsWorthWhatItsDecimalSignMakesOfIt) {
  const struct {
    const char* word;
    char decimal;
    double value;
  } cases[] = {
      {"1.234,50", ',', 1234.5},
      {"1,234.50", '.', 1234.5},
      {"1'234.5", '.', 1234.5},
      {"1 234,5", ',', 1234.5},
      {"1\u00A0234,5", ',', 1234.5},
      {"1\u202F234", '.', 1234},
      {"12,5", ',', 12.5},
      {"0,125", ',', 0.125},
      {"1234,567", ',', 1234.567},
      {"1.234.567", ',', 1234567},
      {"1,234,567", '.', 1234567},
      {"1.2e3", '.', 1200},
      {"1,2E+03", ',', 1200},
      {"-3,5", ',', -3.5},
      {"\u22123.5", '.', -3.5},
      {"(1,200)", '.', -1200},
      {"12%", '.', 12},
      {"12,5 %", ',', 12.5},
      {"R$ 1.234,50", ',', 1234.5},
      {"$5", '.', 5},
      {"-$5.25", '.', -5.25},
      {"$-5.25", '.', -5.25},
      {"1.234,50 €", ',', 1234.5},
      {"CHF 12", '.', 12},
      {"１２３", '.', 123},
      {"+5", '.', 5},
      {" 7 ", '.', 7},
      {"1,23,150.37", '.', 123150.37},
      {"12,34,56,789", '.', 123456789},
      {"(1.522,60) €", ',', -1522.6},
      {"$ (5)", '.', -5},
      {"873.83-", '.', -873.83},
      {"1.873,83-", ',', -1873.83},
      {"TRUE", '.', 1},
      {"false", ',', 0},
      {".5", '.', 0.5},
  };
  for (const auto& c : cases) EXPECT_EQ(worth(c.word, c.decimal), c.value) << c.word;
}

TEST(Numeral, IsNoneWhereDigitsMakeNoGroupsOrSignsRepeat) {
  for (const char* word :
       {"0x10",    "+-5",     "--5",      "(-5)",   "1,23,45", "123,45,678", "1,234,56,789",
        "12,34",   "0,123",   "1234,567", "1 23",   "1,234e3", "5%%",        "$5%",
        "#N/A",    "#DIV/0!", "-",        "",       "%",       "€",          "12:30",
        "2024-01", "1.2.3",   "5kg",      "1, 200", "١٢"}) {
    EXPECT_TRUE(std::isnan(worth(word, '.'))) << word;
  }
  for (const char* word : {"1.5", "0.123", "1.23.456", "1,5,5", "01.02.2024"}) {
    EXPECT_TRUE(std::isnan(worth(word, ','))) << word;
  }
}

class NumberColumns : public WithFiles {
 protected:
  /// The last column of a file with this text.
  std::vector<float> numbers(const std::string& text, char decimal = 0) {
    ReadOptions options;
    options.paths = {file("a.csv", text)};
    options.delimiter = 0;
    options.decimal = decimal;
    const Table table = read_table(options);
    remarks_ = table.impl().remarks;
    return read_numbers(table.impl(), static_cast<int>(table.impl().names.size()) - 1);
  }
  std::string error(const std::string& text, char decimal = 0) {
    return data_error([&] { numbers(text, decimal); });
  }
  std::vector<std::string> remarks_;
};

TEST_F(NumberColumns, DecimalCommasAreReadAndSaid) {
  EXPECT_THAT(numbers("d;y\n1;1000,5\n2;7\n3;0,25\n"), ElementsAre(1000.5f, 7, 0.25f));
  ASSERT_EQ(remarks_.size(), 2u);
  EXPECT_THAT(remarks_[0], HasSubstr("';' separates the fields"));
  EXPECT_THAT(remarks_[1],
              HasSubstr("column 'y': '1000,5' is read as 1000.5; data.decimal can say otherwise"));
  EXPECT_THAT(numbers("d;y\n1;1.234,50\n2;1.200\n"), ElementsAre(1234.5f, 1200));
}

TEST_F(NumberColumns, PlainNumbersAreReadWithoutAWord) {
  EXPECT_THAT(numbers("d,y\n1,1.5\n2,-2e3\n"), ElementsAre(1.5f, -2000));
  EXPECT_THAT(remarks_, IsEmpty());
}

TEST_F(NumberColumns, AGroupOfThreeAloneIsAnErrorWithBothReadings) {
  EXPECT_EQ(
      error("d,y\n1,5\n2,\"1,200\"\n"),
      "a.csv:3:y: '1,200' is not a number beyond doubt: set data.decimal to \".\" if it means "
      "1200, to \",\" if it means 1.2");
  EXPECT_THAT(numbers("d,y\n1,5\n2,\"1,200\"\n", '.'), ElementsAre(5, 1200));
  EXPECT_THAT(numbers("d,y\n1,5\n2,\"1,200\"\n", ','), ElementsAre(5, 1.2f));
}

TEST_F(NumberColumns, PointsBetweenSemicolonsThatMayBeThousandsAreAnErrorToo) {
  const std::string text = "d;y\n1;900\n2;1.200\n";
  EXPECT_THAT(error(text), HasSubstr("a.csv:3:y: '1.200' is not a number beyond doubt"));
  EXPECT_THAT(numbers(text, ','), ElementsAre(900, 1200));
  EXPECT_THAT(numbers(text, '.'), ElementsAre(900, 1.2f));
  EXPECT_THAT(numbers("d;y\n1;900\n2;1.20\n"), ElementsAre(900, 1.2f)) << "no thousands";
}

TEST_F(NumberColumns, PointsBeforeThreeDigitsInEveryCellAreAnErrorUnlessCommasSeparate) {
  for (const char delimiter : {'|', '\t', ';'}) {
    std::string text = "d?y\n1?3.000\n2?2.121\n3?950\n";
    std::replace(text.begin(), text.end(), '?', delimiter);
    EXPECT_THAT(error(text), HasSubstr("a.csv:2:y: '3.000' is not a number beyond doubt: set "
                                       "data.decimal to \".\" if it means 3, to \",\" if it means "
                                       "3000"))
        << delimiter;
    EXPECT_THAT(numbers(text, ','), ElementsAre(3000, 2121, 950)) << delimiter;
    EXPECT_THAT(numbers(text, '.'), ElementsAre(3, 2.121f, 950)) << delimiter;
  }
}

TEST_F(NumberColumns, BetweenCommasPointsBeforeThreeDigitsAreDecimalAndSaid) {
  EXPECT_THAT(numbers("d,y\n1,3.000\n2,2.121\n3,950\n"), ElementsAre(3, 2.121f, 950));
  EXPECT_THAT(remarks_, ElementsAre(HasSubstr("every point in 'y' stands before three digits")));
  EXPECT_THAT(numbers("d,y\n1,3.000\n2,2.121\n3,950\n", ','), ElementsAre(3000, 2121, 950));
}

TEST_F(NumberColumns, WithoutAPointNothingIsSaidOfPoints) {
  for (const char delimiter : {',', ';'}) {
    for (const char* large : {"1e37", "2E2", "12345678901234567890"}) {
      std::string text = "d?p?y\n1?2?" + std::string(large) + "\n2?3?950\n";
      std::replace(text.begin(), text.end(), '?', delimiter);
      EXPECT_EQ(numbers(text).back(), 950);
      EXPECT_THAT(remarks_, testing::Not(testing::Contains(HasSubstr("point")))) << text;
    }
  }
  EXPECT_THAT(numbers("d,x,y\n1,1e3,3.000\n2,7,2.121\n"), ElementsAre(3, 2.121f));
  EXPECT_THAT(remarks_, ElementsAre(HasSubstr("every point in 'y' stands before three digits")));
  // Nor does it say that the file's points are decimal.
  EXPECT_THAT(numbers("d;x;y\n1;1e3;2,5\n2;7;1.200\n"), ElementsAre(2.5f, 1200));
}

TEST_F(NumberColumns, OneCellThatNoGroupsMakeSettlesThePoint) {
  EXPECT_THAT(numbers("d;y\n1;1.234\n2;0.512\n"), ElementsAre(1.234f, 0.512f));
  EXPECT_THAT(numbers("d;y\n1;1.234\n2;1.5\n"), ElementsAre(1.234f, 1.5f));
  EXPECT_THAT(numbers("d;y\n1;1.234\n2;1234.567\n"), ElementsAre(1.234f, 1234.567f));
  EXPECT_THAT(numbers("p;y\n2.5;1.234\n3.5;2.345\n"), ElementsAre(1.234f, 2.345f));
  // Behind the cells that are looked at first.
  std::string far = "d;y\n";
  for (int row = 0; row < 2000; ++row) far += "1;1.234\n";
  EXPECT_EQ(numbers(far + "2;0.5\n").back(), 0.5f);
}

TEST_F(NumberColumns, GroupsOfIndiaAreReadWhereTheColumnAgrees) {
  EXPECT_THAT(numbers("d,y\n1,\"1,23,150.5\"\n2,\"1,200\"\n"), ElementsAre(123150.5f, 1200));
  EXPECT_THAT(error("d,y\n1,\"1,23,150.5\"\n2,\"123,150.5\"\n"),
              HasSubstr("a.csv:2:y: '1,23,150.5' has groups of two digits and '123,150.5' of the "
                        "same column groups of three; write them alike"));
}

TEST_F(NumberColumns, ColumnsThatAreWrittenAlikeAreSaidInOneRemark) {
  numbers("a;b;c;d;e;f\n1,5;2,5;3,5;4,5;5,5;7 €\n");
  EXPECT_THAT(
      remarks_,
      ElementsAre(HasSubstr("';' separates"),
                  HasSubstr("a.csv: 5 columns, 'a', 'b', 'c', 'd' and 1 more: '1,5' is read "
                            "as 1.5; data.decimal can say otherwise"),
                  HasSubstr("a.csv: column 'f': '7 €' is read as 7, the currency")));
}

TEST_F(NumberColumns, OtherCellsOfTheFileTakeTheDoubtAway) {
  EXPECT_THAT(numbers("p,y\n2.99,\"1,200\"\n3.5,\"1,300\"\n"), ElementsAre(1200, 1300));
  EXPECT_THAT(numbers("p;y\n2,99;1.200\n3,5;900\n"), ElementsAre(1200, 900));
  EXPECT_THAT(numbers("d,y\n1,\"1,200\"\n2,\"1,300.5\"\n"), ElementsAre(1200, 1300.5f));
  EXPECT_THAT(numbers("d,y\n1,\"1,200\"\n2,\"1,234,567\"\n"), ElementsAre(1200, 1234567));
}

TEST_F(NumberColumns, SignsAreLeftOutWhereAllCellsAgree) {
  EXPECT_THAT(numbers("d,y\n1,12%\n2,3.5%\n"), ElementsAre(12, 3.5f));
  EXPECT_THAT(remarks_, ElementsAre(HasSubstr("'12%' is read as 12, the percent sign left out")));
  EXPECT_THAT(numbers("d,y\n1,$5.5\n2,7\n"), ElementsAre(5.5f, 7));
  EXPECT_THAT(error("d,y\n1,12%\n2,3\n"),
              HasSubstr("a.csv:2:y: '12%' has a percent sign and '3' of the same column has none"));
  EXPECT_THAT(error("d,y\n1,$5.5\n2,€7\n"), HasSubstr("its cells are in '$' and in '€'"));
  EXPECT_THAT(error("d;y\n1;5,5\n2;7.25\n"),
              HasSubstr("'5,5' has a decimal comma and '7.25' of the same column a decimal point"));
}

TEST_F(NumberColumns, LettersInFrontOfDigitsAreACodeUntilACellOfTheColumnShowsMoney) {
  for (const char* code : {"TL", "RM", "kr", "Fr", "USD", "лв"}) {
    const std::string word = code;
    EXPECT_EQ(error("d,y\n1," + word + "1\n2," + word + "12\n"),
              "a.csv:2:y: '" + word + "1' may be a code as well as a number with the currency '" +
                  word +
                  "'; if it is a number, write it without the letters, or with a blank behind "
                  "them");
    EXPECT_THAT(numbers("d,y\n1," + word + "1\n2," + word + " 12\n"), ElementsAre(1, 12));
    EXPECT_THAT(numbers("d,y\n1," + word + "1\n2," + word + "1.5\n"), ElementsAre(1, 1.5f));
    EXPECT_THAT(numbers("d,y\n1,\"" + word + "1,200,300\"\n2," + word + "7\n"),
                ElementsAre(1200300, 7));
  }
  EXPECT_THAT(numbers("d,y\n1,€1\n2,€12\n"), ElementsAre(1, 12)) << "a symbol is no letter";
  EXPECT_THAT(numbers("d,y\n1,R$1\n2,R$12\n"), ElementsAre(1, 12));
  EXPECT_THAT(numbers("d,y\n1,1kr\n2,12kr\n"), ElementsAre(1, 12)) << "digits in front";
}

TEST_F(NumberColumns, ShopsThatAreNamedLikeMoneyKeepTheirNames) {
  ReadOptions options;
  options.paths = {file("a.csv", "shop,y\nTL1,5\nTL2,6\n")};
  const Table table = read_table(options);
  EXPECT_THAT(read_codes(table.impl(), 0).words, ElementsAre("TL1", "TL2"));
  EXPECT_THAT(table.impl().remarks, IsEmpty());
}

TEST_F(NumberColumns, TheCellThatIsNoNumberIsNamedNotThoseThatAre) {
  EXPECT_THAT(error("d,y\n1,\"1,200.5\"\n2,#DIV/0!\n"), HasSubstr("a.csv:3:y: '#DIV/0!' is not a"));
  EXPECT_THAT(error("d,y\n1,\"1,200.5\"\n2,-\n"), HasSubstr("a.csv:3:y: '-' is not a number"));
  EXPECT_THAT(error("d,y\n1,5\n2,\xEF\xBB\xBF"
                    "7x\n"),
              HasSubstr("'\\uFEFF7x' is not a number"));
}

TEST_F(NumberColumns, HexadecimalIsNoNumber) {
  EXPECT_THAT(error("d,y\n1,5\n2,0x10\n"), HasSubstr("a.csv:3:y: '0x10' is not a number"));
  EXPECT_THAT(numbers("h,y\n0xFF,5\nabc,12\n"), ElementsAre(5, 12)) << "another column's";
}

TEST_F(NumberColumns, BlankCellsAreMissing) {
  const auto cells = numbers("d;y\n1;  \n2;1,5\n3; NA \n");
  EXPECT_TRUE(std::isnan(cells[0]));
  EXPECT_EQ(cells[1], 1.5f);
  EXPECT_TRUE(std::isnan(cells[2]));
}

TEST_F(NumberColumns, WhatIsToldIsNotOverruled) {
  EXPECT_THAT(error("d;y\n1;5,5\n2;6,5\n", '.'), HasSubstr("a.csv:2:y: '5,5' is not a number with "
                                                           "the decimal sign '.'"));
}

}  // namespace
}  // namespace sluice
