// One time scale for a catalogue and all that is read beside it or said about it.
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

class CatalogTimeAxis : public CatalogBuild {
 protected:
  /// Two hours of a series with a known price, and a file with the price of the third hour.
  CatalogSpec with_future(const std::string& first, const std::string& second,
                          const std::string& third) {
    CatalogSpec s = spec("ds,y,p\n" + first + ",1,1\n" + second + ",2,2\n");
    s.future = {"p"};
    s.future_for_all = true;
    s.future_files = {file("future.csv", "ds,p\n" + third + ",3\n")};
    return s;
  }
};

TEST_F(CatalogTimeAxis, FutureTimesWithoutAnOffsetAreOnTheDatasClock) {
  const CatalogSpec s =
      with_future("2024-01-01T10:00:00+02:00", "2024-01-01T11:00:00+02:00", "2024-01-01T12:00:00");
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
  EXPECT_EQ(notes_.future_coverage, "all 1 series, 2024-01-01 12:00:00 .. 2024-01-01 12:00:00");
  EXPECT_THAT(notes_.remarks,
              Contains(HasSubstr("future.csv: the times of 'ds' carry no offset from UTC; they "
                                 "were read by the data's clock, +02:00")));
}

TEST_F(CatalogTimeAxis, AZoneOfTheDataHoldsForTheFutureFileToo) {
  write_table(path("a.parquet"),  // 2024-03-30 23:00 and 2024-03-31 00:00 UTC
              {{.name = "ds", .times = {1711839600, 1711843200}, .time_zone = "Europe/Berlin"},
               {.name = "y", .numbers = {1, 2}},
               {.name = "p", .numbers = {1, 2}}});
  CatalogSpec s = spec_of(path("a.parquet"));
  s.future = {"p"};
  // The clocks skip the hour from 02:00 on.
  s.future_files = {file("future.csv", "ds,p\n2024-03-31 03:00,3\n2024-03-31 04:00,4\n")};
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3, 4})));
  s.future_files = {file("skipped.csv", "ds,p\n2024-03-31 02:00,3\n")};
  EXPECT_THAT(error(s), AllOf(HasSubstr("skipped.csv:2:ds: 2024-03-31 02:00:00 does not exist in "
                                        "Europe/Berlin"),
                              HasSubstr("write the offsets from UTC")));
}

TEST_F(CatalogTimeAxis, FutureTimesThatNoClockTellsAreRefused) {
  const CatalogSpec several =
      with_future("2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00", "2024-03-31T04:00:00");
  EXPECT_THAT(error(several), HasSubstr("future.csv: the times of 'ds' carry no offset from UTC, "
                                        "those of the data several; write the offsets, or set "
                                        "data.time_zone to the zone of both"));
  CatalogSpec bare = with_future("2024-01-01 10:00", "2024-01-01 11:00", "2024-01-01T12:00:00Z");
  EXPECT_THAT(error(bare), HasSubstr("future.csv: the times of 'ds' carry an offset from UTC "
                                     "(+00:00), those of the data none; write both alike, or set "
                                     "data.time_zone"));
  bare.time_zone = "UTC";
  EXPECT_THAT(series_of(build(bare), 1), ElementsAre(values({1, 2, 3})));
}

TEST_F(CatalogTimeAxis, OffsetsOfDaysNeedNotBeTheSameInTheFutureFile) {
  CatalogSpec s =
      with_future("2024-01-01T00:00:00+01:00", "2024-01-02T00:00:00+01:00", "2024-01-03");
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
  s = with_future("2024-01-01", "2024-01-02", "2024-01-03T00:00:00+01:00");
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
}

TEST_F(CatalogTimeAxis, UnixTimesAreOnTheClockOfUtc) {
  CatalogSpec s = with_future("1704103200", "1704106800", "2024-01-01 12:00");  // 10:00, 11:00
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
  s = with_future("1704103200", "1704106800", "1704110400");
  s.time_format = "epoch_s";
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3})));
}

