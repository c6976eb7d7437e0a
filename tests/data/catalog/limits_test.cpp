// Times that would make thousands of steps of a few rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::HasSubstr;

class CatalogLimits : public CatalogBuild {
 protected:
  /// January 2024, day by day, after `rows`.
  static std::string january(const std::string& rows) {
    std::string csv = "unique_id,ds,y\n" + rows;
    for (int day = 1; day <= 31; ++day) {
      csv += "A,2024-01-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + ",1\n";
    }
    return csv;
  }
};

TEST_F(CatalogLimits, FewRowsThatSpanMillionsOfStepsAreAskedAboutBeforeMemoryIsTaken) {
  // 1900-01-01 to 2085-01-01 are 185 years with 46 leap days: 67,571 days of 1,440 minutes, and 1.
  const std::string csv =
      "unique_id,ds,y\nA,1900-01-01 00:00,1\nA,1900-01-01 00:01,1\nA,2085-01-01 00:00,2\n";
  EXPECT_EQ(error(spec(csv)),
            "a.csv:4:ds: series 'A' spans 97,302,241 steps of frequency min with 3 rows; is "
            "2085-01-01 00:00:00 right? correct it, or set data.frequency; data.max_steps allows "
            "more");
  CatalogSpec wider =
      spec("unique_id,ds,y\nA,1900-01-01 00:00,1\nA,2085-01-01 00:00,2\nA,2085-01-01 00:01,2\n");
  EXPECT_THAT(error(wider), HasSubstr("a.csv:2:ds: series 'A' spans 97,302,242 steps"));
  EXPECT_THAT(error(wider), HasSubstr("is 1900-01-01 00:00:00 right?"));
}

TEST_F(CatalogLimits, TheLimitCountsColumnsAndSeries) {
  CatalogSpec s = spec(
      "unique_id,ds,y,p,q\nA,2022-01-01,1,1,1\nA,2022-01-10,1,1,1\nB,2022-01-01,1,1,1\n"
      "B,2022-01-10,1,1,1\n");
  s.past = {"p", "q"};
  s.frequency = "D";
  s.max_steps = 60;  // two series of 10 steps, three columns
  EXPECT_EQ(build(s).total_steps(), 20);
  s.max_steps = 59;
  EXPECT_EQ(error(s),
            "a.csv: 4 rows of 2 series would become more than 19 steps of frequency D; one of "
            "them, series 'B' reaches from 2022-01-01 to 2022-01-10; correct its times, or set "
            "data.frequency; data.max_steps allows more");
}

TEST_F(CatalogLimits, EveryTargetColumnOfAWideFileCounts) {
  CatalogSpec s = spec("ds,a,b,h\n2022-01-01,1,2,0\n2022-01-02,1,2,0\n2022-01-05,3,4,1\n");
  s.targets = {"a", "b"};
  s.past = {"h"};
  s.max_steps = 20;  // 5 steps of a, b, and an h for each of them
  EXPECT_EQ(build(s).total_steps(), 10);
  s.max_steps = 19;
  EXPECT_THAT(error(s), HasSubstr("spans 5 steps of frequency D with 3 rows"));
}

TEST_F(CatalogLimits, HistoriesThatEndTogetherAreCountedToo) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2022-01-01,1\nA,2022-01-02,1\nB,2022-01-09,1\n");
  s.gaps = GapPolicy::zero;
  s.max_steps = 10;  // A has 9 steps, B has 1
  EXPECT_EQ(build(s).total_steps(), 10);
  s.max_steps = 9;
  EXPECT_THAT(error(s),
              HasSubstr("a.csv: with all histories up to 2022-01-09 (data.end) the 2 series would "
                        "have 10 steps of 1 columns; is that time right?"));
}

TEST_F(CatalogLimits, ADateOfTheYearOneOrOfASpreadsheetsZeroIsNamedWithItsRow) {
  EXPECT_EQ(error(spec(january("A,0001-01-01,1\n"))),
            "a.csv:2:ds: series 'A' 0001-01-01 lies 738,885 steps of frequency D before all other "
            "times of the data (2024-01-01); is it right? correct or remove the row; "
            "data.max_steps, set to a number, allows it");
  EXPECT_THAT(error(spec(january("A,1899-12-30,1\nB,1900-01-01,1\n"))),
              HasSubstr("a.csv:3:ds: series 'B' 1900-01-01 lies 45,290 steps"));
  EXPECT_THAT(error(spec(january("") + "B,9999-12-31,1\n")),
              HasSubstr("a.csv:33:ds: series 'B' 9999-12-31 lies 2,913,"));
  CatalogSpec allowed = spec(january("A,1899-12-30,1\n"));
  allowed.max_steps = 1'000'000;
  EXPECT_EQ(build(allowed).length(0), 45'292 + 31);
}

TEST_F(CatalogLimits, AHoleBetweenTwoPartsOfAHistoryIsNoWrongDate) {
  std::string csv = january("");
  for (int day = 1; day <= 9; ++day) csv += "A,2030-01-0" + std::to_string(day) + ",1\n";
  EXPECT_EQ(build(csv).length(0), 2192 + 9);  // six years, two of them leap years
}

}  // namespace
}  // namespace sluice
