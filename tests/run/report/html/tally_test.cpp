// What the HTML report counts, by hand on a few points.
#include "run/report/html/tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "sluice/base/error.hpp"
#include "support/catalogs.hpp"

namespace sluice::html {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Three series of ten days from Monday 2024-01-01, in two regions.
CatalogParts three_series() {
  const std::vector<float> ten(10, 1.F);
  CatalogParts parts = testing::daily_parts({ten, ten, ten});
  parts.static_categories.push_back({"region", {"unknown", "north", "south"}, {1, 2, 1}});
  return parts;
}

/// Two steps of a model and one other method, with the quantiles .1, .5, .9.
struct Row {
  std::vector<double> actual, methods, quantiles;
  ScoredRow of(std::int64_t series, std::int64_t cutoff) const {
    return {series, 0, cutoff, actual, methods, quantiles};
  }
};

Tally tally_of(const Catalog& catalog, const std::vector<std::string>& id_columns = {}) {
  return Tally(catalog, id_columns, {.1, .5, .9}, {80});
}

TEST(Tally, AddsErrorsOfEveryMethodByStepOfTheHorizon) {
  const Catalog catalog(three_series());
  Tally tally = tally_of(catalog);
  // Errors of the model: +2 and -3; of the other method: -1 and +5.
  const Row first{{10, 20}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}};
  // And: -1 and +1; 0 and 0.
  const Row second{{-4, 6}, {-5, 7, -4, 6}, {-6, -5, -4, 6, 7, 8}};
  tally.add(first.of(0, 5));
  tally.add(second.of(1, 5));

  ASSERT_EQ(tally.steps().size(), 2u);
  const Slice &one = tally.steps()[0], &two = tally.steps()[1];
  EXPECT_EQ(one.points, 2);
  EXPECT_THAT(one.absolute, ElementsAre(3, 1));
  EXPECT_THAT(two.absolute, ElementsAre(4, 5));
  EXPECT_EQ(one.actual, 14);
  EXPECT_EQ(two.actual, 26);
  EXPECT_EQ(one.signed_error, 1);
  EXPECT_EQ(two.signed_error, -2);
  EXPECT_THAT(tally.total().absolute, ElementsAre(7, 6));
  EXPECT_EQ(tally.total().points, 4);
}

TEST(Tally, CountsValuesAtAnIntervalsEndsAsInside) {
  const Catalog catalog(three_series());
  Tally tally = tally_of(catalog);
  // 10 lies below [11, 13]; 20 in [16, 21]; then -4 at the upper end and 6 at the lower one.
  tally.add(Row{{10, 20}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}}.of(0, 5));
  tally.add(Row{{-4, 6}, {-5, 7, -4, 6}, {-6, -5, -4, 6, 7, 8}}.of(1, 5));
  EXPECT_THAT(tally.total().covered, ElementsAre(3));
  EXPECT_THAT(tally.steps()[0].covered, ElementsAre(1));
  EXPECT_THAT(tally.steps()[1].covered, ElementsAre(2));
  // At or below .1: 10 and 6; the median: these alone; .9: all four.
  EXPECT_THAT(tally.total().below, ElementsAre(2, 2, 4));
}

TEST(Tally, KeepsTargetsApartWhereThereAreSeveral) {
  CatalogParts parts = three_series();
  Channel price = parts.channels[0];
  price.name = "price";
  parts.channels.push_back(price);
  const Catalog catalog(std::move(parts));
  Tally tally = tally_of(catalog);
  Row row{{10, 20}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}};
  tally.add({0, 0, 5, row.actual, row.methods, row.quantiles});
  row.methods[0] = 110;
  tally.add({2, 1, 5, row.actual, row.methods, row.quantiles});
  const Group& group = tally.groups()[0];
  EXPECT_TRUE(group.of_targets);
  EXPECT_THAT(group.words, ElementsAre(catalog.target(0).name, "price"));
  EXPECT_THAT(group.series, ElementsAre(3, 3));
  EXPECT_THAT(group.slices[0].absolute, ElementsAre(5, 6));
  EXPECT_THAT(group.slices[1].absolute, ElementsAre(103, 6));
  EXPECT_EQ(tally.groups()[1].name, "region");
}

TEST(Tally, PutsEachStepOnItsOwnWeekday) {
  const Catalog catalog(three_series());
  Tally tally = tally_of(catalog);
  // Steps 5 and 6 are Saturday and Sunday.
  tally.add(Row{{10, 20}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}}.of(0, 5));
  ASSERT_EQ(tally.weekdays().size(), 7u);
  EXPECT_EQ(tally.weekdays()[4].points, 0);
  EXPECT_THAT(tally.weekdays()[5].absolute, ElementsAre(2, 1));
  EXPECT_THAT(tally.weekdays()[6].absolute, ElementsAre(3, 5));
}

TEST(Tally, HasNoWeekdaysForMonthsAndNumbers) {
  CatalogParts months = three_series();
  months.axis.frequency = parse_frequency("MS");
  EXPECT_THAT(tally_of(Catalog(months)).weekdays(), IsEmpty());
  CatalogParts numbers = three_series();
  numbers.axis.frequency = Frequency{};
  numbers.axis.integers = true;
  EXPECT_THAT(tally_of(Catalog(numbers)).weekdays(), IsEmpty());
  CatalogParts hours = three_series();
  hours.axis.frequency = parse_frequency("h");
  EXPECT_EQ(tally_of(Catalog(hours)).weekdays().size(), 7u);
}

