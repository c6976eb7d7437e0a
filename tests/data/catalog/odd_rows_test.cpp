// Rows that are none: what people and spreadsheets leave above, in and below a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class OddRows : public CatalogBuild {
 protected:
  std::string error_of(const std::string& csv) { return error(spec_of(file("a.csv", csv))); }
};

constexpr const char* kTable = "date,sales\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n";

TEST_F(OddRows, ATotalIsNamedInEveryForm) {
  EXPECT_EQ(
      error_of(kTable + std::string("Total,6\n")),
      "a.csv:5:date: 'Total' is not a time; the row seems to be a total ('Total'): remove it");
  for (const char* word : {"Grand Total:", "Summe", "Gesamtergebnis", "总计", "合计", "Итого"}) {
    EXPECT_THAT(error_of(kTable + std::string(word) + ",6\n"),
                HasSubstr("the row seems to be a total"))
        << word;
  }
  EXPECT_EQ(error_of("store,date,sales\nA,2024-01-01,1\nA,2024-01-02,2\nStore A Total,,3\n"
                     "B,2024-01-01,1\nB,2024-01-02,2\n"),
            "a.csv:4:date: the time is missing; the row seems to be a total ('Store A Total'): "
            "remove it");
  EXPECT_THAT(error_of(kTable + std::string("totally,6\n2024-01-04,1\n")),
              Not(HasSubstr("seems to be a total")));
}

TEST_F(OddRows, WhatStandsBelowATableIsSaid) {
  EXPECT_EQ(
      error_of(kTable + std::string(",6\n")),
      "a.csv:5:date: the time is missing; fill the cell or remove the row; no row from here on "
      "has a time, as where a total or a note stands below the table");
  for (const char* note : {"Source: ERP", "Exported 2024-02-01"}) {
    EXPECT_THAT(error_of(kTable + std::string(note) + ",\n"),
                HasSubstr(std::string("'") + note + "' is not a time; no row from here on has a"));
  }
  EXPECT_THAT(error_of(kTable + std::string("2024-02-30,1\n")), HasSubstr("write 2022-01-31"));
  EXPECT_EQ(error_of("date,sales\n2024-01-01,1\n,2\n2024-01-03,3\n"),
            "a.csv:3:date: the time is missing; fill the cell or remove the row");
}

TEST_F(OddRows, ASecondHeaderIsSaid) {
  EXPECT_EQ(error_of("date,sales\n,EUR\n2024-01-01,1\n2024-01-02,2\n"),
            "a.csv:2:date: the time is missing; the line seems to belong to the header (a second "
            "line of names, units): leave one line of names");
  EXPECT_EQ(error_of("date,sales\n2024-01-01,1\n2024-01-02,2\ndate,sales\n2024-01-03,3\n"),
            "a.csv:4:date: 'date' is not a time; the header stands here a second time: remove this "
            "line");
  EXPECT_THAT(error_of("date,sales\n2024-01-01,1\n\uFEFFdate,sales\n2024-01-03,3\n"),
              HasSubstr("a.csv:3:date: '\\uFEFFdate' is not a time; the header stands here"));
}

// Of German months only some are English ones, which alone could be read.
TEST_F(OddRows, ATimeThatCannotBeReadIsNoSecondHeader) {
  EXPECT_THAT(error_of("month,sales\nJanuar 2019,1\nFebruar 2019,2\nMai 2019,3\nApril 2019,4\n"),
              HasSubstr("a.csv:2:month: 'Januar 2019' is not a time; write 2022-01-31"));
}

TEST_F(OddRows, SignsOfSpreadsheetsAndFramesAreKnown) {
  EXPECT_THAT(error_of("date,sales\n2024-01-01,1\n########,2\n2024-01-03,3\n"),
              HasSubstr("a.csv:3:date: '########' is not a time; a spreadsheet shows a column so"));
  EXPECT_THAT(error_of("date,sales\n------,------\n2024-01-01,1\n2024-01-02,2\n"),
              HasSubstr("the line is part of a frame round the table"));
}

