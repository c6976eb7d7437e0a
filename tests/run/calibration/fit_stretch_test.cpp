// Intervals hold what is asked of them after calibration.
#include "run/calibration/fit_stretch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

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

TEST(FitStretch, SaysWhereAnIntervalNeedsAFactorOutsideTheBounds) {
  const auto needs = [](double asked, double factor, bool bounded) {
    const IntervalProblem p = normal(4000, 3, asked);
    EXPECT_NEAR(needed_factor(p, 0.1, 0.9), factor, 0.05 * factor);
    EXPECT_EQ(ends_at_bound(p, fit_stretch(p), 0.1, 0.9), bounded) << asked;
    for (const float made : fit_stretch(p).factors) {
      EXPECT_GE(made, kLeastFactor);
      EXPECT_LE(made, kMostFactor);
    }
  };
  needs(0.05, 20, true);
  needs(0.25, 4, false);
  needs(2, 0.5, false);
  needs(20, 0.05, true);
  EXPECT_TRUE(std::isnan(needed_factor(normal(6, 3, 1), 0.1, 0.9)));  // 18 scores say nothing
  EXPECT_FALSE(ends_at_bound(normal(6, 3, 1), {}, 0.1, 0.9));
}

/// 20 values 1..20 above a median of 0, each in both halves, and the quantile .9 at `high`. The
/// lower one is the median.
IntervalProblem one_to_twenty(double high) {
  IntervalProblem p;
  p.K = 1;
  p.probabilities = {0.1, 0.5, 0.9};
  for (int i = 1; i <= 20; ++i) {
    for (const int fold : {0, 1}) {  // both halves have all of them
      p.actual.push_back(i);
      p.fold.push_back(fold);
      p.quantiles.insert(p.quantiles.end(), {0.0, 0.0, high});
    }
  }
  p.independent = 5;
  return p;
}

// By hand: scores .1 ... 2.0, each twice, of which ceil(41 * .9) = 37 is the 19th value, 1.9.
TEST(FitStretch, IsTheConformalQuantileOfTheScores) {
  const Stretch stretch = fit_stretch(one_to_twenty(10));
  ASSERT_THAT(stretch.probabilities, ElementsAre(0.1, 0.9));
  EXPECT_FLOAT_EQ(stretch.factors[0], 1);
  EXPECT_FLOAT_EQ(stretch.factors[1], 1.9F);
}

