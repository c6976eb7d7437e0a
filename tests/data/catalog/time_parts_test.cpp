// Times that a file has in several columns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CatalogTimeParts : public CatalogBuild {
 protected:
  /// The time by `columns`; each file here has one series.
  CatalogSpec spec(const std::string& csv, std::vector<std::string> columns) {
    CatalogSpec s = spec_of(file("a.csv", csv));
    s.time = columns.front();
    s.more_time.assign(columns.begin() + 1, columns.end());
    return s;
  }
  /// "D 2024-01-01 3": frequency, first time, steps.
  std::string axis(const CatalogSpec& s) {
    const Catalog catalog = build(s);
    return to_string(catalog.frequency()) + " " + catalog.date(0, 0) + " " +
           std::to_string(catalog.length(0));
  }
};

TEST_F(CatalogTimeParts, ADateAndAnHourAreATime) {
  const CatalogSpec s =
      spec("dteday,hr,cnt\n2011-01-01,22,1\n2011-01-01,23,2\n2011-01-02,0,3\n2011-01-02,1,4\n",
           {"dteday", "hr"});
  EXPECT_EQ(axis(s), "h 2011-01-01 22:00:00 4");
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2, 3, 4})));
  EXPECT_THAT(notes_.time_columns, ElementsAre("dteday", "hr"));
  EXPECT_EQ(notes_.columns[1].role, "time");
  EXPECT_THAT(notes_.remarks, IsEmpty());
}

TEST_F(CatalogTimeParts, ClocksMonthsWeeksAndQuartersAreRead) {
  EXPECT_EQ(axis(spec("Date,Time,y\n2024-01-01,00:00,1\n2024-01-01,0:30,2\n2024-01-01,01:00:00,3\n",
                      {"Date", "Time"})),
            "30min 2024-01-01 00:00:00 3");
  EXPECT_EQ(axis(spec("year,month,day,y\n2024,2,28,1\n2024,2,29,2\n2024,3,1,3\n",
                      {"year", "month", "day"})),
            "D 2024-02-28 3");
  EXPECT_EQ(axis(spec("year,month,day,hour,y\n2024,2,29,23,1\n2024,3,1,0,2\n2024,3,1,1,3\n",
                      {"year", "month", "day", "hour"})),
            "h 2024-02-29 23:00:00 3");
  EXPECT_EQ(axis(spec("Year,Month,y\n2023,11,1\n2023,12,2\n2024,01,3\n", {"Year", "Month"})),
            "MS 2023-11-01 3");
  EXPECT_EQ(axis(spec("Year,Month,y\n2023,Nov,1\n2023,Dec,2\n2024,January,3\n", {"Year", "Month"})),
            "MS 2023-11-01 3");
  // 1 January 2024 is a Monday, and 2020 has a week 53.
  EXPECT_EQ(axis(spec("Year,Week,y\n2020,52,1\n2020,53,2\n2021,1,3\n", {"Year", "Week"})),
            "W-MON 2020-12-21 3");
  EXPECT_EQ(axis(spec("Year,Quarter,y\n2023,Q3,1\n2023,Q4,2\n2024,Q1,3\n", {"Year", "Quarter"})),
            "QS 2023-07-01 3");
}

TEST_F(CatalogTimeParts, TheTwentyFourthHourIsTheMidnightThatFollows) {
  const std::string csv =
      "Date,Hour,Load\n31.01.2024,22,1\n31.01.2024,23,2\n31.01.2024,24,3\n01.02.2024,1,4\n";
  CatalogSpec s = spec(csv, {"Date", "Hour"});
  EXPECT_EQ(
      error(s),
      "a.csv:2:Date: '31.01.2024' is not a time in ISO 8601; all times here fit %d.%m.%Y: set "
      "it by --data.time_format '%d.%m.%Y'");
  s.time_format = "%d.%m.%Y";
  EXPECT_EQ(axis(s), "h 2024-01-31 22:00:00 4");
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2, 3, 4})));
  EXPECT_THAT(notes_.remarks,
              ElementsAre(HasSubstr("a.csv: 'Hour' counts hours from 1 to 24: 24 is the midnight "
                                    "that follows (data.time)")));
  CatalogSpec zero = spec("Date,Hour,Load\n2024-01-31,0,1\n2024-01-31,24,2\n", {"Date", "Hour"});
  EXPECT_THAT(error(zero), HasSubstr("a.csv:3:Hour: '24' is no hour (data.time)"));
}

TEST_F(CatalogTimeParts, OtherFormsAreReadOneAfterTheOther) {
  CatalogSpec s = spec("a,b,y\n24-01-31,9.30,1\n24-01-31,10.00,2\n24-01-31,10.30,3\n", {"a", "b"});
  EXPECT_THAT(error(s), HasSubstr("'a' and 'b' make no time (data.time)"));
  s.time_format = "%y-%m-%d %H.%M";
  EXPECT_EQ(axis(s), "30min 2024-01-31 09:30:00 3");
}

