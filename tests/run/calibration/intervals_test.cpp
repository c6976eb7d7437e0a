// Quantiles move away from their median by the factors of their step and group.
#include "run/calibration/intervals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using testing::ElementsAre;

/// Without groups.
Stretch by_step(std::vector<double> probabilities, std::vector<float> factors) {
  Stretch out;
  out.probabilities = std::move(probabilities);
  out.factors = std::move(factors);
  return out;
}

TEST(StretchQuantiles, MovesThemByTheFactorOfTheirStepAndKeepsTheirOrder) {
  const Stretch by = by_step({0.1, 0.9}, {2, 3, 0.5, 1});
  std::vector<float> values = {-1, 0, 1, -1, 0, 1};  // [1, K 2, M 1, J 3]
  const std::vector<double> probabilities = {0.1, 0.5, 0.9};
  stretch(by, probabilities, 2, 1, {}, values);
  EXPECT_THAT(values, ElementsAre(-2, 0, 3, -0.5, 0, 1));
}

// 95 % has the factor of 90 % where that is the outermost one, and 85 % one between 80 and 90 %.
TEST(StretchQuantiles, HasFactorsOfLevelsThatWereNotFitted) {
  const Stretch by = by_step({0.8, 0.9}, {1, 3});
  std::vector<float> values = {-1, 0, 1, 1, 1};
  const std::vector<double> probabilities = {0.1, 0.5, 0.85, 0.9, 0.95};
  stretch(by, probabilities, 1, 1, {}, values);
  EXPECT_THAT(values, ElementsAre(-1, 0, 2, 3, 3));
}

TEST(StretchQuantiles, NeverCross) {
  const Stretch by = by_step({0.05, 0.1, 0.9, 0.95}, {0.2F, 3, 3, 0.2F});
  std::vector<float> values = {-2, -1, 0, 1, 2};
  const std::vector<double> probabilities = {0.05, 0.1, 0.5, 0.9, 0.95};
  stretch(by, probabilities, 1, 1, {}, values);
  EXPECT_TRUE(std::ranges::is_sorted(values));
}

TEST(StretchQuantiles, OfZeroStayWhereNothingIsBelow) {
  const Stretch narrower = by_step({0.1, 0.9}, {0.5, 0.5});
  const Stretch wider = by_step({0.1, 0.9}, {3, 3});
  const std::vector<double> probabilities = {0.1, 0.5, 0.9};
  const std::vector<StretchRow> rows = {{.offset = 0, .nonnegative = true},
                                        {.offset = 10, .nonnegative = true},
                                        {.offset = 0, .nonnegative = false}};
  std::vector<float> values = {0, 2, 6, -10, -8, -4, 0, 2, 6};  // [1, 1, M 3, J 3]
  stretch(narrower, probabilities, 1, 3, rows, values);
  EXPECT_THAT(values, ElementsAre(0, 2, 4, -10, -8, -6, 1, 2, 4));
  values = {1, 2, 3, -9, -8, -7, 1, 2, 3};
  stretch(wider, probabilities, 1, 3, rows, values);
  EXPECT_THAT(values, ElementsAre(0, 2, 5, -10, -8, -5, -1, 2, 5));
}

// By hand: medians of 10 and 20, intervals of 80 % that are 4 and 8 wide, 2 * 1.2816 standard
// deviations.
TEST(StretchQuantiles, AreSortedBySizeOrByWidthInPartsOfIt) {
  const std::vector<double> probabilities = {0.1, 0.5, 0.9};
  const std::vector<double> quantiles = {8, 10, 12, 18, 20, 26};
  EXPECT_DOUBLE_EQ(Trait(StretchBy::size, probabilities).of(quantiles), 15);
  EXPECT_NEAR(Trait(StretchBy::width, probabilities).of(quantiles), 6 / 2.5631 / 15, 1e-5);
  const std::vector<double> nothing = {0, 0, 0};
  EXPECT_EQ(Trait(StretchBy::width, probabilities).of(nothing), 0);
}

// From 5 on the factors are doubled.
TEST(StretchQuantiles, HaveTheFactorOfTheirGroupToo) {
  const Stretch by{.probabilities = {0.1, 0.9},
                   .factors = {1, 2},
                   .by = StretchBy::size,
                   .bounds = {5},
                   .group_factors = {1, 1, 2, 2}};
  const std::vector<double> probabilities = {0.1, 0.5, 0.9};
  std::vector<float> values = {3, 4, 5, 4, 5, 6};  // [N 2, 1, 1, J 3]
  stretch(by, probabilities, 1, 1, {}, values);
  EXPECT_THAT(values, ElementsAre(3, 4, 6, 3, 5, 9));
  // Beside an offset of 1 the first one is a forecast of 5 as well.
  const std::vector<StretchRow> rows = {{.offset = 1}, {.offset = 1}};
  values = {3, 4, 5, 4, 5, 6};
  stretch(by, probabilities, 1, 1, rows, values);
  EXPECT_THAT(values, ElementsAre(2, 4, 8, 3, 5, 9));
}

}  // namespace
}  // namespace sluice
