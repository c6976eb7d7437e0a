// The rows of path.future: which steps they are for, and what is said of those that are for none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Future : public CatalogBuild {
 protected:
  CatalogSpec with_future(const std::string& main, const std::string& future) {
    CatalogSpec s = spec(main);
    s.future = {"x"};
    s.future_files = {file("f.csv", future)};
    return s;
  }
};

TEST_F(Future, SaturdaysAndSundaysBesideBusinessDaysAreLeftOutAndCounted) {
  CatalogSpec s = with_future(
      "unique_id,ds,y,x\nA,2024-01-04,1,5\nA,2024-01-05,2,6\nA,2024-01-08,3,7\n",
      "unique_id,ds,x\nA,2024-01-06,60\nA,2024-01-07,61\nA,2024-01-09,8\nA,2024-01-13,62\n"
      "B,2024-01-06,1\n");
  s.frequency = "B";
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.ids(), ElementsAre("A")) << "a Saturday makes no new series";
  EXPECT_THAT(catalog.values(1, 0), values({5, 6, 7, 8}));
  expect_remark(
      "f.csv: 4 rows of Saturdays and Sundays are not used: the data have business days only "
      "(frequency B)");
  EXPECT_EQ(notes_.future_coverage, "1 of 1 series, 2024-01-09 .. 2024-01-09");
}

TEST_F(Future, ASaturdayAmongBusinessDaysOfTheDataIsNotDroppedButRefusedWithBothWaysToKeepIt) {
  CatalogSpec s = spec("unique_id,ds,y\nA,2024-01-04,1\nA,2024-01-05,2\nA,2024-01-06,3\n");
  s.frequency = "B";
  EXPECT_EQ(error(s),
            "a.csv:4:ds: series 'A' 2024-01-06 is not on the grid of frequency B; correct the row; "
            "--data.frequency D keeps Saturdays and Sundays as days of their own, --data.aggregate "
            "B adds them to their Fridays");
}

TEST_F(Future, AHeaderAloneHasNoRowsAndNothingElseIsSaidOfIt) {
  CatalogSpec s =
      with_future("unique_id,ds,y,x\nA,2024-01-01,1,5\nB,2024-01-01,2,6\n", "unique_id,ds,x\n");
  s.frequency = "D";
  EXPECT_EQ(build(s).series_count(), 2);
  expect_remark("f.csv: it has no rows, so nothing ahead is known of it");
  EXPECT_THAT(notes_.remarks, testing::Not(Contains(HasSubstr("which series"))));
}

TEST_F(Future, ARowBetweenTwoStepsNamesBoth) {
  CatalogSpec s =
      with_future("unique_id,ds,y,x\nA,2024-01-07,1,5\nA,2024-01-14,2,6\nA,2024-01-21,3,7\n",
                  "unique_id,ds,x\nA,2024-01-28,8\nA,2024-01-31,9\n");
  EXPECT_THAT(error(s), HasSubstr("f.csv:3:ds: 2024-01-31 is not on the data's grid of frequency "
                                  "W-SUN, whose steps there are 2024-01-28 and 2024-02-04"));
}

TEST_F(Future, RowsOfAStepAreAddedUpAsThoseOfTheDataAre) {
  CatalogSpec s = with_future(
      "unique_id,ds,y,x,z\nA,2024-01-01,1,1,4\nA,2024-01-02,2,3,5\nA,2024-01-08,4,5,6\n",
      "unique_id,ds,x,z\nA,2024-01-15,2,7\nA,2024-01-16,4,9\nA,2024-01-17,6,8\n");
  s.future = {"x", "z"};
  s.aggregate = "W-SUN";
  s.aggregate_by = {"z=max"};
  const Catalog catalog = build(s);
  EXPECT_THAT(catalog.values(0, 0), values({3, 4, kNone}));
  EXPECT_THAT(catalog.values(1, 0), values({2, 5, 4})) << "known values are averaged";
  EXPECT_THAT(catalog.values(2, 0), values({5, 6, 9})) << "but where aggregate_by says otherwise";
}

constexpr const char* kTwoDays = "unique_id,ds,y,x\nA,2024-01-01,1,5\nA,2024-01-02,2,6\n";

