// Times as files have them: which dates they become, and what is said.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CatalogTimes : public CatalogBuild {};

TEST_F(CatalogTimes, YearsAndMonthsInOneIntegerAreMonths) {
  const Catalog catalog = build(rows({"202211", "202212", "202301", "202302"}));
  EXPECT_EQ(to_string(catalog.frequency()), "MS");
  EXPECT_THAT(dates(catalog), ElementsAre("2022-11-01", "2022-12-01", "2023-01-01", "2023-02-01"));
  EXPECT_THAT(notes_.remarks,
              Contains(HasSubstr("(202211 .. 202302) were read as years and months: "
                                 "2022-11-01 .. 2023-02-01")));
}

TEST_F(CatalogTimes, IntegersThatAreDatesKeepTheirSteps) {
  struct Case {
    std::vector<std::string> times;
    std::string frequency, second;
  };
  const std::vector<Case> cases = {
      {{"20240131", "20240201", "20240202"}, "D", "2024-02-01"},
      {{"2024013122", "2024013123", "2024020100"}, "h", "2024-01-31 23:00:00"},
      {{"202401312345", "202402010000", "202402010015"}, "15min", "2024-02-01 00:00:00"},
      {{"20234", "20241", "20242"}, "QS", "2024-01-01"},
      {{"1577836800", "1577923200", "1578009600"}, "D", "2020-01-02"},
      {{"1577836800000", "1577923200000", "1578009600000"}, "D", "2020-01-02"},
      {{"1577836800000000", "1577840400000000", "1577844000000000"}, "h", "2020-01-01 01:00:00"},
      {{"1577836800000000000", "1577923200000000000", "1578009600000000000"}, "D", "2020-01-02"}};
  for (const Case& c : cases) {
    const Catalog catalog = build(rows(c.times));
    EXPECT_EQ(to_string(catalog.frequency()), c.frequency) << c.times[0];
    EXPECT_EQ(catalog.date(0, 1), c.second);
    EXPECT_FALSE(notes_.remarks.empty()) << c.times[0];
  }
}

TEST_F(CatalogTimes, IntegersThatMayBeDatesAreRefusedWithWhatToWrite) {
  EXPECT_THAT(error(spec(rows({"202311", "202312", "202313", "202314"}))),
              AllOf(HasSubstr("(202311 .. 202314) look like years and weeks"),
                    HasSubstr("data.time_format to iso_week")));
  EXPECT_THAT(error(spec(rows({"202301", "202302", "202303"}))),
              HasSubstr("years and months, or years and weeks; set data.time_format to %Y%m"));
  EXPECT_THAT(error(spec(rows({"44927", "44928", "44929"}))),
              HasSubstr("a spreadsheet's day numbers; set data.time_format to excel"));
}

/// `count` times year * of_year + place: from `first` on, and after `last` from 1 of the next year.
std::vector<std::string> in_years(int of_year, int year, int first, int last, int count) {
  std::vector<std::string> times;
  for (int place = first; count > 0; --count, ++place) {
    if (place > last) {
      place = 1;
      ++year;
    }
    times.push_back(std::to_string(year * of_year + place));
  }
  return times;
}

