// Where histories end, and which series are over, in every layout.
#include <fmt/format.h>
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
using testing::Not;

class CatalogEnds : public CatalogBuild {
 protected:
  static std::vector<std::int64_t> histories(const Catalog& catalog) {
    std::vector<std::int64_t> all;
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) all.push_back(catalog.history(s));
    return all;
  }
  static std::vector<bool> ended(const Catalog& catalog) {
    std::vector<bool> all;
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) all.push_back(catalog.ended(s));
    return all;
  }
};

// A sells to the end, B stopped for three days, C begins late, D is over.
constexpr const char* kShop =
    "unique_id,ds,y\nA,2022-01-04,1\nA,2022-01-08,2\nB,2022-01-04,3\nB,2022-01-05,4\n"
    "C,2022-01-07,5\nC,2022-01-08,6\nD,2022-01-01,7\nD,2022-01-02,8\n";

TEST_F(CatalogEnds, WhereGapsAreZeroAllHistoriesEndAtTheLastTimeOfAll) {
  CatalogSpec s = spec(kShop);
  s.frequency = "D";
  s.gaps = GapPolicy::zero;
  s.ended_after = 5;
  const Catalog catalog = build(s);
  EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 0, 0, 0, 2}), values({3, 4, 0, 0, 0}),
                                              values({5, 6}), values({7, 8})));
  EXPECT_THAT(histories(catalog), ElementsAre(5, 5, 2, 2));
  EXPECT_THAT(ended(catalog), ElementsAre(false, false, false, true));
  EXPECT_THAT(notes_.remarks,
              ElementsAre("1 of 4 series ended more than 5 steps before 2022-01-08 "
                          "(data.ended_after): D (2022-01-02); it is not forecast unless "
                          "forecast.ended = true",
                          "3 of 4 series begin after 2022-01-01, where the first one begins; the "
                          "last to begin: C (2022-01-07)",
                          "1 of 4 series has no value up to 2022-01-08, where all histories end "
                          "(data.end): the steps without a row are zero (data.gaps); the first "
                          "one: B (2022-01-05); data.end = \"series\" ends each at its own last "
                          "value",
                          "6 steps without a row are zero (data.gaps = \"zero\")"));
}

/// Hours from 2022-01-03 00:00 on, 0, 1, ...
std::string hours(int count) {
  std::string csv = "ds,y\n";
  for (int hour = 0; hour < count; ++hour) {
    csv += fmt::format("2022-01-{:02} {:02}:00,{}\n", 3 + hour / 24, hour % 24, hour);
  }
  return csv;
}

TEST_F(CatalogEnds, ADateMeansItsWholeDayWhereStepsAreShorter) {
  CatalogSpec s = spec(hours(72));
  for (const char* day : {"2022-01-04", "20220104", "2022/1/4", "2022-W01-2"}) {
    s.end = day;
    EXPECT_EQ(build(s).history(0), 48) << day;
    EXPECT_THAT(notes_.remarks,
                Contains("24 rows after 2022-01-04 23:00:00 are cut off (data.end)"));
  }
  for (const char* hour : {"2022-01-04 00:00", "2022-01-04T00:00:00", "20220104T00"}) {
    s.end = hour;
    EXPECT_EQ(build(s).history(0), 25) << hour;
  }
  s.time_format = "%Y-%m-%d %H:%M";
  s.end = "2022-01-04";  // beside it ISO 8601 is read
  EXPECT_EQ(build(s).history(0), 48);
  s.end = "2022-01-04 00:00";
  EXPECT_EQ(build(s).history(0), 25);
}

TEST_F(CatalogEnds, ADateInsideWhichTheDataEndEndsThemThere) {
  CatalogSpec s = spec(hours(60));  // up to 2022-01-05 11:00
  s.end = "2022-01-05";
  EXPECT_EQ(build(s).history(0), 60);
  EXPECT_THAT(notes_.remarks, Not(Contains(HasSubstr("data.end"))));
  s.end = "2022-01-06";
  EXPECT_EQ(build(s).history(0), 96);
  EXPECT_THAT(notes_.remarks,
              Contains("the data end 2022-01-05 11:00:00, 36 steps of frequency h before data.end "
                       "= \"2022-01-06\""));
}

TEST_F(CatalogEnds, ADateOfTheClockMeansItsDayThere) {
  CatalogSpec s = spec(
      "ds,y\n2024-01-01T22:00+02:00,1\n2024-01-01T23:00+02:00,2\n2024-01-02T00:00+02:00,3\n"
      "2024-01-02T01:00+02:00,4\n2024-01-02T02:00+02:00,5\n");
  s.end = "2024-01-01";  // up to 21:00 of UTC
  EXPECT_EQ(build(s).history(0), 2);
}

