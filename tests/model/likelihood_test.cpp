// Likelihoods beside SciPy's and mpmath's (tests/golden/likelihoods.py), their gradients beside
// differences, and both at the extremes.
#include "sluice/model/likelihood.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/golden_table.hpp"

namespace sluice {
namespace {

struct Case {
  GoldenRow row;
  double outputs[3], u;
  TargetMap map;
  double power, log_likelihood;
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (GoldenRow& row : golden_rows("log_likelihoods.csv")) {
    const std::vector<double>& n = row.numbers;
    out.push_back({row, {n[0], n[1], n[2]}, n[3], {n[4], n[5]}, n[6], n[7]});
  }
  return out;
}

LikelihoodValue value_of(const Case& c, const double* outputs) {
  return with_distribution(c.row.loss, [&](auto loss) {
    return likelihood_value<decltype(loss)::value>(outputs, c.u, c.map, c.power);
  });
}

TEST(Likelihood, IsThatOfTheReference) {
  ASSERT_GT(cases().size(), 300u);
  for (const Case& c : cases()) {
    const double value = -value_of(c, c.outputs).value;
    // Long sums of the Tweedie density end at terms of order 1/j^2 below its 10th one. SciPy's
    // counts lose digits to terms as large as y log y, of 200,000 at most.
    const double tolerance = c.row.loss == Loss::tweedie ? 2e-4 : 1e-8;
    EXPECT_NEAR(value, c.log_likelihood,
                tolerance * std::max(1.0, 1e-2 * std::abs(c.log_likelihood)))
        << c.row.text;
  }
}

TEST(Likelihood, GradientAgreesWithCentralDifferences) {
  for (const Case& c : cases()) {
    const LikelihoodValue at = value_of(c, c.outputs);
    for (int q = 0; q < parameter_count(c.row.loss); ++q) {
      const double step = 1e-5 * std::max(1.0, std::abs(c.outputs[q]));
      // A step across the link's kink in its second derivative, u = 0, is right to first order.
      double up[3], down[3];
      std::copy_n(c.outputs, 3, up);
      std::copy_n(c.outputs, 3, down);
      up[q] += step;
      down[q] -= step;
      const double slope = (value_of(c, up).value - value_of(c, down).value) / (2 * step);
      // Rounding of the largest term (y log y of counts) over the step, and the kink's half of a
      // second derivative; where a sum of Tweedie's density ends is not the same for both.
      const double y = (c.u + c.map.origin) * c.map.size;
      const double largest = is_count(c.row.loss) ? y * std::log(y + 3) : 1;
      const double rounding = 1e-15 * std::max({1.0, std::abs(at.value), largest}) / step;
      const double scale = std::max(1.0, std::abs(slope));
      const double tolerance = c.row.loss == Loss::tweedie ? 1e-4 : 1e-5;
      EXPECT_NEAR(at.gradient[q], slope, tolerance * scale + rounding)
          << c.row.text << " output " << q;
    }
  }
}

TEST(Likelihood, IsFiniteForAnyOutput) {
  for (const Loss loss :
       {Loss::gaussian, Loss::student_t, Loss::poisson, Loss::negative_binomial, Loss::tweedie}) {
    for (const double power : {1.05, 1.95}) {
      for (const double location : {-1e6, -40.0, 0.0, 1e6}) {
        for (const double spread : {-1e6, -30.0, 30.0, 1e6}) {
          for (const double shape : {-1e6, 1e6}) {
            for (const double y : {0.0, 1.0, 1e6}) {
              const double outputs[] = {location, spread, shape};
              const TargetMap map = {.size = 0.5, .origin = 1};
              const auto got = with_distribution(loss, [&](auto which) {
                return likelihood_value<decltype(which)::value>(outputs, y / map.size - 1, map,
                                                                power);
              });
              EXPECT_TRUE(std::isfinite(got.value) && std::isfinite(got.gradient[0]) &&
                          std::isfinite(got.gradient[1]) && std::isfinite(got.gradient[2]))
                  << static_cast<int>(loss) << " " << power << " " << location << " " << spread
                  << " " << shape << " " << y;
            }
          }
        }
      }
    }
  }
}

TEST(Likelihood, AMeanFarBelowTheTargetIsStillPulledUp) {
  const TargetMap map = {.size = 2, .origin = 1};
  for (const double z : {-5.0, -29.0, -1000.0}) {
    const double outputs[] = {z, 0, 0};
    EXPECT_LT(likelihood_value<Loss::poisson>(outputs, 3, map, 1.5).gradient[0], -1) << z;
    EXPECT_LT(likelihood_value<Loss::negative_binomial>(outputs, 3, map, 1.5).gradient[0], -1) << z;
    EXPECT_LT(likelihood_value<Loss::tweedie>(outputs, 3, map, 1.5).gradient[0], -1) << z;
  }
}

TEST(DistributionParameters, StandWhereTheTargetDoes) {
  const double zero[] = {0, 0, 0};
  const TargetMap map = {.size = 40, .origin = 1};  // a level of 40
  const double softplus_of_zero = std::log(2);
  const auto counts = distribution_parameters(Loss::negative_binomial, zero, map, 1.5);
  EXPECT_DOUBLE_EQ(counts.location, 40);
  EXPECT_NEAR(counts.spread, softplus_of_zero, 2e-6);
  const auto tweedie = distribution_parameters(Loss::tweedie, zero, map, 1.25);
  EXPECT_DOUBLE_EQ(tweedie.location, 40);
  // y = 40 x has 40^2 times the variance of x, and 40^1.25 times that by the power.
  EXPECT_NEAR(tweedie.spread, softplus_of_zero * std::pow(40, 0.75), 1e-2);
  const auto student = distribution_parameters(Loss::student_t, zero, map, 1.5);
  EXPECT_DOUBLE_EQ(student.location, 40);
  EXPECT_NEAR(student.spread, 40 * softplus_of_zero, 1e-2);
  EXPECT_NEAR(student.shape, 2 + softplus_of_zero, 2e-2);
}

TEST(LogGamma, IsTheStandardLibrarysAndItsSlopeDigamma) {
  for (const double x : {1e-9, 0.3, 1.0, 2.0, 7.99, 8.01, 123.4, 1e7}) {
    EXPECT_NEAR(log_gamma(x).value, std::lgamma(x), 1e-13 * std::max(1.0, std::abs(std::lgamma(x))))
        << x;
  }
  EXPECT_NEAR(log_gamma(1).slope, -0.57721566490153286, 1e-13);  // Euler's constant
  EXPECT_NEAR(log_gamma(0.5).slope, -1.9635100260214235, 1e-13);
}

TEST(LogRising, KeepsItsDigitsWhereTheArgumentIsLarge) {
  // r (r + 1) (r + 2) / r^3 = (1 + 1/r) (1 + 2/r).
  for (const double r : {0.5, 7.9, 8.1, 1e4, 1e9}) {
    EXPECT_NEAR(log_rising(r, 3).value, std::log1p(1 / r) + std::log1p(2 / r), 1e-13) << r;
  }
}

// Of a small whole count it is a product, of others a difference of logarithms: the same function.
TEST(LogRising, OfAFewIsTheDifferenceOfLogarithms) {
  for (const double r : {0.01, 0.5, 3.0, 7.9}) {
    for (const double y : {0.0, 1.0, 2.0, 5.0, 8.0, 9.0}) {
      const ValueAndSlope high = log_gamma(r + y), low = log_gamma(r), made = log_rising(r, y);
      const double value = high.value - low.value - y * std::log(r);
      const double slope = high.slope - low.slope - y / r;
      EXPECT_NEAR(made.value, value, 1e-11 * std::max(1.0, std::abs(value))) << r << " " << y;
      EXPECT_NEAR(made.slope, slope, 1e-11 * std::max(1.0, std::abs(slope))) << r << " " << y;
    }
  }
}

}  // namespace
}  // namespace sluice