TEST_F(CatalogTimes, IntegersThatBeginAgainWithEachYearAreRefused) {
  EXPECT_THAT(error(spec(rows(in_years(100, 111, 40, 52, 30)))),  // 11140 .. 11152, 11201 ..
              AllOf(HasSubstr("(11140 .. 11217) look like years and weeks"),
                    HasSubstr("a column of dates"), HasSubstr("data.frequency to 1")));
  EXPECT_THAT(error(spec(rows(in_years(100, 23, 3, 12, 24)))),  // 2303 .. 2312, 2401 ..
              AllOf(HasSubstr("years and months"), HasSubstr("data.time_format to %y%m")));
  EXPECT_THAT(error(spec(rows(in_years(1000, 2023, 300, 365, 100)))),
              AllOf(HasSubstr("days of the year"), HasSubstr("data.time_format to %Y%j")));
  CatalogSpec s = spec(rows(in_years(100, 23, 3, 12, 24)));
  s.time_format = "%y%m";
  EXPECT_EQ(build(s).date(0, 10), "2024-01-01");
  CatalogSpec days = spec(rows(in_years(1000, 2023, 300, 365, 100)));
  days.time_format = "%Y%j";
  EXPECT_EQ(build(days).date(0, 66), "2024-01-01");
  // Counters: through a hundred, in tens, and too short to tell.
  EXPECT_TRUE(build(rows(in_years(100, 1, 1, 100, 150))).axis().integers);
  EXPECT_TRUE(build(rows({"110", "120", "130", "140", "150", "210", "220"})).axis().integers);
}

TEST_F(CatalogTimes, AnIntegerFrequencyKeepsIntegers) {
  CatalogSpec s = spec(rows({"202301", "202302", "202304"}));
  s.frequency = "1";
  EXPECT_TRUE(build(s).axis().integers);
  const Catalog plain = build(rows({"100", "101", "102"}));
  EXPECT_TRUE(plain.axis().integers);
  EXPECT_TRUE(notes_.remarks.empty());
}

TEST_F(CatalogTimes, TheFormatSaysHowTimesAreWritten) {
  struct Case {
    std::string format;
    std::vector<std::string> times;
    std::string frequency, second;
  };
  const std::vector<Case> cases = {
      {"%d/%m/%Y", {"01/02/2024", "02/02/2024", "03/02/2024"}, "D", "2024-02-02"},
      {"%m/%d/%y", {"02/01/24", "02/02/24", "02/03/24"}, "D", "2024-02-02"},
      {"%d%m%Y", {"01022024", "02022024", "03022024"}, "D", "2024-02-02"},
      {"%Y-%d-%m", {"2024-01-02", "2024-02-02", "2024-03-02"}, "D", "2024-02-02"},
      {"%b %Y", {"Jan 2024", "Feb 2024", "March 2024"}, "MS", "2024-02-01"},
      {"%d.%m.%Y %H:%M",
       {"01.02.2024 13:15", "01.02.2024 13:30", "01.02.2024 13:45"},
       "15min",
       "2024-02-01 13:30:00"},
      {"iso_week", {"202052", "202053", "202101"}, "W-MON", "2020-12-28"},
      {"iso_week", {"2020-W52", "2020-W53", "2021-W01"}, "W-MON", "2020-12-28"},
      {"excel", {"44927", "44928", "44929"}, "D", "2023-01-02"},
      {"excel",
       {"44927.5", "44927.541666666664", "44927.583333333336"},
       "h",
       "2023-01-01 13:00:00"},
      {"epoch_s", {"0", "86400", "172800"}, "D", "1970-01-02"}};
  for (const Case& c : cases) {
    CatalogSpec s = spec(rows(c.times));
    s.time_format = c.format;
    const Catalog catalog = build(s);
    EXPECT_EQ(to_string(catalog.frequency()), c.frequency) << c.times[0];
    EXPECT_EQ(catalog.date(0, 1), c.second) << c.format;
  }
}

TEST_F(CatalogTimes, ForecastsAreWrittenInTheGivenFormat) {
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"%d/%m/%Y", "31/01/2024", "01/02/2024"}, {"iso_week", "2020-W52", "2020-W53"}};
  for (const auto& [format, first, second] : cases) {
    CatalogSpec s = spec(rows({first, second}));
    s.time_format = format;
    const Catalog catalog = build(s);
    const Timestamp next = time_of(catalog.frequency(), catalog.period(0, 1));
    EXPECT_THAT(time_column(catalog.axis(), "ds", {next}).text, ElementsAre(second));
    EXPECT_EQ(catalog.axis().time_of_text(second), catalog.time(0, 1));
  }
  CatalogSpec s = spec(rows({"1577836800000", "1577923200000"}));
  s.time_format = "epoch_ms";
  const Catalog catalog = build(s);
  EXPECT_THAT(time_column(catalog.axis(), "ds", {1577923200}).integers, ElementsAre(1577923200000));
}