TEST_F(CatalogEnds, ASpanMeansAllUpToItsEnd) {
  CatalogSpec s = spec(hours(72));
  for (const char* hour :
       {"2022-01-04 05:00 - 2022-01-04 06:00", "2022-01-04 05:00/2022-01-04 06:00"}) {
    s.end = hour;
    EXPECT_EQ(build(s).history(0), 30) << hour;  // that hour's row is the last one
  }
  s.end = "2022-01-03 - 2022-01-04";
  EXPECT_EQ(build(s).history(0), 48);
  CatalogSpec months = spec("ds,y\n2022-01-01,1\n2022-02-01,2\n2022-03-01,3\n2022-04-01,4\n");
  months.end = "2022-01-01/2022-03-31";
  EXPECT_EQ(build(months).history(0), 3);
}

TEST_F(CatalogEnds, AMonthOrAWeekMeansAllItsDays) {
  CatalogSpec s = spec(kShop);
  s.frequency = "D";
  s.end = "2022-W01";  // 3 to 9 January
  EXPECT_THAT(histories(build(s)), ElementsAre(5, 5, 2, 8));
  CatalogSpec months = spec("ds,y\n2022-01-01,1\n2022-02-01,2\n2022-03-01,3\n2022-04-01,4\n");
  months.end = "2022-Q1";
  EXPECT_EQ(build(months).history(0), 3);
  months.end = "2022-02";
  EXPECT_EQ(build(months).history(0), 2);
}

TEST_F(CatalogEnds, HistoriesOfTheirOwnEndsAreCounted) {
  CatalogSpec s = spec(kShop);
  s.frequency = "D";
  s.ended_after = 5;
  const Catalog catalog = build(s);
  EXPECT_THAT(histories(catalog), ElementsAre(5, 2, 2, 2));
  EXPECT_THAT(ended(catalog), ElementsAre(false, false, false, true));
  EXPECT_THAT(notes_.remarks,
              Contains("1 of 4 series ends before the others, so that its forecast begins before "
                       "the others' (the first one: B (2022-01-05); the last time of all is "
                       "2022-01-08); data.end = \"common\" ends all there"));
  s.gaps = GapPolicy::zero;
  s.end = "series";
  EXPECT_THAT(histories(build(s)), ElementsAre(5, 2, 2, 2));
  s.ended_after = 0;
  EXPECT_THAT(ended(build(s)), ElementsAre(false, false, false, false));
}

TEST_F(CatalogEnds, ZerosOfDaysToComeAreSaid) {
  std::string text = "unique_id,ds,y\n";
  for (int day = 1; day <= 31; ++day) {
    text += fmt::format("A,2022-01-{:02},{}\nB,2022-01-{:02},{}\n", day, day <= 9 ? 5 : 0, day,
                        day <= 16 ? 3 : 0);
  }
  build(spec(text));
  EXPECT_THAT(notes_.remarks,
              Contains("no value but 0 stands in the last 15 steps, after 2022-01-16: if these are "
                       "still to come, --data.end 2022-01-16 cuts them off"));
  CatalogSpec cut = spec(text);
  cut.end = "2022-01-16";
  build(cut);
  EXPECT_THAT(notes_.remarks, Not(Contains(HasSubstr("no value but 0"))));
  // One that still sells is no template; and no sale at all says nothing.
  build(spec(text + "C,2022-01-31,1\n"));
  EXPECT_THAT(notes_.remarks, Not(Contains(HasSubstr("no value but 0"))));
}

TEST_F(CatalogEnds, MissingStepsUpToACommonEndBelongToTheHistory) {
  CatalogSpec s = spec(kShop);
  s.frequency = "D";
  s.end = "common";
  s.ended_after = 5;
  const Catalog catalog = build(s);
  EXPECT_THAT(histories(catalog), ElementsAre(5, 5, 2, 2));
  EXPECT_THAT(catalog.values(0, 1), values({3, 4, kNone, kNone, kNone}));
  s.gaps = GapPolicy::forward_fill;
  EXPECT_THAT(build(s).values(0, 1), values({3, 4, 4, 4, 4}));
}

TEST_F(CatalogEnds, RowsAfterAGivenEndAreCutOffAndCountedButForWhatIsKnownAhead) {
  CatalogSpec s = spec(
      "unique_id,ds,y,p,w\nA,2022-01-01,1,10,5\nA,2022-01-02,2,20,6\nA,2022-01-03,3,30,7\n"
      "B,2022-01-01,4,40,8\nB,2022-01-04,5,50,9\nC,2022-01-04,6,60,9\n");
  s.future = {"p"};
  s.past = {"w"};
  s.end = "2022-01-02";
  const Catalog catalog = build(s);
  EXPECT_THAT(
      series_of(catalog, 0),
      ElementsAre(values({1, 2, kNone}), values({4, kNone, kNone, kNone}), values({kNone})));
  EXPECT_THAT(catalog.values(1, 0), values({5, 6, kNone})) << "past";
  EXPECT_THAT(catalog.values(2, 0), values({10, 20, 30})) << "known ahead";
  EXPECT_THAT(histories(catalog), ElementsAre(2, 2, 0));
  EXPECT_THAT(notes_.remarks,
              Contains("3 rows after 2022-01-02 are cut off (data.end); only the columns of "
                       "data.future are read there"));
}

