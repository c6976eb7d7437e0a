// Quantiles beside SciPy's (tests/golden/likelihoods.py).
#include "run/calibration/distribution.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/golden_table.hpp"

namespace sluice {
namespace {

struct Case {
  GoldenRow row;
  DistributionParameters parameters;
  double power, p, quantile;
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (GoldenRow& row : golden_rows("quantiles.csv")) {
    const std::vector<double>& n = row.numbers;
    out.push_back({row, {n[0], n[1], n[2]}, n[3], n[4], n[5]});
  }
  return out;
}

TEST(Distribution, QuantilesAreThoseOfTheReference) {
  ASSERT_GT(cases().size(), 150u);
  for (const Case& c : cases()) {
    const double got = Distribution(c.row.loss, c.parameters, c.power).quantile(c.p);
    if (is_count(c.row.loss)) {
      EXPECT_EQ(got, c.quantile) << c.row.text;
    } else if (c.row.loss != Loss::tweedie) {
      EXPECT_NEAR(got, c.quantile, 1e-9 * std::max(1.0, std::abs(c.quantile))) << c.row.text;
    } else {
      // By the saddlepoint where more than 60 gamma variables are summed on average.
      EXPECT_NEAR(got, c.quantile, 2e-4 * c.quantile + 1e-10) << c.row.text;
    }
  }
}

TEST(Distribution, TweedieIsNoSmallerAndGrowsAcrossTheApproximationsBorder) {
  // 60 gamma variables on average: mean^0.5 / (0.5 * dispersion) = 60.
  const double mean = 9, below = 3 / (0.5 * 59.99), above = 3 / (0.5 * 60.01);
  for (double y = 5; y < 14; y += 0.5) {
    const double summed = tweedie_cdf(y, mean, below, 1.5);
    EXPECT_NEAR(tweedie_cdf(y, mean, above, 1.5), summed, 2e-4) << y;
    EXPECT_LT(summed, tweedie_cdf(y + 0.5, mean, below, 1.5)) << y;
  }
}

TEST(Distribution, MeansAreThoseOfTheFormulas) {
  const Distribution gaussian(Loss::gaussian, {.location = 0.5, .spread = 2}, 1.5);
  EXPECT_EQ(gaussian.mean(), 0.5);
  EXPECT_DOUBLE_EQ(gaussian.mean_of_exp(), std::exp(2.5));  // of a log-normal
  // sinh x = (exp x - exp -x) / 2, of which each has a log-normal's mean.
  EXPECT_DOUBLE_EQ(gaussian.mean_of_sinh(), (std::exp(2.5) - std::exp(1.5)) / 2);
  const Distribution student(Loss::student_t, {.location = 0.5, .spread = 2, .shape = 5}, 1.5);
  EXPECT_EQ(student.mean(), 0.5);
  EXPECT_TRUE(std::isnan(student.mean_of_exp()));
  EXPECT_TRUE(std::isnan(student.mean_of_sinh()));
}

TEST(Distribution, ParametersThatAreNoNumbersGiveNone) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const Loss loss :
       {Loss::gaussian, Loss::student_t, Loss::poisson, Loss::negative_binomial, Loss::tweedie}) {
    EXPECT_TRUE(std::isnan(Distribution(loss, {inf, 1, 3}, 1.5).quantile(0.5)));
    EXPECT_TRUE(std::isnan(Distribution(loss, {1, std::nan(""), 3}, 1.5).quantile(0.5)));
  }
}

}  // namespace
}  // namespace sluice
