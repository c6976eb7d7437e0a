// The standard error that an alternative must beat.
#include "run/choice/evidence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using ::testing::ElementsAre;

std::vector<Window> windows_at(std::initializer_list<std::pair<int, int>> series_and_origin) {
  std::vector<Window> out;
  for (const auto& [series, origin] : series_and_origin) {
    Window& w = out.emplace_back();
    w.series = series;
    w.origin = origin;
  }
  return out;
}

TEST(DependentGroups, AreTheSeriesWhereTheyAreMany) {
  EXPECT_THAT(dependent_groups(windows_at({{2, 10}, {2, 11}, {5, 30}, {9, 4}}), 4),
              ElementsAre(0, 0, 1, 2));
}

TEST(DependentGroups, AreStretchesOfTheHorizonWhereSeriesAreFewer) {
  EXPECT_THAT(
      dependent_groups(windows_at({{0, 10}, {0, 13}, {0, 14}, {0, 19}, {1, 50}, {1, 54}}), 4),
      ElementsAre(0, 0, 1, 2, 0, 1));
}

TEST(GainOf, IsTheMeanOverGroupsAndItsStandardError) {
  // Differences of the groups: 1 (mean of 2 and 0), 2, 6. Mean 3, variance 7, of three.
  const std::vector<double> before = {5, 5, 5, 9}, after = {3, 5, 3, 3};
  const std::vector<int> groups = {0, 0, 1, 2};
  const Gain gain = gain_of({.before = before, .after = after, .group_of = groups});
  EXPECT_DOUBLE_EQ(gain.mean, 3);
  EXPECT_DOUBLE_EQ(gain.standard_error, std::sqrt(7.0 / 3));
}

TEST(GainOf, LeavesOutWhatHasNoErrorAndTakesTargetsOfAForecastTogether) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  // Two targets a forecast; the second forecast has no error for its second one.
  const std::vector<double> before = {2, 4, 3, none, 7, 7}, after = {1, 1, 3, 1, 1, none};
  const std::vector<int> groups = {0, 1, 2};
  const Gain gain = gain_of({.before = before, .after = after, .group_of = groups});
  EXPECT_DOUBLE_EQ(gain.mean, (2.0 + 0 + 6) / 3);
}

TEST(GainOf, OfTwoGroupsTellsNothing) {
  const std::vector<double> before = {5, 5}, after = {1, 1};
  const std::vector<int> groups = {0, 1};
  EXPECT_TRUE(
      std::isinf(gain_of({.before = before, .after = after, .group_of = groups}).standard_error));
}

}  // namespace
}  // namespace sluice