TEST_F(CatalogTimes, OtherFormsAreProposedFromTheCells) {
  EXPECT_THAT(error(spec(rows({"30/01/2024", "31/01/2024"}))),
              HasSubstr("--data.time_format '%d/%m/%Y'"));
  EXPECT_THAT(error(spec(rows({"01/30/2024", "01/31/2024"}))),
              HasSubstr("--data.time_format '%m/%d/%Y'"));
  EXPECT_THAT(error(spec(rows({"31/01/24 13:00", "31/01/24 14:00"}))),
              HasSubstr("--data.time_format '%d/%m/%y %H:%M'"));
  EXPECT_THAT(error(spec(rows({"Jan 2024", "Feb 2024"}))), HasSubstr("--data.time_format '%b %Y'"));
  EXPECT_THAT(error(spec(rows({"01/02/2024", "02/02/2024"}))),
              HasSubstr("fit %d/%m/%Y as well as %m/%d/%Y: say which it is"));
  EXPECT_THAT(error(spec(rows({"2024-06-30 23:59:60"}))), HasSubstr("a leap second"));
}

TEST_F(CatalogTimes, ABadFormatIsNamed) {
  CatalogSpec s = spec(rows({"2024-01-01", "2024-01-02"}));
  s.time_format = "day first";
  EXPECT_THAT(config_error(s), HasSubstr("'day first' is no form of times"));
  s.time_format = "%d.%m.";
  EXPECT_THAT(config_error(s), HasSubstr("has no year"));
  s.time_format = "%G-W%V";
  EXPECT_THAT(config_error(s), HasSubstr("write iso_week"));
}

TEST_F(CatalogTimes, DaysWithAnOffsetKeepTheirLocalDate) {
  const Catalog catalog = build(rows(
      {"2024-03-30T00:00:00+01:00", "2024-03-31T00:00:00+01:00", "2024-04-01T00:00:00+02:00"}));
  EXPECT_EQ(to_string(catalog.frequency()), "D");
  EXPECT_THAT(dates(catalog), ElementsAre("2024-03-30", "2024-03-31", "2024-04-01"));
}

TEST_F(CatalogTimes, HoursWithOffsetsCountInUtc) {
  const std::vector<std::string> times = {"2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00",
                                          "2024-03-31T04:00:00+02:00"};
  const Catalog catalog = build(rows(times));
  EXPECT_THAT(dates(catalog),
              ElementsAre("2024-03-31 00:00:00", "2024-03-31 01:00:00", "2024-03-31 02:00:00"));
  EXPECT_EQ(catalog.axis().zone, "UTC");
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("carry offsets from +01:00 to +02:00")));

  CatalogSpec s = spec(rows(times));
  s.time_zone = "Europe/Berlin";
  EXPECT_THAT(dates(build(s)),
              ElementsAre("2024-03-31 01:00:00", "2024-03-31 03:00:00", "2024-03-31 04:00:00"));
}

TEST_F(CatalogTimes, OneOffsetIsWrittenBack) {
  const Catalog catalog = build(rows({"2024-01-01T05:00:00-05:00", "2024-01-01T06:00:00-05:00"}));
  const Timestamp next = time_of(catalog.frequency(), catalog.period(0, 2));
  write_table(path("out.csv"), {time_column(catalog.axis(), "ds", {next})});
  EXPECT_EQ(text_of(path("out.csv")), "ds\n2024-01-01 07:00:00-05:00\n");
}

