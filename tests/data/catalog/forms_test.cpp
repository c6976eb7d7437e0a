// How times are written: each file in its own form, and weeks, quarters and UTC as they are named.
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class TimeForms : public CatalogBuild {
 protected:
  /// Days of prices 1 and 2, at `first` and `second`, and a file with the price 3 of `third`.
  CatalogSpec beside(const std::string& first, const std::string& second,
                     const std::vector<std::string>& later) {
    CatalogSpec s = spec("ds,y,p\n" + first + ",1,1\n" + second + ",2,2\n");
    s.future = {"p"};
    s.future_for_all = true;
    std::string csv = "ds,p\n";
    for (std::size_t i = 0; i < later.size(); ++i)
      csv += later[i] + "," + std::to_string(3 + i) + "\n";
    s.future_files = {file("f.csv", csv)};
    return s;
  }
};

TEST_F(TimeForms, AFileBesideTheDataHasAFormOfItsOwn) {
  CatalogSpec s = beside("2024-01-13", "2024-01-14", {"15.01.2024", "16.01.2024"});
  EXPECT_THAT(series_of(build(s), 1), ElementsAre(values({1, 2, 3, 4})));
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("f.csv: the times of 'ds' were read by %d.%m.%Y, "
                                                 "which fits all of them; ISO 8601 does not")));
  // The setting that says so for the file leaves the data's own times alone.
  s.time_format = "%d.%m.%Y";
  const Catalog catalog = build(s);
  EXPECT_THAT(series_of(catalog, 1), ElementsAre(values({1, 2, 3, 4})));
  EXPECT_EQ(catalog.axis().format, "");
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("a.csv: the times of 'ds' are in ISO 8601 and not "
                                                 "by data.time_format = '%d.%m.%Y'")));
}

TEST_F(TimeForms, IsoTimesAreReadBesideATimeFormat) {
  CatalogSpec s = beside("13.01.2024", "14.01.2024", {"2024-01-15", "2024-01-16"});
  s.time_format = "%d.%m.%Y";
  const Catalog catalog = build(s);
  EXPECT_THAT(series_of(catalog, 1), ElementsAre(values({1, 2, 3, 4})));
  EXPECT_EQ(catalog.axis().format, "%d.%m.%Y");
  CatalogSpec mixed = spec(rows({"13.01.2024", "2024-01-14", "15.01.2024"}));
  mixed.time_format = "%d.%m.%Y";
  EXPECT_THAT(dates(build(mixed)), ElementsAre("2024-01-13", "2024-01-14", "2024-01-15"));
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("1 of 3 times of 'ds' is in ISO 8601")));
}

TEST_F(TimeForms, DaysBesideATillNeedNoTimeOfDay) {
  CatalogSpec s =
      beside("02/03/2024 09:25:44 AM", "02/04/2024 09:26:00 PM", {"02/05/2024", "02/06/2024"});
  s.time_format = "%m/%d/%Y %I:%M:%S %p";
  s.aggregate = "D";
  const Catalog catalog = build(s);
  EXPECT_EQ(catalog.date(0, 0), "2024-02-03");
  EXPECT_THAT(series_of(catalog, 1), ElementsAre(values({1, 2, 3, 4})));
}

TEST_F(TimeForms, AFormThatLeavesADoubtIsNotTakenForAFileBesideTheData) {
  CatalogSpec s = beside("2024-01-13", "2024-01-14", {"03/02/2024", "05/02/2024", "10/02/2024"});
  EXPECT_THAT(error(s), HasSubstr("f.csv:2:ds: '03/02/2024' is not a time in ISO 8601; the times "
                                  "here fit %d/%m/%Y as well as %m/%d/%Y"));
  s = beside("13.01.2024", "14.01.2024", {"03/02/2024", "05/02/2024", "10/02/2024"});
  s.time_format = "%d.%m.%Y";
  EXPECT_THAT(error(s), HasSubstr("write them as ISO 8601 has it (2024-01-31)"));
  // Of every second day, and of months: the order of day and month is anybody's guess.
  s = beside("2024-01-13", "2024-01-14", {"03/02/2024", "05/02/2024", "07/02/2024"});
  EXPECT_THAT(error(s), HasSubstr("f.csv:2:ds: '03/02/2024' is not a time in ISO 8601"));
  // Days one after the other as the data's.
  s = beside("2024-01-13", "2024-01-14", {"03/02/2024", "04/02/2024", "05/02/2024"});
  build(s);
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("were read by %d/%m/%Y")));
}

TEST_F(TimeForms, ADayInTheMonthsPlaceIsNotReadAsIso) {
  CatalogSpec s = spec(rows({"2024-13-01", "2024-01-14"}));
  s.time_format = "%Y-%d-%m";
  EXPECT_THAT(error(s), HasSubstr("'2024-01-14' is no time by data.time_format = '%Y-%d-%m'"));
}