TEST_F(CatalogTimeAxis, TheEndIsReadAsTheTimesOfTheData) {
  CatalogSpec s = spec(
      "ds,y\n2024-01-01T10:00:00+02:00,1\n2024-01-01T11:00:00+02:00,2\n"
      "2024-01-01T12:00:00+02:00,3\n");
  for (const char* end : {"2024-01-01 11:00", "2024-01-01T09:00:00Z"}) {
    s.end = end;
    EXPECT_EQ(build(s).history(0), 2) << end;
    EXPECT_THAT(notes_.remarks, Contains(HasSubstr("1 row after 2024-01-01 11:00:00 is cut off")));
  }
  s = spec("ds,y\n30.01.2024,1\n31.01.2024,2\n01.02.2024,3\n");
  s.time_format = "%d.%m.%Y";
  s.end = "31.01.2024";
  EXPECT_EQ(build(s).history(0), 2);
}

TEST_F(CatalogTimeAxis, AnEndAfterTheDataIsSaidAndOneAfterWhichAllIsOverIsRefused) {
  CatalogSpec s = spec("ds,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n");
  s.end = "2024-01-05";
  EXPECT_EQ(build(s).history(0), 5);
  EXPECT_THAT(notes_.remarks, Contains("the data end 2024-01-03, 2 steps of frequency D before "
                                       "data.end = \"2024-01-05\""));
  s.end = "2034-01-05";
  EXPECT_THAT(config_error(s),
              AllOf(HasSubstr("data.end = \"2034-01-05\" lies 3,655 steps of frequency D after the "
                              "last value of the data (2024-01-03)"),
                    HasSubstr("every series would have ended (data.ended_after = 365)")));
  s.ended_after = 0;
  EXPECT_EQ(build(s).history(0), 3658);
}

/// A on Mondays, as C; B on Wednesdays.
constexpr const char* kWeekdays =
    "@attribute series_name string\n@attribute start_timestamp date\n@frequency weekly\n@data\n"
    "A:2024-01-01 00-00-00:1,2,3,4\nB:2024-01-03 00-00-00:5,6,7\nC:2024-01-01 00-00-00:8,9\n";

TEST_F(CatalogTimeAxis, RemarksOnWeeklySeriesNameTheirOwnWeekdays) {
  CatalogSpec s = spec_of(file("a.tsf", kWeekdays));
  s.end = "common";
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.date(1, 3), "2024-01-24");
  EXPECT_THAT(notes_.remarks, Contains(AllOf(HasSubstr("up to 2024-01-22, where all histories end"),
                                             HasSubstr("the first one: B (2024-01-17)"))));
}

TEST_F(CatalogTimeAxis, AnEndCutsEachWeeklySeriesByItsOwnWeekday) {
  CatalogSpec s = spec_of(file("a.tsf", kWeekdays));
  s.end = "2024-01-09";  // a Tuesday
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.history(0), 2);  // 01, 08
  EXPECT_EQ(catalog.history(1), 1);  // 03; the 10th is after it
  EXPECT_EQ(catalog.history(2), 2);
}

TEST_F(CatalogTimeAxis, TimesInsideAPeriodMeanItInEveryLayout) {
  CatalogSpec names = spec("id,2024-01-15,2024-02-15,2024-03-15\nA,1,2,3\n");
  names.frequency = "MS";
  EXPECT_THAT(error(names), HasSubstr("does not follow"));
  names.align_to_period = true;
  EXPECT_EQ(build(names).date(0, 0), "2024-01-01");
  names.frequency = "auto";
  EXPECT_THAT(config_error(names), HasSubstr("needs the frequency of the periods"));

  CatalogSpec hours = spec("id,2024-01-01 06:05,2024-01-01 07:10\nA,1,2\n");
  hours.frequency = "h";
  hours.align_to_period = true;
  EXPECT_EQ(build(hours).date(0, 1), "2024-01-01 07:00:00");

  CatalogSpec start = spec("id,v1,v2\nA,1,2\n");
  start.frequency = "MS";
  start.start = "2024-01-15";
  EXPECT_THAT(config_error(start), HasSubstr("data.start: 2024-01-15 is not on the grid"));
  start.align_to_period = true;
  EXPECT_EQ(build(start).date(0, 1), "2024-02-01");

  CatalogSpec weeks = spec("id,start,v1,v2\nA,2024-01-03,1,2\nB,2024-01-08,3,4\n");
  weeks.frequency = "W-SUN";
  weeks.align_to_period = true;  // of weeks the one that ends on Sunday
  const Catalog catalog = build(weeks);
  EXPECT_EQ(catalog.date(0, 0), "2024-01-07");
  EXPECT_EQ(catalog.date(1, 0), "2024-01-14");
}