TEST(Tally, TakesTheWeekdayOfAnInstantFromTheClock) {
  CatalogParts parts = three_series();
  parts.axis.frequency = parse_frequency("h");
  // Step 0: Sunday 2023-12-31 23:00 in UTC, which is Monday where clocks are two hours ahead.
  const auto first = period_of(parts.axis.frequency, *parse_time("2023-12-31 23:00:00"));
  ASSERT_TRUE(first);
  parts.first = {*first - 1, *first - 1, *first - 1};
  parts.axis.clock = {{std::numeric_limits<std::int64_t>::min(), 7200}};
  const Catalog catalog(parts);
  Tally tally = tally_of(catalog);
  tally.add(Row{{10, 20}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}}.of(0, 1));
  EXPECT_EQ(tally.weekdays()[0].points, 2);
  EXPECT_EQ(tally.weekdays()[6].points, 0);
}

TEST(Tally, AddsUpTheSeriesOfEachGroup) {
  const Catalog catalog(three_series());
  Tally tally = tally_of(catalog);
  const Row row{{10, 20}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}};
  tally.add(row.of(0, 5));
  tally.add(row.of(1, 5));
  tally.add(row.of(2, 5));
  ASSERT_EQ(tally.groups().size(), 1u);
  const Group& region = tally.groups()[0];
  EXPECT_EQ(region.name, "region");
  EXPECT_THAT(region.words, ElementsAre("north", "south"));
  EXPECT_THAT(region.series, ElementsAre(2, 1));
  EXPECT_THAT(region.slices[0].absolute, ElementsAre(10, 12));
  EXPECT_THAT(region.slices[1].absolute, ElementsAre(5, 6));
}

TEST(Tally, MakesGroupsOfSeveralIdColumns) {
  CatalogParts parts = three_series();
  parts.static_categories.clear();
  parts.ids = {"A/1", "A/2", "B/1"};
  const Catalog catalog(parts);
  const Tally tally = tally_of(catalog, {"store", "item"});
  ASSERT_EQ(tally.groups().size(), 2u);
  EXPECT_EQ(tally.groups()[0].name, "store");
  EXPECT_THAT(tally.groups()[0].words, ElementsAre("A", "B"));
  EXPECT_THAT(tally.groups()[1].words, ElementsAre("1", "2"));
  EXPECT_THAT(tally_of(catalog, {"unique_id"}).groups(), IsEmpty());
  // A "/" inside of a part: which part it belongs to cannot be told.
  parts.ids[1] = "A/2/3";
  const Catalog odd(parts);
  EXPECT_THAT(tally_of(odd, {"store", "item"}).groups(), IsEmpty());
}

TEST(Tally, LeavesOutPointsThatSomeMethodLacks) {
  const Catalog catalog(three_series());
  Tally tally = tally_of(catalog);
  tally.add(Row{{kNan, 20}, {12, 17, 9, kNan}, {11, 12, 13, 16, 17, 21}}.of(0, 5));
  EXPECT_EQ(tally.total().points, 0);
  tally.add(Row{{10, kNan}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}}.of(1, 5));
  EXPECT_EQ(tally.total().points, 1);
  EXPECT_THAT(tally.total().absolute, ElementsAre(2, 1));
}

/// The mean of rare sales, or what adds up with its sums: not the quantile in the middle.
TEST(Tally, ShowsTheForecastThatIsScored) {
  const Catalog catalog(three_series());
  Tally tally = tally_of(catalog);
  tally.add(Row{{1, 0}, {.4, .6, 0, 0}, {0, 0, 2, 0, 0, 3}}.of(0, 5));
  EXPECT_FLOAT_EQ(static_cast<float>(tally.forecast(0, 0)), .4F);
  EXPECT_FLOAT_EQ(static_cast<float>(tally.forecast(0, 1)), .6F);
  EXPECT_EQ(tally.lower(0, 1), 0);
  EXPECT_EQ(tally.upper(0, 1), 3);
}

TEST(Tally, KeepsForecastsAroundAnOffsetExactly) {
  CatalogParts parts = three_series();
  parts.value_offset = {1e9, 0, 0};
  const Catalog catalog(parts);
  Tally tally = tally_of(catalog);
  tally.add(Row{
      {1e9, 1e9}, {1e9, 1e9 + 4, 1e9, 1e9}, {1e9 - 1, 1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 3, 1e9 + 5}}
                .of(0, 5));
  EXPECT_EQ(tally.forecast(0, 1), 1e9 + 4);
  EXPECT_EQ(tally.lower(0, 0), 1e9 - 1);
  EXPECT_EQ(tally.upper(0, 1), 1e9 + 5);
}

TEST(Tally, RefusesRowsOfAnotherShape) {
  const Catalog catalog(three_series());
  Tally tally = tally_of(catalog);
  tally.add(Row{{10, 20}, {12, 17, 9, 25}, {11, 12, 13, 16, 17, 21}}.of(0, 5));
  EXPECT_THROW(tally.add(Row{{10}, {12, 9}, {11, 12, 13}}.of(1, 5)), InternalError);
  EXPECT_THROW(tally.add(Row{{10, 20}, {12, 17, 9, 25}, {11, 12, 13}}.of(1, 5)), InternalError);
  EXPECT_THROW(tally.add(Row{{10, 20}, {}, {11, 12, 13, 16, 17, 21}}.of(1, 5)), InternalError);
}

}  // namespace
}  // namespace sluice::html
