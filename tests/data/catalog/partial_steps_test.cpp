// Which steps rows that are added up (data.aggregate) fill in part only.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/catalog/fixture.hpp"

namespace sluice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class PartialSteps : public CatalogBuild {};

TEST_F(PartialSteps, AnUnfinishedFirstAndLastMonthAreSaid) {
  std::vector<std::string> days;
  for (int day = 5; day <= 31; ++day) days.push_back(fmt::format("2024-01-{:02}", day));
  for (int day = 1; day <= 29; ++day) days.push_back(fmt::format("2024-02-{:02}", day));
  for (int day = 1; day <= 5; ++day) days.push_back(fmt::format("2024-03-{:02}", day));
  CatalogSpec s = spec(rows(days));
  s.aggregate = "MS";
  EXPECT_EQ(build(s).history(0), 3);
  EXPECT_THAT(notes_.remarks,
              Contains("61 rows were added up to steps of MS (data.aggregate); the first one, "
                       "2024-01-01, has 27 of its 31 days, from 2024-01-05 on, and the last one, "
                       "2024-03-01, has 5 of its 31 days, up to 2024-03-05; both are taken as they "
                       "are: leave them out if that is not all of them (remove the rows before "
                       "2024-02-01, set data.end = \"2024-02-29\")"));
  s.end = "2024-02-29";  // which leaves it out
  EXPECT_EQ(build(s).history(0), 2);
  EXPECT_THAT(notes_.remarks, Contains(HasSubstr("has 27 of its 31 days")));
  EXPECT_THAT(notes_.remarks, Not(Contains(HasSubstr("the last one"))));
  EXPECT_THAT(notes_.remarks, Contains("1 step after 2024-02-01 is cut off (data.end)"));
}

TEST_F(PartialSteps, PartsOfADayAreCountedInItsHours) {
  std::vector<std::string> hours;
  for (int day = 1; day <= 3; ++day) {
    for (int hour = day == 1 ? 6 : 0; hour < (day == 3 ? 9 : 24); ++hour) {
      hours.push_back(fmt::format("2024-01-{:02} {:02}:00", day, hour));
    }
  }
  CatalogSpec s = spec(rows(hours));
  s.aggregate = "D";
  build(s);
  EXPECT_THAT(notes_.remarks,
              Contains(HasSubstr("the first one, 2024-01-01, has 18 of its 24 hours, from "
                                 "2024-01-01 06:00:00 on, and the last one, 2024-01-03, has 9 of "
                                 "its 24 hours")));
}

TEST_F(PartialSteps, AWeekOfBusinessDaysIsWholeOnItsFriday) {
  std::vector<std::string> days;
  for (int day = 1; day <= 19; ++day) {
    if (day % 7 != 6 && day % 7 != 0) days.push_back(fmt::format("2024-01-{:02}", day));
  }
  CatalogSpec s = spec(rows(days));
  s.aggregate = "W-SUN";
  build(s);
  EXPECT_THAT(notes_.remarks, Contains("15 rows were added up to steps of W-SUN (data.aggregate)"));
}

// From 9 to 18 h on each of six days; then a first day from 12 h on, a last one up to 15 h.
TEST_F(PartialSteps, ClosedHoursAreInEveryDay) {
  const auto text = [&](int opens_first, int closes_last) {
    std::vector<std::string> hours;
    for (int day = 1; day <= 6; ++day) {
      for (int hour = day == 1 ? opens_first : 9; hour <= (day == 6 ? closes_last : 18); ++hour) {
        hours.push_back(fmt::format("2024-01-{:02} {:02}:00", day, hour));
      }
    }
    CatalogSpec s = spec(rows(hours));
    s.aggregate = "D";
    build(s);
    return notes_.remarks.back();
  };
  EXPECT_EQ(text(9, 18), "60 rows were added up to steps of D (data.aggregate)");
  EXPECT_THAT(text(12, 18), HasSubstr("the first one, 2024-01-01, has 12 of its 24 hours, from "
                                      "2024-01-01 12:00:00 on; it is taken as it is"));
  EXPECT_THAT(text(12, 18), HasSubstr("(remove the rows before 2024-01-02)"));
  EXPECT_THAT(text(9, 15), HasSubstr("; the last one, 2024-01-06, has 16 of its 24 hours, up to "
                                     "2024-01-06 15:00:00; it is taken as it is"));
}