TEST_F(CatalogTimes, ZonesOfParquetKeepLocalDaysAndAreWrittenBack) {
  // Midnights of Berlin from 30 March 2024, the second of which is in winter, the third in summer.
  const std::vector<OutputColumn> days = {
      {.name = "ds", .times = {1711753200, 1711839600, 1711922400}, .time_zone = "Europe/Berlin"},
      {.name = "y", .numbers = {1, 2, 3}}};
  write_table(path("days.parquet"), days);
  const Catalog catalog = build(spec_of(path("days.parquet")));
  EXPECT_THAT(dates(catalog), ElementsAre("2024-03-30", "2024-03-31", "2024-04-01"));
  const OutputColumn next =
      time_column(catalog.axis(), "ds", {time_of(catalog.frequency(), catalog.period(0, 3))});
  EXPECT_EQ(next.time_zone, "Europe/Berlin");
  EXPECT_THAT(next.times, ElementsAre(1712008800));

  const std::vector<OutputColumn> hours = {
      {.name = "ds", .times = {1711843200, 1711846800, 1711850400}, .time_zone = "Europe/Berlin"},
      {.name = "y", .numbers = {1, 2, 3}}};
  write_table(path("hours.parquet"), hours);
  EXPECT_THAT(dates(build(spec_of(path("hours.parquet")))),
              ElementsAre("2024-03-31 01:00:00", "2024-03-31 03:00:00", "2024-03-31 04:00:00"));
}

TEST_F(CatalogTimes, LocalHoursOfAZoneHaveNoGapAndNoDuplicateWhereClocksChange) {
  CatalogSpec spring = spec(rows({"2024-03-31 01:00", "2024-03-31 03:00", "2024-03-31 04:00"}));
  spring.time_zone = "Europe/Berlin";
  EXPECT_THAT(dates(build(spring)),
              ElementsAre("2024-03-31 01:00:00", "2024-03-31 03:00:00", "2024-03-31 04:00:00"));
  EXPECT_EQ(notes_.gap_steps, 0);
  CatalogSpec autumn =
      spec(rows({"2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"}));
  autumn.time_zone = "Europe/Berlin";
  EXPECT_THAT(series_of(build(autumn)), ElementsAre(values({0, 1, 2, 3})));
  CatalogSpec never = spec(rows({"2024-03-31 01:30", "2024-03-31 02:30"}));
  never.time_zone = "Europe/Berlin";
  EXPECT_THAT(error(never), HasSubstr("a.csv:3:ds: 2024-03-31 02:30:00 does not exist in "
                                      "Europe/Berlin"));
  never.time_zone = "Europe/Berlinn";
  EXPECT_THAT(error(never), HasSubstr("the time zone 'Europe/Berlinn' cannot be used"));
}

TEST_F(CatalogTimes, ATimeInsideAPeriodMeansThePeriod) {
  struct Case {
    std::string frequency;
    std::vector<std::string> times;
    std::vector<std::string> periods;
  };
  const std::vector<Case> cases = {
      {"MS", {"2018-01-15", "2018-02-15"}, {"2018-01-01", "2018-02-01"}},
      {"ME", {"2018-02-28", "2018-03-30"}, {"2018-02-28", "2018-03-31"}},
      {"D", {"2023-01-01 06:00:33", "2023-01-02 06:07:11"}, {"2023-01-01", "2023-01-02"}},
      {"h",
       {"2023-01-01 06:00:33.5", "2023-01-01 07:59:59.25"},
       {"2023-01-01 06:00:00", "2023-01-01 07:00:00"}},
      {"W-FRI", {"2024-03-21", "2024-03-29"}, {"2024-03-22", "2024-03-29"}},
      {"W-SUN", {"2024-03-18", "2024-03-31"}, {"2024-03-24", "2024-03-31"}}};
  for (const Case& c : cases) {
    CatalogSpec s = spec(rows(c.times));
    s.frequency = c.frequency;
    EXPECT_NE(error(s), "") << c.frequency;
    s.align_to_period = true;
    EXPECT_EQ(dates(build(s)), c.periods) << c.frequency;
  }
}