TEST_F(CatalogEnds, AnEndAfterTheDataIsToday) {
  CatalogSpec s = spec(kShop);
  s.frequency = "D";
  s.gaps = GapPolicy::zero;
  s.end = "2022-01-10";
  EXPECT_THAT(build(s).values(0, 2), values({5, 6, 0, 0}));
  s.end = "tomorrow";
  EXPECT_EQ(config_error(s),
            "data.end: 'tomorrow' is neither common, series or auto nor a time; write 2022-01-31");
  s.end = "2021-12-31";
  EXPECT_EQ(config_error(s), "data.end: no series has a value up to 2021-12-31");
}

TEST_F(CatalogEnds, TheSameDataEndAlikeInEveryLayout) {
  const auto settle = [](CatalogSpec s) {
    s.gaps = GapPolicy::zero;
    s.ended_after = 5;
    return s;
  };
  CatalogSpec flat = settle(spec_of(file("long.csv", kShop)));
  flat.frequency = "D";
  const CatalogSpec columns = settle(spec_of(
      file("columns.csv",
           "ds,A,B,C,D\n2022-01-01,,,,7\n2022-01-02,,,,8\n2022-01-03,,,,\n2022-01-04,1,3,,\n"
           "2022-01-05,,4,,\n2022-01-06,,,,\n2022-01-07,,,5,\n2022-01-08,2,,6,\n")));
  CatalogSpec rows = settle(spec_of(
      file("rows.csv",
           "name,2022-01-01,2022-01-02,2022-01-03,2022-01-04,2022-01-05,2022-01-06,2022-01-07,"
           "2022-01-08\nA,,,,1,,,,2\nB,,,,3,4,,,\nC,,,,,,,5,6\nD,7,8,,,,,,\n")));
  const Catalog a = build(flat), b = build(columns);
  EXPECT_EQ(notes_.layout, "columns");
  const Catalog c = build(rows);
  EXPECT_EQ(notes_.layout, "rows");
  for (const Catalog* other : {&b, &c}) {
    EXPECT_EQ(series_of(a), series_of(*other));
    EXPECT_EQ(histories(a), histories(*other));
    EXPECT_EQ(ended(a), ended(*other));
    for (std::int64_t s = 0; s < 4; ++s) EXPECT_EQ(a.date(s, 0), other->date(s, 0));
  }
}

TEST_F(CatalogEnds, SeriesWithStartsOfTheirOwnAreNotOver) {
  CatalogSpec s = spec("name,start,v1,v2\nA,2000-01-01,1,2\nB,2020-01-01,3,4\n");
  s.frequency = "MS";
  s.gaps = GapPolicy::zero;
  const Catalog catalog = build(s);
  EXPECT_THAT(ended(catalog), ElementsAre(false, false));
  EXPECT_THAT(histories(catalog), ElementsAre(2, 2));
  EXPECT_THAT(notes_.remarks, IsEmpty());
  s.ended_after = 12;
  EXPECT_THAT(ended(build(s)), ElementsAre(true, false));
}

TEST_F(CatalogEnds, ASeriesIsOverAYearAfterItsLastValueByDefault) {
  const auto over = [&](const std::string& last) {
    CatalogSpec s = spec("unique_id,ds,y\nA,2020-01-01,1\nA," + last + ",2\nB,2022-06-01,3\n");
    s.frequency = "D";
    return build(s).ended(0);
  };
  EXPECT_FALSE(over("2021-06-01"));
  EXPECT_TRUE(over("2021-05-31"));
  CatalogSpec places = spec("unique_id,ds,y\nA,1,1\nA,2,2\nB,1,3\nB,20000,3\n");
  EXPECT_FALSE(build(places).ended(0)) << "places have no year";
}

TEST_F(CatalogEnds, ATargetThatIsEmptyOverTheHorizonIsNoLastTime) {
  CatalogSpec s = spec(
      "unique_id,ds,y,p\nA,2022-01-01,1,10\nA,2022-01-02,2,20\nA,2022-01-03,,30\n"
      "B,2022-01-01,3,30\n");
  s.future = {"p"};
  s.gaps = GapPolicy::zero;
  s.covariate_gaps = {"forward_fill"};
  const Catalog catalog = build(s);
  EXPECT_THAT(series_of(catalog), ElementsAre(values({1, 2, kNone}), values({3, 0})));
  EXPECT_THAT(catalog.values(1, 1), values({30, 30}));
}

}  // namespace
}  // namespace sluice