TEST_F(Future, ActualsInTheFileAreNeverUsed) {
  const Catalog catalog =
      build(with_future(kTwoDays, "unique_id,ds,y,x\nA,2024-01-02,99,6\nA,2024-01-03,99,7\n"));
  EXPECT_THAT(catalog.values(0, 0), values({1, 2, kNone}));
  EXPECT_THAT(catalog.values(1, 0), values({5, 6, 7}));
  EXPECT_EQ(catalog.history(0), 2);
}

TEST_F(Future, AFileFromBeforeTheDataNamesBothRanges) {
  EXPECT_EQ(error(with_future(kTwoDays, "unique_id,ds,x\nA,2023-01-03,1\nA,2023-01-09,1\n")),
            "f.csv: its rows (2023-01-03 .. 2023-01-09) all lie before the data (2024-01-01 .. "
            "2024-01-02); give the values that are known of the steps after the data");
}

TEST_F(Future, AFileThatEndsWithTheDataIsSaidToKnowNothingOfTheForecast) {
  build(with_future(kTwoDays, "unique_id,ds,x\nA,2023-12-31,4\nA,2024-01-02,6\n"));
  EXPECT_THAT(notes_.remarks,
              ElementsAre(HasSubstr(
                  "f.csv: no row lies after the end of the histories (its rows: 2023-12-31 "
                  ".. 2024-01-02; the histories end 2024-01-02), so nothing is known of the "
                  "steps to be forecast")));
}

TEST_F(Future, ADayWithoutARowAmongTheKnownOnesIsNamed) {
  CatalogSpec s = with_future(kTwoDays,
                              "unique_id,ds,x\nA,2024-01-03,7\nA,2024-01-05,8\nA,2024-01-06,\n"
                              "A,2024-01-07,9\n");
  build(s);
  EXPECT_THAT(notes_.remarks,
              ElementsAre(HasSubstr(
                  "f.csv: x is missing in 2 of the 5 steps that it reaches over after the "
                  "end of the histories (the first one: A 2024-01-04)")));
  // A column that is as often missing before: discounts that are seldom given.
  s.read.paths = {file("a.csv", "unique_id,ds,y,x\nA,2024-01-01,1,5\nA,2024-01-02,2,\n")};
  build(s);
  EXPECT_THAT(notes_.remarks, IsEmpty());
}

TEST_F(Future, TwoRowsOfOneTimeNameTheWordsInWhichTheyDiffer) {
  CatalogSpec s =
      with_future("store,date,y,x\n1,2024-01-01,1,5\n2,2024-01-01,2,6\n",
                  "date,type,locale,locale_name,x\n2024-01-02,Holiday,National,Ecuador,1\n"
                  "2024-01-02,Holiday,Local,Quito,0\n");
  s.id = {"store"};
  s.future_for_all = true;
  s.frequency = "D";
  EXPECT_EQ(error(s),
            "f.csv:3: a second row for 2024-01-02 (the first one: f.csv:2); a file of known future "
            "values has one row a series and time: remove one, or set data.duplicates; these two "
            "differ in locale, locale_name: where that says for which series a row is, give the "
            "data a column of that name");
}

TEST_F(Future, RowsThatSayTheSameTwiceAreOne) {
  CatalogSpec s = with_future(kTwoDays,
                              "unique_id,ds,x,note\nA,2024-01-03,7,\nA,2024-01-04,8,a\n"
                              "A,2024-01-04,8,b\n");
  EXPECT_THAT(build(s).values(1, 0), values({5, 6, 7, 8}));
  EXPECT_THAT(
      notes_.remarks,
      ElementsAre(HasSubstr("f.csv: 1 row says the same as another row of its series and time")));
  s.future_files = {file("g.csv", "unique_id,ds,x\nA,2024-01-03,7\nA,2024-01-03,8\n")};
  s.duplicates = DuplicatePolicy::last;
  EXPECT_THAT(build(s).values(1, 0), values({5, 6, 8}));
  EXPECT_THAT(notes_.remarks,
              ElementsAre(HasSubstr("g.csv: 1 row is a second one of its series and time, of "
                                    "which 1 differs: the last one counts (data.duplicates)")));
  s.duplicates = DuplicatePolicy::error;
  EXPECT_THAT(error(s), HasSubstr("g.csv:3: a second row for unique_id 'A' 2024-01-03 (the first "
                                  "one: g.csv:2)"));
}

}  // namespace
}  // namespace sluice