TEST_F(OddRows, ATotalDoesNotHideHowTheOthersAreWritten) {
  EXPECT_THAT(error_of("date,sales\n31.01.2024,1\n01.02.2024,2\nTotal,3\n"),
              HasSubstr("all times here fit %d.%m.%Y"));
}

TEST_F(OddRows, ATotalAmongTheSeriesIsSaidToBeTheirSumOrNot) {
  const auto expect = [&](const std::string& csv, const std::string& remark) {
    build(csv);
    std::vector<std::string> said;
    for (const std::string& text : notes_.remarks) {
      if (text.find("the other series") != text.npos) said.push_back(text);
    }
    EXPECT_EQ(said, remark.empty() ? std::vector<std::string>() : std::vector{remark}) << csv;
  };
  const std::string sum =
      "Total is the sum of the other series, and forecast like them: leave it out of the data if "
      "it is no series of its own";
  const std::string none =
      "Total has the name of a total, and is not the sum of the other series: forecast like them";
  // A column, a row, and rows of their own; missing values and a later start count nothing.
  expect("date,A,B,Total\n2024-01-01,1,2,3\n2024-01-02,2,,2\n", sum);
  expect("date,A,B,Total\n2024-01-01,1,2,3\n2024-01-02,2,3,6\n", none);
  expect("P,2019-01,2019-02\nA,1,2\nB,4,5\nTotal,5,7\n", sum);
  expect("P,2019-01,2019-02\nA,1,2\nB,4,5\nTotal,5,8\n", none);
  expect(
      "store,date,y\nTotal,2024-01-01,1\nTotal,2024-01-02,5\nA,2024-01-01,1\nA,2024-01-02,2\n"
      "B,2024-01-02,3\n",
      sum);
  expect("date,Total\n2024-01-01,3\n2024-01-02,5\n", "");
  expect("P,2019-01,2019-02\nA,1,2\nTotal,,\n", "");
}

TEST_F(OddRows, ATotalOfValuesKeptBesideAnOffsetIsTheSumOfWhatTheFileSays) {
  // A, B and Total have offsets near 1e9, 1e9 and 2e9, of which the first two do not make the
  // third.
  build(
      "P,2019-01,2019-02,2019-03\nA,1000000001,1000000002,1000000003\n"
      "B,1000000001,1000000004,1000000002\nTotal,2000000002,2000000006,2000000005\n");
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("Total is the sum of the other series")));
  // Beside 999999999 and 999999999 the rests alone would add up.
  const Catalog catalog = build(
      "date,A,B,Total\n2024-01-01,1000000001,1000000001,3000000002\n"
      "2024-01-02,1000000002,1000000004,3000000006\n"
      "2024-01-03,1000000003,1000000002,3000000005\n");
  for (int s = 0; s < 3; ++s) EXPECT_NE(catalog.value_offset(0, s), 0);
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("Total has the name of a total, and is not")));
}

TEST_F(OddRows, ATitleAboveTheHeaderIsSaid) {
  EXPECT_THAT(
      error_of("Sales report 2024,\n2024-01-01,1\n2024-01-02,2\n"),
      HasSubstr("(the first line names only 'Sales report 2024': if that is a title, remove "
                "what stands above the header)"));
}

TEST_F(OddRows, AWordForNoValueComesWithItsFlag) {
  EXPECT_EQ(error_of("date,sales\n2024-01-01,1\n2024-01-02,#N/A\n"),
            "a.csv:3:sales: '#N/A' is not a number; correct the cell, or add the word to "
            "data.missing if it means no value: --data.missing "
            "'NA,NaN,nan,null,NULL,None,N/A,?,#N/A'");
  CatalogSpec s = spec_of(file("a.csv", "date,sales\n2024-01-01,1\n2024-01-02,\\N\n"));
  s.read.missing = {"NA", "\\N"};
  EXPECT_THAT(series_of(build(s)), testing::ElementsAre(values({1})));
}

}  // namespace
}  // namespace sluice
