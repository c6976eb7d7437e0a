// Intervals hold what is asked of them after calibration.
#include "run/calibration/intervals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sluice {
namespace {

using testing::Each;
using testing::ElementsAre;

/// N forecasts of K steps whose quantiles .1 and .9 are those of a normal distribution with the
/// spread `asked`, of values with spread 1.
IntervalProblem normal(std::size_t N, std::size_t K, double asked) {
  constexpr double kNinety = 1.2815515655446004;  // scipy.stats.norm.ppf(.9)
  std::mt19937 random(3);
  std::normal_distribution<double> noise;
  IntervalProblem p;
  p.K = K;
  p.probabilities = {0.1, 0.5, 0.9};
  p.independent = static_cast<double>(N);
  for (std::size_t n = 0; n < N; ++n) {
    p.fold.push_back(static_cast<int>(n % 2));
    for (std::size_t k = 0; k < K; ++k) {
      p.actual.push_back(50 + noise(random));
      for (const double side : {-1.0, 0.0, 1.0}) {
        p.quantiles.push_back(50 + side * asked * kNinety);
      }
    }
  }
  return p;
}

TEST(FitStretch, MakesIntervalsThatAreTooNarrowAsWideAsTheErrors) {
  const IntervalProblem p = normal(4000, 3, 0.5);
  EXPECT_NEAR(share_inside(p, {}, 0.1, 0.9), 0.478, 0.02);  // 2 norm.cdf(1.2816 / 2) - 1
  const Stretch stretch = fit_stretch(p);
  EXPECT_THAT(stretch.probabilities, ElementsAre(0.1, 0.9));
  EXPECT_THAT(stretch.factors, Each(testing::FloatNear(2, 0.1F)));
  EXPECT_NEAR(share_inside(p, stretch, 0.1, 0.9), 0.8, 0.01);
}

TEST(FitStretch, MakesIntervalsThatAreTooWideNarrower) {
  const IntervalProblem p = normal(4000, 3, 2);
  EXPECT_NEAR(share_inside(p, {}, 0.1, 0.9), 0.990, 0.01);
  EXPECT_NEAR(share_inside(p, fit_stretch(p), 0.1, 0.9), 0.8, 0.01);
}

// By hand: 20 values 1..20 above a median of 0, the quantile .9 at 10: scores .1 ... 2.0. The
// conformal one is number ceil(21 * .9) = 19, 1.9; with 5 forecasts' worth half of the way from 1.
// Below, nothing came, so that the scores of the quantile .1 are all below 0.
TEST(FitStretch, IsTheConformalQuantileOfTheScoresDrawnTowardsOneByDoubt) {
  IntervalProblem p;
  p.K = 1;
  p.probabilities = {0.1, 0.5, 0.9};
  for (int i = 1; i <= 20; ++i) {
    for (const int fold : {0, 1}) {  // both halves have all of them
      p.actual.push_back(i);
      p.fold.push_back(fold);
      p.quantiles.insert(p.quantiles.end(), {0.0, 0.0, 10.0});  // the lower one is the median
    }
  }
  p.independent = 5;
  // ceil(41 * .9) = 37 of 40, the 19th value, each being there twice.
  const Stretch stretch = fit_stretch(p);
  ASSERT_THAT(stretch.probabilities, ElementsAre(0.1, 0.9));
  EXPECT_FLOAT_EQ(stretch.factors[0], 1);
  EXPECT_FLOAT_EQ(stretch.factors[1], 1.45F);
}

TEST(FitStretch, MovesNothingWhereQuantilesAreRight) {
  const Stretch stretch = fit_stretch(normal(4000, 3, 1));
  EXPECT_THAT(stretch.factors, Each(testing::FloatNear(1, 0.06F)));
}

TEST(FitStretch, MovesNothingByFewErrors) {
  IntervalProblem p = normal(19, 1, 0.2);
  EXPECT_TRUE(fit_stretch(p).probabilities.empty());
}

// Wide in one half and narrow in the other: what one teaches harms the other.
TEST(FitStretch, MovesNothingThatMakesUnseenForecastsWorse) {
  IntervalProblem p = normal(400, 3, 1);
  for (std::size_t n = 0; n < 400; ++n) {
    for (std::size_t k = 0; k < 3; ++k) {
      double& y = p.actual[n * 3 + k];
      y = 50 + (y - 50) * (n % 2 == 0 ? 6 : 0.1);
    }
  }
  EXPECT_TRUE(fit_stretch(p).probabilities.empty());
}

TEST(FitStretch, DoesNotNarrowWhatZerosFill) {
  IntervalProblem p = normal(400, 1, 1);
  for (std::size_t n = 0; n < 400; ++n) {
    p.actual[n] = n % 5 == 0 ? 2 : 0;  // four of five are 0
    p.quantiles[n * 3] = p.quantiles[n * 3 + 1] = 0;
    p.quantiles[n * 3 + 2] = 2;
  }
  const Stretch stretch = fit_stretch(p);
  EXPECT_EQ(share_inside(p, stretch, 0.1, 0.9), 1);
}

// Half of the steps have no width and miss: narrower ones beside them would hold less still.
TEST(FitStretch, DoesNotTakeAnIntervalFartherFromItsLevel) {
  IntervalProblem p = normal(4000, 2, 2);
  for (std::size_t i = 0; i < p.actual.size(); i += 2) {
    for (std::size_t j = 0; j < 3; ++j) p.quantiles[3 * i + j] = 0;
  }
  EXPECT_NEAR(share_inside(p, {}, 0.1, 0.9), 0.495, 0.01);
  EXPECT_TRUE(fit_stretch(p).probabilities.empty());
}

TEST(StretchQuantiles, MovesThemByTheFactorOfTheirStepAndKeepsTheirOrder) {
  const Stretch by{{0.1, 0.9}, {2, 3, 0.5, 1}};
  std::vector<float> values = {-1, 0, 1, -1, 0, 1};  // [1, K 2, M 1, J 3]
  const std::vector<double> probabilities = {0.1, 0.5, 0.9};
  stretch(by, probabilities, 2, 1, values);
  EXPECT_THAT(values, ElementsAre(-2, 0, 3, -0.5, 0, 1));
}

// 95 % has the factor of 90 % where that is the outermost one, and 85 % one between 80 and 90 %.
TEST(StretchQuantiles, HasFactorsOfLevelsThatWereNotFitted) {
  const Stretch by{{0.8, 0.9}, {1, 3}};
  std::vector<float> values = {-1, 0, 1, 1, 1};
  const std::vector<double> probabilities = {0.1, 0.5, 0.85, 0.9, 0.95};
  stretch(by, probabilities, 1, 1, values);
  EXPECT_THAT(values, ElementsAre(-1, 0, 2, 3, 3));
}

TEST(StretchQuantiles, NeverCross) {
  const Stretch by{{0.05, 0.1, 0.9, 0.95}, {0.2F, 3, 3, 0.2F}};
  std::vector<float> values = {-2, -1, 0, 1, 2};
  const std::vector<double> probabilities = {0.05, 0.1, 0.5, 0.9, 0.95};
  stretch(by, probabilities, 1, 1, values);
  EXPECT_TRUE(std::ranges::is_sorted(values));
}

}  // namespace
}  // namespace sluice
