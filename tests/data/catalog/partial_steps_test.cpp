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
  CatalogSpec s = spec(rows({"2024-01-05", "2024-01-20", "2024-02-29", "2024-03-05"}));
  s.aggregate = "MS";
  EXPECT_THAT(series_of(build(s)), ElementsAre(values({1, 2, 3})));
  EXPECT_THAT(
      notes_.remarks,
      Contains("4 rows were added up to steps of MS (data.aggregate); the first one, "
               "2024-01-01, has 27 of its 31 days, from 2024-01-05 on, and the last one, "
               "2024-03-01, has 5 of its 31 days, up to 2024-03-05; both are taken as they "
               "are: leave them out if that is not all of them (without its rows, data.end = "
               "\"2024-02-29\")"));
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

}  // namespace
}  // namespace sluice
