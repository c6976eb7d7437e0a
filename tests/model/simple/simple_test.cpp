// Theta, the methods for counts, seasonal adjustment and the search, against other packages'
// numbers (golden.hpp); and what each method does with series that it cannot take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "golden.hpp"
#include "model/simple/intermittent.hpp"
#include "model/simple/methods.hpp"
#include "model/simple/minimise.hpp"
#include "model/simple/season.hpp"
#include "model/simple/theta.hpp"

namespace sluice::simple {

/// For the names of tests.
inline void PrintTo(const MethodName& name, std::ostream* out) { *out << name.key; }

namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsNan;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

auto near(const std::vector<double>& expected, double tolerance) {
  return testing::Pointwise(testing::DoubleNear(tolerance), expected);
}

TEST(Minimise, FindsTheMinimumOfRosenbrocksValley) {
  std::vector<double> x = {-1.2, 1};
  const double value = minimise(
      [](std::span<const double> at, std::span<double> gradient) {
        const double a = 1 - at[0], b = at[1] - at[0] * at[0];
        gradient[0] = -2 * a - 400 * at[0] * b;
        gradient[1] = 200 * b;
        return a * a + 100 * b * b;
      },
      x, {.tolerance = 1e-14});
  EXPECT_THAT(x, near({1, 1}, 1e-5));
  EXPECT_LT(value, 1e-10);
}

TEST(Minimise, StaysWhereTheFunctionIsDefined) {
  std::vector<double> x = {3};
  // x - log x, whose first step of length 1 and more would leave x > 0.
  const auto function = [](std::span<const double> at, std::span<double> gradient) {
    if (!(at[0] > 0)) return std::numeric_limits<double>::infinity();
    gradient[0] = 10 - 10 / at[0];
    return 10 * (at[0] - std::log(at[0]));
  };
  EXPECT_NEAR(minimise(function, x), 10, 1e-6);
  EXPECT_NEAR(x[0], 1, 1e-3);
  x = {-1};
  EXPECT_TRUE(std::isinf(minimise(function, x)));
  EXPECT_EQ(x[0], -1);
}

TEST(Season, IndicesAreThoseOfStatsmodelsClassicalDecomposition) {
  EXPECT_THAT(seasonal_indices(golden::kSales, 4, false), near(golden::kAddedIndices, 1e-9));
  EXPECT_THAT(seasonal_indices(golden::kSales, 4, true), near(golden::kRatioIndices, 1e-9));
}

TEST(Season, AnOddSeasonHasItsIndicesToo) {
  std::vector<double> y;
  for (int t = 0; t < 17; ++t) y.push_back(5 + (t % 3 - 1) * 2.0);
  EXPECT_THAT(seasonal_indices(y, 3, false), near({-2, 0, 2}, 1e-12));
}

TEST(Season, IsFoundWhereItIsAndNotInATrendOrAWalk) {
  EXPECT_TRUE(is_seasonal(golden::kSales, 4));
  EXPECT_FALSE(is_seasonal(golden::kWalk, 4));
  EXPECT_FALSE(is_seasonal(std::vector<double>(40, 7.0), 4));
  EXPECT_FALSE(is_seasonal(std::span(golden::kSales).first(7), 4)) << "below two seasons";
}

TEST(Season, IsTakenOutAndPutBack) {
  const Deseasonalised out = deseasonalised(golden::kSales, 4);
  ASSERT_TRUE(out.ratios);
  std::vector<double> back = out.values;
  EXPECT_FALSE(is_seasonal(back, 4));
  out.restore(back, 0);
  EXPECT_THAT(back, near(golden::kSales, 1e-9));
  std::vector<double> later(out.values.begin() + 6, out.values.end());
  out.restore(later, 6);
  EXPECT_NEAR(later[0], golden::kSales[6], 1e-9);
}

TEST(Season, IsAddedWhereAValueIsZero) {
  std::vector<double> y = golden::kSales;
  y[2] = 0;
  EXPECT_FALSE(deseasonalised(y, 4).ratios);
}

TEST(Season, GapsAreFilledBySameSeasonElseByALine) {
  EXPECT_THAT(filled(std::vector{1.0, kNan, kNan, 4.0}, 1), near({1, 2, 3, 4}, 1e-12));
  EXPECT_THAT(filled(std::vector{1.0, 9.0, 2.0, kNan, 3.0, 8.0}, 2), near({1, 9, 2, 9, 3, 8}, 0));
  EXPECT_THAT(filled(std::vector{1.0, kNan, 2.0, 8.0}, 2), near({1, 8, 2, 8}, 0));
  EXPECT_THAT(filled(std::vector{1.0, kNan, kNan}, 1), near({1, 1, 1}, 0));
}

TEST(Theta, ForecastsAsStatsforecastDoesFromTheSameAlphaAndLevel) {
  // Its level is that of y, half the one of the theta line.
  EXPECT_THAT(forecast_theta(golden::kWalk, {.alpha = 0.4, .level = 40}, golden::kSteps),
              near(golden::kThetaFixed, 1e-6));
}

TEST(Theta, FindsTheLeastSquaresThatScipyFinds) {
  const ThetaFit fit = fit_theta(golden::kWalk);
  EXPECT_NEAR(fit.alpha, golden::kThetaAlpha, 1e-4);
  EXPECT_NEAR(fit.level, 2 * golden::kThetaLevel, 1e-2);
  EXPECT_NEAR(fit.squares, golden::kThetaSquares, 1e-6 * golden::kThetaSquares);
  EXPECT_THAT(forecast_theta(golden::kWalk, fit, golden::kSteps), near(golden::kThetaFound, 1e-2));
}

// statsforecast leaves the first three errors out of its search, and ends it at 1e-4.
TEST(Theta, OfSeasonalDataIsStatsforecastsToAPercent) {
  const std::vector<double> out = theta_forecast(golden::kSales, 4, golden::kSteps);
  for (std::size_t k = 0; k < out.size(); ++k)
    EXPECT_NEAR(out[k], golden::kTheta[k], 0.01 * golden::kTheta[k]) << k;
}

TEST(Counts, AreForecastAsStatsforecastForecastsThem) {
  EXPECT_NEAR(tsb(golden::kCounts, 0.1, 0.1), golden::kTsb, 1e-12);
  EXPECT_NEAR(adida(golden::kCounts), golden::kAdida, 1e-5);  // its search ends earlier
  EXPECT_NEAR(croston_sba(golden::kCounts), golden::kSba, 1e-12);
}

TEST(Counts, WithoutAnyDemandAreZero) {
  const std::vector<double> none(12, 0.0);
  EXPECT_EQ(tsb(none, 0.1, 0.1), 0);
  EXPECT_EQ(adida(none), 0);
  EXPECT_EQ(croston_sba(none), 0);
}

class EachMethod : public testing::TestWithParam<MethodName> {
 protected:
  static std::vector<double> forecast(std::vector<double> y, int season, int K = 3) {
    return simple_forecast(GetParam().method, y, season, K).points;
  }
};

TEST_P(EachMethod, OfNoValueIsNoForecast) {
  EXPECT_THAT(forecast({}, 1), ElementsAre(IsNan(), IsNan(), IsNan()));
  EXPECT_THAT(forecast({kNan, kNan}, 4), Each(IsNan()));
}

TEST_P(EachMethod, BeginsAtTheFirstValue) {
  std::vector<double> late(9, kNan);
  late.insert(late.end(), golden::kSales.begin(), golden::kSales.end());
  EXPECT_EQ(forecast(late, 4), forecast(golden::kSales, 4));
}

TEST_P(EachMethod, HasAForecastWhateverIsMissing) {
  for (const std::vector<double>& whole : {golden::kSales, golden::kWalk, golden::kCounts}) {
    for (std::size_t length = 1; length <= whole.size(); ++length) {
      std::vector<double> y(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      for (std::size_t t = 1; t < length; t += 3) y[t] = kNan;
      for (const int season : {1, 2, 4, 12, 30})
        EXPECT_THAT(
            forecast(y, season),
            Each(testing::Truly([](double v) { return std::isfinite(v) && std::abs(v) < 1000; })))
            << length << " steps, season " << season;
    }
  }
}

TEST_P(EachMethod, OfOneValueRepeatsIt) {
  if (GetParam().method == Method::croston_sba) GTEST_SKIP() << "takes 5 % off";
  EXPECT_THAT(forecast({7}, 12), Each(7.0));
  EXPECT_THAT(forecast({7, 7, 7, 7, 7, 7, 7, 7}, 2), Each(testing::DoubleNear(7, 1e-9)));
}

INSTANTIATE_TEST_SUITE_P(Simple, EachMethod, testing::ValuesIn(kMethods), [](const auto& one) {
  std::string name(one.param.key);
  std::erase(name, '+');
  return name;
});

TEST(Methods, TheMeanOfEtsAndThetaIsTheirMean) {
  const auto of = [](Method method) {
    return simple_forecast(method, golden::kSales, 4, 5).points;
  };
  const auto ets = of(Method::ets), theta = of(Method::theta), both = of(Method::ets_theta);
  for (std::size_t k = 0; k < 5; ++k) EXPECT_DOUBLE_EQ(both[k], (ets[k] + theta[k]) / 2);
}

TEST(Methods, ALongSeasonIsTakenOutBeforeEtsAndPutBack) {
  std::vector<double> y;
  for (int t = 0; t < 200; ++t)
    y.push_back((100 + 0.1 * t) * (1 + 0.5 * std::sin(2 * M_PI * t / 40)) + t * 13 % 7 * 0.1);
  const auto out = simple_forecast(Method::ets, y, 40, 40).points;
  for (int k = 0; k < 40; ++k) {
    const double expected = (120 + 0.1 * k) * (1 + 0.5 * std::sin(2 * M_PI * k / 40)) + 0.3;
    EXPECT_NEAR(out[static_cast<std::size_t>(k)], expected, 0.05 * 120) << k;
  }
}

TEST(Methods, TheSpreadIsThatOfOneStep) {
  std::vector<double> y;
  for (int t = 0; t < 200; ++t) y.push_back(50 + (t * 7919 % 101 - 50) * 0.1);
  for (const Method method : {Method::ets, Method::theta, Method::ets_theta})
    EXPECT_NEAR(simple_forecast(method, y, 1, 1).spread, 2.92, 0.2);
  EXPECT_THAT(simple_forecast(Method::tsb, y, 1, 1).spread, IsNan());
}

}  // namespace
}  // namespace sluice::simple