TEST_F(CatalogTimeAxis, TheStartOfAllSeriesIsReadAsOtherTimes) {
  CatalogSpec s = spec("id,v1,v2\nA,1,2\n");
  s.frequency = "h";
  s.time_zone = "Europe/Berlin";
  s.time_format = "%d.%m.%Y %H:%M";
  s.start = "27.10.2024 02:00";
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.date(0, 1), "2024-10-27 02:00:00");  // the clocks are set back
  EXPECT_EQ(catalog.date(0, 2), "2024-10-27 03:00:00");
  s.start = "soon";
  EXPECT_THAT(config_error(s), HasSubstr("data.start: the time 'soon' is no time by "
                                         "data.time_format = '%d.%m.%Y %H:%M'"));
}

TEST_F(CatalogTimeAxis, TwoRowsOfAnHourThatClocksMayRepeatNameTheZone) {
  const auto twice = [&](const std::string& hour) {
    return error(spec("ds,y\n2024-10-27 " + hour + ":00,1\n2024-10-27 " + hour +
                      ":00,2\n2024-10-28 04:00,3\n2024-10-28 05:00,4\n"));
  };
  EXPECT_THAT(twice("02"), HasSubstr("where clocks were set back in that hour, set data.time_zone "
                                     "to theirs (Europe/Berlin); else "));
  EXPECT_THAT(twice("12"), Not(HasSubstr("data.time_zone")));
}

TEST_F(CatalogTimeAxis, IsoWeeksAreWrittenAsTheyWere) {
  const std::vector<std::vector<std::string>> forms = {{"202404", "202405", "202406"},
                                                       {"2024W04", "2024W05", "2024W06"},
                                                       {"2024-W04", "2024-W05", "2024-W06"},
                                                       {"2024-04", "2024-05", "2024-06"},
                                                       {"2024-W04-1", "2024-W05-1", "2024-W06-1"}};
  for (const auto& form : forms) {
    CatalogSpec s = spec("ds,y\n" + form[0] + ",1\n" + form[1] + ",2\n");
    s.time_format = "iso_week";
    const Catalog catalog = build(s);
    EXPECT_EQ(catalog.date(0, 1), "2024-01-29");
    EXPECT_THAT(time_column(catalog.axis(), "ds", {catalog.time(0, 2)}).text, ElementsAre(form[2]));
    EXPECT_EQ(catalog.axis().time_of_text(form[2]), catalog.time(0, 2));
  }
}

TEST_F(CatalogTimeAxis, PeriodsOfFourAndFiveWeeksAreNoMonths) {
  EXPECT_THAT(
      error(spec("ds,y\n2024-01-28,1\n2024-02-25,2\n2024-03-31,3\n2024-04-28,4\n")),
      AllOf(HasSubstr("periods of 4 and of 5 weeks (a 4-4-5 calendar) are no grid of dates: number "
                      "them in a column of their own"),
            HasSubstr("or give a row for each week (W-SUN)")));
  EXPECT_THAT(error(spec("ds,y\n2024-01-07,1\n2024-01-21,2\n2024-02-04,3\n2024-02-11,4\n"
                         "2024-02-25,4\n")),
              HasSubstr("all are whole weeks apart: --data.frequency W-SUN takes the weeks between "
                        "them for steps without a row"));
}

TEST_F(CatalogTimeAxis, StepsOfSecondsAreAGrid) {
  const Catalog catalog = build(
      "ds,y\n2024-01-01 00:00:00,1\n2024-01-01 00:00:10,2\n"
      "2024-01-01 00:00:20,3\n");
  EXPECT_EQ(to_string(catalog.frequency()), "10s");
  EXPECT_EQ(catalog.date(0, 3), "2024-01-01 00:00:30");
  const Catalog wind =
      build(spec_of(file("wind.tsf",
                         "@attribute series_name string\n@attribute start_timestamp date\n"
                         "@frequency 4_seconds\n@data\nT1:2019-08-01 00-00-02:1,2\n")));
  EXPECT_EQ(wind.date(0, 1), "2019-08-01 00:00:06");
}

}  // namespace
}  // namespace sluice