TEST_F(PartialSteps, MonthsStampedInTheMiddleFillQuartersAllTheSame) {
  const auto text = [&](int first, int last) {
    std::vector<std::string> days;
    for (int month = first; month <= last; ++month) {
      days.push_back(fmt::format("{}-{:02}-28", 2022 + month / 12, month % 12 + 1));
    }
    CatalogSpec s = spec(rows(days));
    s.aggregate = "QS";
    build(s);
    return notes_.remarks.back();
  };
  // The quarters end 3, 2, 2 and 3 days after the 28th.
  EXPECT_EQ(text(0, 26), "27 rows were added up to steps of QS (data.aggregate)");
  EXPECT_EQ(text(3, 23), "21 rows were added up to steps of QS (data.aggregate)");
  EXPECT_THAT(text(1, 23), HasSubstr("the first one, 2022-01-01, has 32 of its 90 days"));
  EXPECT_THAT(text(0, 22), HasSubstr("the last one, 2023-10-01, has 59 of its 92 days"));
}

TEST_F(PartialSteps, AShopThatIsClosedOnSundaysEndsItsWeeksOnSaturdays) {
  const auto text = [&](int first, int last) {
    std::vector<std::string> days;
    for (int day = first; day <= last; ++day) {
      if (day % 7 != 0) days.push_back(fmt::format("2024-01-{:02}", day));  // the 7th is a Sunday
    }
    CatalogSpec s = spec(rows(days));
    s.aggregate = "W-SUN";
    build(s);
    return notes_.remarks.back();
  };
  EXPECT_EQ(text(1, 27), "24 rows were added up to steps of W-SUN (data.aggregate)");
  EXPECT_THAT(text(3, 27), HasSubstr("the first one, 2024-01-07, has 5 of its 7 days"));
  EXPECT_THAT(text(1, 25), HasSubstr("the last one, 2024-01-28, has 4 of its 7 days"));
}

TEST_F(PartialSteps, SecondsAndMinutesOfLongStepsAreCountedByName) {
  const auto text = [&](int from_second, const std::string& aggregate, int step) {
    std::vector<std::string> times;
    for (int at = from_second; at < 3 * 3600; at += step) {
      times.push_back(
          fmt::format("2024-01-01 {:02}:{:02}:{:02}", at / 3600, at / 60 % 60, at % 60));
    }
    CatalogSpec s = spec(rows(times));
    s.aggregate = aggregate;
    build(s);
    return notes_.remarks.back();
  };
  EXPECT_THAT(text(100, "h", 1), HasSubstr("has 3,500 of its 3,600 seconds, from 2024-01-01 "
                                           "00:01:40 on"));
  EXPECT_THAT(text(600, "h", 60), HasSubstr("has 50 of its 60 minutes, from 2024-01-01 00:10:00 "
                                            "on"));
  EXPECT_EQ(text(0, "h", 60), "180 rows were added up to steps of h (data.aggregate)");
}

// A single one has none beside it that says what is whole, and nothing would be left without it.
TEST_F(PartialSteps, ASingleStepIsNotComparedWithAny) {
  CatalogSpec s = spec(rows({"2024-03-05", "2024-03-06", "2024-03-07"}));
  s.aggregate = "YS";
  build(s);
  EXPECT_EQ(notes_.remarks.back(), "3 rows were added up to steps of YS (data.aggregate)");
}

}  // namespace
}  // namespace sluice