TEST_F(CatalogTimes, TimesOnNoGridNameThePeriodsThatTheyLieIn) {
  EXPECT_THAT(error(spec(rows({"2018-01-15", "2018-02-15", "2018-03-15", "2018-04-15"}))),
              HasSubstr("--data.frequency MS --data.align period"));
  EXPECT_THAT(error(spec(rows({"2018-01-31", "2018-02-28", "2018-03-30", "2018-04-30"}))),
              HasSubstr("--data.frequency ME --data.align period"));
  EXPECT_THAT(error(spec(rows({"2023-01-01 06:00:33", "2023-01-02 06:07:11", "2023-01-03 06:01:22",
                               "2023-01-04 06:05:00"}))),
              HasSubstr("--data.frequency D --data.align period"));
  EXPECT_THAT(
      error(spec(rows({"2020-01-26", "2020-02-23", "2020-03-29", "2020-04-26", "2020-05-24"}))),
      HasSubstr("--data.frequency ME --data.align period"))
      << "4-4-5";
}

TEST_F(CatalogTimes, TwoRowsOfAPeriodAreStillTwo) {
  CatalogSpec s = spec(rows({"2018-01-15", "2018-01-20", "2018-02-15"}));
  s.align_to_period = true;
  EXPECT_THAT(config_error(s), HasSubstr("needs the frequency of the periods"));
  s.frequency = "MS";
  EXPECT_THAT(error(s), HasSubstr("a.csv:3: a second row for"));
}

TEST_F(CatalogTimes, RowsAtTheTillAreAddedUp) {
  CatalogSpec s = spec(
      "id,ts,y,price,n\n"
      "A,2024-01-01 09:10:02,2,8,1\n"
      "A,2024-01-01 17:20:33,1,4,1\n"
      "A,2024-01-03 08:00:00,5,,1\n"
      "B,2024-01-02 08:00:00,7,3,1\n"
      "B,2024-01-02 08:00:00,9,5,\n");
  s.time = "ts";
  s.past = {"price", "n"};
  s.aggregate = "D";
  const Catalog catalog = build(s);
  EXPECT_EQ(to_string(catalog.frequency()), "D");
  EXPECT_THAT(series_of(catalog), ElementsAre(values({3, kNone, 5}), values({16})));
  EXPECT_THAT(series_of(catalog, 1), ElementsAre(values({6, kNone, kNone}), values({4})));
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("5 rows were added up to steps of D")));
  s.aggregate_by = {"y=max", "price=first", "n=count"};
  const Catalog other = build(s);
  EXPECT_THAT(series_of(other), ElementsAre(values({2, kNone, 5}), values({9})));
  EXPECT_THAT(series_of(other, 1), ElementsAre(values({8, kNone, kNone}), values({3})));
  EXPECT_THAT(series_of(other, 2), ElementsAre(values({2, kNone, 1}), values({1})));
  s.aggregate_by = {"y=last", "price=min", "n=max"};
  const Catalog third = build(s);
  EXPECT_THAT(series_of(third), ElementsAre(values({1, kNone, 5}), values({9})));
  EXPECT_THAT(series_of(third, 1), ElementsAre(values({4, kNone, kNone}), values({3})));
  s.aggregate_by = {"cost=sum"};
  EXPECT_THAT(config_error(s), HasSubstr("no target or input column 'cost'"));
  s.aggregate_by = {"y=median"};
  EXPECT_THAT(config_error(s), HasSubstr("'y=median' is not COLUMN=sum"));
}

TEST_F(CatalogTimes, SeriesInRowsHaveNothingToAddUp) {
  CatalogSpec s = spec("id,202311,202312,202401\nA,1,2,3\n");
  s.aggregate = "QS";
  EXPECT_THAT(error(s), HasSubstr("there are no rows to add up; remove data.aggregate"));
}