// Likewise .475; five forecasts take it half of the way from 1.
TEST(FitStretch, MakesNarrowerOnlyAsFarAsItKnows) {
  IntervalProblem p = one_to_twenty(40);
  EXPECT_FLOAT_EQ(fit_stretch(p).factors[1], 0.7375F);
  p.independent = 95;
  EXPECT_FLOAT_EQ(fit_stretch(p).factors[1], 1 - 0.525F * 0.95F);
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

/// `series` forecasts of one step at each of `times`, whose value is 50, a shock that all series of
/// a time have, and noise of their own; quantiles as normal() has them.
IntervalProblem shaken(int series, int times, double shock, double noise, double asked) {
  IntervalProblem p = normal(static_cast<std::size_t>(series * times), 1, asked);
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> shocks;
  for (int t = 0; t < times; ++t) shocks.push_back(shock * normal(random));
  for (int s = 0; s < series; ++s) {
    for (int t = 0; t < times; ++t) {
      p.series.push_back(s);
      p.time.push_back(t);
      p.fold[static_cast<std::size_t>(s * times + t)] = s % 2;
      p.actual[static_cast<std::size_t>(s * times + t)] =
          50 + shocks[static_cast<std::size_t>(t)] + noise * normal(random);
    }
  }
  return p;
}

TEST(EffectiveForecasts, AreTheTimesWhereAllSeriesErrAlikeAndAllOtherwise) {
  EXPECT_NEAR(effective_forecasts(shaken(50, 20, 1, 0.01, 1)), 20, 1);
  EXPECT_GT(effective_forecasts(shaken(50, 20, 0, 1, 1)), 500);
  // Half of the variance: 1000 / (1 + 49 / 2).
  EXPECT_NEAR(effective_forecasts(shaken(50, 400, 0.5, 0.5, 1)), 20'000 / 25.5, 100);
  IntervalProblem unknown = shaken(50, 20, 1, 0.01, 1);
  unknown.time.clear();
  EXPECT_EQ(effective_forecasts(unknown), 1000);
}

// All values came above their medians, of all series at once.
TEST(FitStretch, MakesBothSidesWiderWhereOneShockMovedAll) {
  IntervalProblem p = shaken(50, 1, 0, 0.3, 0.5);
  for (double& y : p.actual) y += 1.5;
  const Stretch one = fit_stretch(p);
  ASSERT_FALSE(one.probabilities.empty());
  EXPECT_GT(one.factors[0], 1.5F);
  EXPECT_GT(one.factors[1], 2);
  p.time.clear();  // fifty errors that have nothing in common say that the lower side is too wide
  const Stretch fifty = fit_stretch(p);
  ASSERT_FALSE(fifty.probabilities.empty());
  EXPECT_LT(fifty.factors[0], 0.5F);
}

// Half of the lower ends are 0 and hold all; of the others, hardly above, a share of 15 % is
// missed. Of all that is no more than a tenth, and there it is more: neither is a reason to move
// them.
TEST(FitStretch, LeavesLowerEndsThatZerosHoldBetweenThem) {
  IntervalProblem p, without;  // the second has no ends that are 0
  for (IntervalProblem* one : {&p, &without}) {
    one->probabilities = {0.1, 0.5, 0.9};
    one->independent = 4000;
    for (int n = 0; n < 4000; ++n) {
      const bool held = n / 2 % 2 == 0;
      if (held && one == &without) continue;
      one->fold.push_back(n % 2);
      one->nonnegative.push_back(1);
      one->actual.push_back(n / 4 % 20 < 3 ? 0 : 1 + 0.0025 * (n / 4));
      one->quantiles.insert(one->quantiles.end(), {held ? 0 : 0.02, 1, 2.5});
    }
  }
  const Stretch stretch = fit_stretch(p);
  ASSERT_FALSE(stretch.probabilities.empty());
  EXPECT_NEAR(stretch.factors[0], 1, 0.002);
  EXPECT_GT(stretch.factors[1], 1.2F);
  EXPECT_GT(fit_stretch(without).factors[0], 1.015F);
}

// Small series have intervals that are too narrow, large ones too wide.
TEST(FitStretch, HasFactorsOfGroupsThatNeedOtherOnes) {
  IntervalProblem p = normal(4000, 2, 1);
  for (std::size_t n = 0; n < 4000; ++n) {
    const bool large = n / 2 % 2 == 1;
    for (std::size_t k = 0; k < 2; ++k) {
      if (large) p.actual[n * 2 + k] += 950;
      for (std::size_t j = 0; j < 3; ++j) {
        double& q = p.quantiles[(n * 2 + k) * 3 + j];
        q = (large ? 1000 : 50) + (q - 50) * (large ? 2 : 0.5);
      }
    }
  }
  const Stretch stretch = fit_stretch(p);
  ASSERT_EQ(stretch.bounds.size(), 1U);
  ASSERT_EQ(stretch.group_factors.size(), 4U);
  const std::vector<double> moved = stretched(p, stretch);
  double inside[2] = {0, 0};
  for (std::size_t i = 0; i < p.actual.size(); ++i) {
    const bool in = moved[3 * i] <= p.actual[i] && p.actual[i] <= moved[3 * i + 2];
    inside[i / 4 % 2] += in ? 1 : 0;
  }
  EXPECT_NEAR(inside[0] / 4000, 0.8, 0.02);
  EXPECT_NEAR(inside[1] / 4000, 0.8, 0.02);
}

TEST(FitStretch, HasNoGroupsWhereAllNeedTheSame) {
  IntervalProblem p = normal(4000, 2, 1.3);
  for (std::size_t n = 0; n < 4000; ++n) {  // 0, 100 or 200 more
    for (std::size_t k = 0; k < 2; ++k) {
      const auto more = static_cast<double>(n / 2 % 3) * 100;
      p.actual[n * 2 + k] += more;
      for (std::size_t j = 0; j < 3; ++j) p.quantiles[(n * 2 + k) * 3 + j] += more;
    }
  }
  const Stretch stretch = fit_stretch(p);
  ASSERT_FALSE(stretch.probabilities.empty());
  for (const float factor : stretch.group_factors) EXPECT_NEAR(factor, 1, 0.05);
}

}  // namespace
}  // namespace sluice