TEST_F(CatalogTimeParts, AFileOfTheFutureHasThemToo) {
  CatalogSpec s = spec("date,hr,y,p\n31.01.2024,22,1,1\n31.01.2024,23,2,2\n", {"date", "hr"});
  s.time_format = "%d.%m.%Y";
  s.future = {"p"};
  s.future_files = {file("future.csv", "hr,date,p\n0,01.02.2024,3\n1,01.02.2024,4\n")};
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3, 4})));
  s.time_format = "auto";
  s.read.paths = {file("b.csv", "date,hr,y,p\n2024-01-31,22,1,1\n2024-01-31,23,2,2\n")};
  s.future_files = {file("whole.csv", "date,p\n2024-02-01 00:00,3\n2024-02-01 01:00,4\n")};
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3, 4})));
}

TEST_F(CatalogTimeParts, AWrongPartIsNamedAtItsCell) {
  EXPECT_EQ(error(spec("date,hr,y\n2024-01-31,22,1\n2024-01-31,25,2\n", {"date", "hr"})),
            "a.csv:3:hr: '25' is no hour (data.time); correct the cell, or write the time in one "
            "column (2022-01-31 13:15)");
  EXPECT_THAT(error(spec("year,month,day,y\n2024,2,29,1\n2023,2,29,2\n", {"year", "month", "day"})),
              HasSubstr("a.csv:3:year: '2023-02-29' is not a time"));
  EXPECT_THAT(error(spec("date,hr,y\n2024-01-31,22,1\n2024-01-31,,2\n", {"date", "hr"})),
              HasSubstr("a.csv:3:date: the time is missing"));
  EXPECT_THAT(error(spec("date,block,y\n2024-01-31,1,1\n2024-01-31,2,2\n", {"date", "block"})),
              HasSubstr("a.csv: 'date' and 'block' make no time (data.time): they may be"));
}

TEST_F(CatalogTimeParts, RowsThatRepeatNameTheColumnOfTheirHours) {
  const std::string csv =
      "instant,dteday,mnth,hr,cnt\n1,2011-01-01,1,0,1\n2,2011-01-01,1,1,2\n3,2011-01-02,1,0,3\n";
  CatalogSpec s = spec_of(file("a.csv", csv));
  EXPECT_THAT(error(s), HasSubstr("a.csv:3: a second row for 2011-01-01 (the first one: a.csv:2); "
                                  "'dteday' and 'hr' together are the time: --data.time dteday,hr; "
                                  "else remove one"));
  for (const auto policy : {DuplicatePolicy::sum, DuplicatePolicy::last}) {
    s.duplicates = policy;
    EXPECT_THAT(error(s),
                HasSubstr("a.csv: 1 row has a time that another row has (the first one: "));
    EXPECT_THAT(error(s),
                HasSubstr("but 'dteday' and 'hr' together are the time: --data.time "
                          "dteday,hr; to add them up to days set data.aggregate = \"D\""));
  }
  s.duplicates = DuplicatePolicy::error;
  s.aggregate = "D";
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({3, 3})));
  EXPECT_THAT(
      error(spec_of(file("b.csv",
                         "date,Block,load\n2024-01-01,1,5\n2024-01-01,2,6\n2024-01-01,3,7\n"
                         "2024-01-02,1,5\n2024-01-02,2,6\n2024-01-02,3,7\n"))),
      HasSubstr("'Block' tells the rows of one time apart: if it counts the parts of a day"));
}

TEST_F(CatalogTimeParts, ARowTwiceIsNoReasonToTakeTheTargetForTheTime) {
  const std::string csv =
      "unique_id,ds,units\na,2024-01-01,1\na,2024-01-02,2\na,2024-01-02,3\na,2024-01-03,4\n"
      "b,2024-01-03,4\n";
  EXPECT_THAT(error(spec_of(file("a.csv", csv))),
              HasSubstr("a second row for series 'a' 2024-01-02 (the first one: a.csv:3); "
                        "remove one, name more id columns"));
}

TEST_F(CatalogTimeParts, WithoutATimeColumnThePartsAreProposed) {
  EXPECT_EQ(error(spec_of(
                file("a.csv", "No,year,month,day,hour,load\n1,2024,1,1,0,5\n2,2024,1,1,1,6\n"))),
            "a.csv: which column is the time? 'year', 'month', 'day' and 'hour' together are the "
            "time: --data.time year,month,day,hour; or set data.time to one column");
  EXPECT_THAT(error(spec_of(file("b.csv", "Year,Month,Week,y\n2024,1,1,5\n2024,1,2,6\n"))),
              HasSubstr("'Year' and 'Week' together are the time: --data.time Year,Week;"));
}

}  // namespace
}  // namespace sluice