TEST_F(CatalogTimes, AFileOfTheFutureIsReadByTheSameTimes) {
  CatalogSpec s = spec("month,y,p\n202311,1,1\n202312,2,2\n202401,3,3\n");
  s.time = "month";
  s.future = {"p"};
  s.future_for_all = true;
  s.future_files = {file("future.csv", "month,p\n202402,4\n202403,5\n")};
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3, 4, 5})));
}

TEST_F(CatalogTimes, AFileOfTheFutureHasRepeatedHoursToo) {
  CatalogSpec s = spec(
      "unique_id,ds,y,p\nA,2024-10-27 00:00,1,1\nA,2024-10-27 01:00,1,2\n"
      "B,2024-10-27 00:00,1,5\nB,2024-10-27 01:00,1,6\n");
  s.future = {"p"};
  s.time_zone = "Europe/Berlin";
  s.future_files = {file("future.csv",
                         "unique_id,ds,p\nA,2024-10-27 02:00,3\nB,2024-10-27 02:00,7\n"
                         "A,2024-10-27 02:00,4\nB,2024-10-27 02:00,8\n")};
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3, 4}), values({5, 6, 7, 8})));
}

TEST_F(CatalogTimes, FractionsOfASecondAreAnErrorUnlessPeriodsAreAsked) {
  EXPECT_THAT(
      error(spec(rows({"2024-01-01 00:00:00.5", "2024-01-01 01:00:00.5"}))),
      HasSubstr("a.csv:2:ds: the time has a fraction of a second; round it to whole seconds, "
                "or set data.align"));
}

TEST_F(CatalogTimes, SeriesOfAnotherFrequencyAreNamed) {
  std::string csv = "unique_id,ds,y\n";
  for (int day = 1; day <= 29; ++day) {
    csv += "daily,2024-01-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + ",1\n";
    if (day % 7 == 1) {
      csv += "weekly,2024-01-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + ",1\n";
    }
  }
  build(csv);
  EXPECT_THAT(notes_.remarks, Contains(AllOf(HasSubstr("1 of 2 series"),
                                             HasSubstr("their rows are W-MON: weekly"))));
}

TEST_F(CatalogTimes, QuartersWeeksAndSpansAreRead) {
  EXPECT_THAT(dates(build(rows({"2023Q4", "2024Q1", "2024-Q2"}))),
              ElementsAre("2023-10-01", "2024-01-01", "2024-04-01"));
  EXPECT_THAT(dates(build(rows({"2024W05", "2024-W06"}))), ElementsAre("2024-01-29", "2024-02-05"));
  EXPECT_THAT(dates(build(rows({"2024-01-01/2024-01-07", "2024-01-08/2024-01-14"}))),
              ElementsAre("2024-01-01", "2024-01-08"));
  for (const std::string mark : {" - ", " to ", " \u2013 ", "-"}) {
    EXPECT_THAT(dates(build(rows(
                    {"2024-01-01" + mark + "2024-01-07", "2024-01-08" + mark + "2024-01-14"}))),
                ElementsAre("2024-01-01", "2024-01-08"))
        << mark;
  }
  EXPECT_THAT(error(spec(rows({"2024-01-07 - 2024-01-01"}))), HasSubstr("is not a time"));
  EXPECT_THAT(dates(build(rows({"20240131T13", "20240131T14"}))),
              ElementsAre("2024-01-31 13:00:00", "2024-01-31 14:00:00"));
}

TEST_F(CatalogTimes, ABlankThatIsNotThereProposesNoHour) {
  const std::string text = error(spec("date,y\n02.01.2023,1\n13.01.2023,2\n"));
  EXPECT_THAT(text, HasSubstr("all times here fit %d.%m.%Y: set it by --data.time_format"));
}

TEST_F(CatalogTimes, ValueColumnsMayBeNamedByMonths) {
  const Catalog catalog = build("id,202311,202312,202401\nA,1,2,3\n");
  EXPECT_THAT(dates(catalog), ElementsAre("2023-11-01", "2023-12-01", "2024-01-01"));
}