TEST_F(TimeForms, TheYearMayStandInFrontWithTwoDigits) {
  for (const std::string mark : {"-", "/", "."}) {
    std::vector<std::string> times;
    for (int day = 1; day <= 28; ++day) {
      times.push_back("24" + mark + "02" + mark + (day < 10 ? "0" : "") + std::to_string(day));
    }
    const std::string pattern = "%y" + mark + "%m" + mark + "%d";
    EXPECT_THAT(error(spec(rows(times))), HasSubstr("all times here fit " + pattern + ": set it"));
    CatalogSpec s = spec(rows(times));
    s.time_format = pattern;
    EXPECT_EQ(build(s).date(0, 27), "2024-02-28");
    // Of the same days with the year behind, the days are no years.
    for (std::string& time : times) time = time.substr(6) + mark + "02" + mark + "24";
    EXPECT_THAT(error(spec(rows(times))),
                HasSubstr("all times here fit %d" + mark + "%m" + mark + "%y:"));
  }
  EXPECT_THAT(error(spec(rows({"24-01-24", "25-01-25"}))), HasSubstr("%d-%m-%y"));
}

TEST_F(TimeForms, WeeksAndQuartersAreReadAsTheyAreNamed) {
  const auto weeks = ElementsAre("2024-12-23", "2024-12-30", "2025-01-06");
  EXPECT_THAT(dates(build(rows({"KW 52/2024", "KW 01/2025", "KW 02/2025"}))), weeks);
  EXPECT_THAT(dates(build(rows({"W52-2024", "W01-2025", "W02-2025"}))), weeks);
  EXPECT_THAT(dates(build(rows({"2024-KW52", "2025-KW1", "2025-KW2"}))), weeks);
  const auto quarters = ElementsAre("2023-10-01", "2024-01-01", "2024-04-01");
  EXPECT_THAT(dates(build(rows({"Q4 2023", "Q1 2024", "Q2 2024"}))), quarters);
  EXPECT_THAT(dates(build(rows({"4Q23", "1Q24", "2Q24"}))), quarters);
  EXPECT_THAT(dates(build(rows({"2023 Q4", "2024 Q1", "2024 Q2"}))), quarters);
  EXPECT_THAT(error(spec(rows({"Q4 2023", "Q5 2023"}))), HasSubstr("'Q5 2023' is not a time"));
  EXPECT_THAT(error(spec(rows({"KW 52/2023", "KW 53/2023"}))), HasSubstr("'KW 53/2023'"));
}

TEST_F(TimeForms, WeeksWithoutAMarkAreProposedAndWrittenAlike) {
  EXPECT_THAT(error(spec(rows({"2022/12", "2022/13"}))),
              HasSubstr("'2022/13' is no month; all times here are weeks by ISO 8601: set it by "
                        "--data.time_format iso_week"));
  const std::vector<std::vector<std::string>> cases = {
      {"2022/13", "2022/14"},       {"2022-8", "2022-9"}, {"13/2022", "14/2022"},
      {"KW 08/2022", "KW 09/2022"}, {"202208", "202209"}, {"2022-W08-1", "2022-W09-1"}};
  for (const auto& times : cases) {
    CatalogSpec s = spec(rows(times));
    s.time_format = "iso_week";
    const Catalog catalog = build(s);
    EXPECT_EQ(to_string(catalog.frequency()), "W-MON") << times.front();
    const Timestamp next = time_of(catalog.frequency(), catalog.period(0, 1));
    EXPECT_THAT(time_column(catalog.axis(), "ds", {next}).text, ElementsAre(times[1]));
  }
}

TEST_F(TimeForms, WordsOfPatternsThatSayNoDayAreRefused) {
  CatalogSpec s = spec(rows({"KW 05/2024", "KW 06/2024"}));
  for (const char* pattern : {"KW %W/%Y", "KW %U/%Y"}) {
    s.time_format = pattern;
    EXPECT_THAT(config_error(s), HasSubstr("are the word iso_week"));
  }
  s.time_format = "Q%q %Y";
  EXPECT_THAT(config_error(s), HasSubstr("%q, which is no word of strptime"));
  // With a weekday a week is a day: Monday of the week of the first Monday, 2024-01-01.
  s = spec(rows({"2024 W01 1", "2024 W02 1"}));
  s.time_format = "%Y W%W %u";
  EXPECT_THAT(dates(build(s)), ElementsAre("2024-01-01", "2024-01-08"));
}