TEST_F(CatalogTimes, WeeksThatAreWrittenByTheirFirstAndLastDayAreReadByThePatternOfADay) {
  CatalogSpec s = spec(rows({"15.01.2024 - 21.01.2024", "22.01.2024 - 28.01.2024"}));
  EXPECT_THAT(error(s), HasSubstr("all times here fit %d.%m.%Y: set it by --data.time_format "
                                  "'%d.%m.%Y'"));
  s.time_format = "%d.%m.%Y";
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.time(0, 0), *parse_time("2024-01-15"));
  EXPECT_EQ(to_string(catalog.frequency()), "W-MON");
}

TEST_F(CatalogTimes, DatesWithoutAYearAreAskedForOne) {
  EXPECT_THAT(error(spec(rows({"3.1.-9.1.2022", "10.1.-16.1.2022"}))),
              HasSubstr("a.csv:2:ds: '3.1.-9.1.2022' is a span whose first day has no year; write "
                        "the first day only (2022-01-03)"));
  CatalogSpec s = spec(rows({"11/19", "12/19", "01/20"}));
  EXPECT_THAT(error(s), HasSubstr("a.csv:2:ds: '11/19' may be a month and a year or a day without "
                                  "its year; of a month and a year of two digits set "
                                  "--data.time_format '%m/%y'; to days add the year"));
  s.time_format = "%m/%y";
  EXPECT_EQ(build(s).time(0, 2), *parse_time("2020-01-01"));
}

TEST_F(CatalogTimes, StepsThatAreNumberedBehindAWordAreTheirNumbers) {
  const auto expect = [&](const std::string& column, const std::string& before) {
    std::string csv = "id," + column + ",sales\n";
    for (const char* step : {"9", "10", "11"}) csv += "A," + before + step + ",1" + step + "\n";
    const Catalog catalog = build(csv);
    EXPECT_THAT(dates(catalog), ElementsAre("9", "10", "11")) << column;
    EXPECT_THAT(series_of(catalog), ElementsAre(values({19, 110, 111})));
    EXPECT_THAT(notes_.remarks,
                Contains(HasSubstr("the times of '" + column + "' (" + before +
                                   "9 ..) are read as the numbers behind '" + before +
                                   "'; forecasts and settings have the numbers alone")));
  };
  expect("d", "d_");
  expect("t", "t");
  expect("week", "week_");
  expect("day", "Day ");
  expect("p", "P");
  expect("step", "period ");
}

TEST_F(CatalogTimes, AWordWithNumbersThatNamesNoTimeIsNotTakenForOne) {
  EXPECT_THAT(error(spec("shop,region,sales\nshop_1,region_1,1\nshop_2,region_2,2\n")),
              HasSubstr("which column is the time?"));
  EXPECT_THAT(error(spec("id,d,sales\nA,d_1,1\nA,e_2,2\n")), HasSubstr("'d_1' is not a time"));
}

TEST_F(CatalogTimes, NumbersThatBeginAgainAreAskedForTheirYear) {
  std::string csv = "week,sales\n", words = csv;
  for (int i = 0; i < 104; ++i) {
    csv += fmt::format("{},1\n", i % 52 + 1);
    words += fmt::format("Week {:02},1\n", i % 52 + 1);
  }
  const auto asks =
      AllOf(HasSubstr(":54: a second row for 1 ("),
            HasSubstr("the numbers begin again behind 52: if they count within a year, "
                      "write them with their year (2022-W05,"));
  EXPECT_THAT(error(spec(csv)), asks);
  EXPECT_THAT(error(spec(words)), asks);
  EXPECT_THAT(error(spec("week,sales\n3,1\n2,1\n1,1\n3,1\n2,1\n")),
              HasSubstr("the numbers begin again behind 1: if they count within a year"));
  EXPECT_THAT(error(spec("week,sales\n1,1\n2,1\n2,1\n3,1\n")), Not(HasSubstr("begin again")));
}

}  // namespace
}  // namespace sluice