TEST_F(TimeForms, UtcIsAnOffset) {
  const Catalog catalog = build(rows({"2024-01-01 00:00:00 UTC", "2024-01-01 01:00:00 UTC"}));
  EXPECT_EQ(to_string(catalog.frequency()), "h");
  EXPECT_EQ(catalog.axis().zone, "Z");
}

TEST_F(TimeForms, WeekdaysOfOtherLanguagesMayStandInFront) {
  CatalogSpec s = spec(rows({"Sa 13.01.2024", "So 14.01.2024"}));
  EXPECT_THAT(error(s), HasSubstr("all times here fit %a %d.%m.%Y: set it by --data.time_format"));
  s.time_format = "%a %d.%m.%Y";
  EXPECT_THAT(dates(build(s)), ElementsAre("2024-01-13", "2024-01-14"));
  EXPECT_THAT(error(spec(rows({"Xy 13.01.2024"}))), HasSubstr("'Xy 13.01.2024' is not a time;"));
}

TEST_F(TimeForms, MidnightsOfAZoneInUtcNameTheZone) {
  const std::string summer = rows({"2024-03-29T23:00:00Z", "2024-03-30T23:00:00Z",
                                   "2024-03-31T22:00:00Z", "2024-04-01T22:00:00Z"});
  EXPECT_THAT(error(spec(summer)),
              HasSubstr("in UTC they are all midnights of Europe/Berlin: set their zone: "
                        "--data.time_zone Europe/Berlin"));
  EXPECT_THAT(error(spec(rows({"2024-03-09T05:00:00Z", "2024-03-10T05:00:00Z",
                               "2024-03-11T04:00:00Z", "2024-03-12T04:00:00Z"}))),
              HasSubstr("--data.time_zone America/New_York"));
  CatalogSpec s = spec(summer);
  s.time_zone = "Europe/Berlin";
  EXPECT_THAT(dates(build(s)), ElementsAre("2024-03-30", "2024-03-31", "2024-04-01", "2024-04-02"));
}

TEST_F(TimeForms, MidnightsOfOneOffsetInUtcAreSaid) {
  const auto said =
      Contains(HasSubstr("set data.time_zone = \"Europe/Berlin\"; without it "
                         "2024-01-01 23:00:00 is a step of 2024-01-01"));
  const std::string winter = rows({"2024-01-01T23:00:00Z", "2024-01-02T23:00:00Z"});
  build(winter);
  EXPECT_THAT(notes_.remarks, said);
  CatalogSpec s = spec(winter);
  s.time_zone = "Europe/Berlin";
  EXPECT_THAT(dates(build(s)), ElementsAre("2024-01-02", "2024-01-03"));
  EXPECT_THAT(notes_.remarks, Not(Contains(HasSubstr("are in UTC"))));
  build(rows({"2024-06-01T12:00:00Z", "2024-06-02T12:00:00Z"}));
  EXPECT_THAT(notes_.remarks, Not(Contains(HasSubstr("are in UTC"))));
}

TEST_F(TimeForms, DaysOfRowsInUtcAreSaidToBeDaysOfUtc) {
  CatalogSpec s =
      spec(rows({"2024-01-01T09:15:00Z", "2024-01-01T23:30:00Z", "2024-01-02T09:00:00Z"}));
  s.aggregate = "D";
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2})));
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("are in UTC: days begin at midnight UTC; set "
                                                 "data.time_zone")));
}

TEST_F(TimeForms, OfARepeatedHourTheFilesOrderSaysWhichIsWhich) {
  std::vector<std::string> hours = {"00:00", "01:00", "02:00", "02:00", "03:00", "04:00"};
  for (const bool newest_first : {false, true}) {
    std::string csv = "ds,y\n";
    for (std::size_t i = 0; i < hours.size(); ++i) {
      const std::size_t hour = newest_first ? hours.size() - 1 - i : i;
      csv += "2024-10-27 " + hours[hour] + "," + std::to_string(hour) + "\n";
    }
    CatalogSpec s = spec(csv);
    s.time_zone = "Europe/Berlin";
    EXPECT_THAT(series_of(build(s)), ElementsAre(values({0, 1, 2, 3, 4, 5}))) << newest_first;
    std::string two = "id,ds,y\n";
    for (const char* id : {"A", "B"}) {
      for (std::size_t line = csv.find('\n') + 1; line < csv.size();) {
        const std::size_t end = csv.find('\n', line) + 1;
        two += std::string(id) + "," + csv.substr(line, end - line);
        line = end;
      }
    }
    s = spec(two);
    s.time_zone = "Europe/Berlin";
    const auto each = values({0, 1, 2, 3, 4, 5});
    EXPECT_THAT(series_of(build(s)), ElementsAre(each, each)) << newest_first;
  }
}

}  // namespace
}  // namespace sluice
