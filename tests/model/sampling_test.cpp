// Draws of distributions: those of one uniform number are the quantiles that Boost gives; those of
// two have the distribution of Boost's (Tweedie's: sums of its gamma distributions) over a grid of
// pairs.
#include "sluice/model/sampling.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/negative_binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <functional>
#include <vector>

namespace sluice {
namespace {

constexpr double kProbabilities[] = {1e-12, 1e-6, 1e-3, 0.02, 0.1,   0.3,      0.5,
                                     0.7,   0.9,  0.97, 0.99, 0.999, 1 - 1e-6, 1 - 1e-12};
constexpr int kGrid = 400;

/// Largest distance between the cdf of draws over a grid of pairs and `cdf`; the grid's own is some
/// 1 / kGrid.
double distance(const std::function<double(UniformPair)>& draw,
                const std::function<double(double)>& cdf) {
  std::vector<double> values;
  for (int i = 0; i < kGrid; ++i) {
    for (int j = 0; j < kGrid; ++j) values.push_back(draw({(i + 0.5) / kGrid, (j + 0.5) / kGrid}));
  }
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  double largest = 0;
  for (std::size_t i = 0; i < values.size(); i += 97) {
    const double x = values[i];
    const auto below = std::ranges::lower_bound(values, x) - values.begin();
    const auto upto = std::ranges::upper_bound(values, x) - values.begin();
    const double p = cdf(x);
    // Where values are the same the cdf jumps there.
    largest =
        std::max({largest, static_cast<double>(below) / n - p, p - static_cast<double>(upto) / n});
  }
  return largest;
}

TEST(Sampling, NormalQuantilesAreBoosts) {
  const boost::math::normal normal;
  for (const double p : kProbabilities) {
    const double z = boost::math::quantile(normal, p);
    EXPECT_NEAR(sampling::normal_quantile(p), z, 2e-9 * (1 + std::abs(z))) << p;
  }
}

TEST(Sampling, TheCosineOfATurnIsTheCosine) {
  for (int i = 0; i <= 1000; ++i) {
    const double u = i / 1000.0;
    EXPECT_NEAR(sampling::cosine_of_turn(u), std::cos(2 * std::acos(-1.0) * u), 1e-15);
  }
}

TEST(Sampling, GammaQuantilesAreBoosts) {
  for (const double a : {0.02, 0.3, 1.0, 2.5, 40.0, 900.0, 2e4, 1e6}) {
    const boost::math::gamma_distribution<double> gamma(a);
    for (const double p : kProbabilities) {
      const double x = boost::math::quantile(gamma, p);
      // In standard deviations: far above, the rounding of a probability near 1 decides, and of
      // large shapes the expansion is off by 2e-4 there.
      const double tolerance = a > sampling::kNormalFrom ? 2e-4 : p > 1 - 1e-9 ? 1e-4 : 1e-8;
      EXPECT_NEAR(sampling::gamma_quantile(a, p), x,
                  1e-8 * x + tolerance * std::max(1.0, std::sqrt(a)))
          << a << " " << p;
    }
  }
}

TEST(Sampling, PoissonDrawsAreQuantiles) {
  using Policy = boost::math::policies::policy<
      boost::math::policies::discrete_quantile<boost::math::policies::integer_round_up>>;
  for (const double mean : {1e-5, 0.3, 4.0, 31.9, 32.1, 400.0, 9e3, 3e5}) {
    const boost::math::poisson_distribution<double, Policy> poisson(mean);
    for (const double p : kProbabilities) {
      const double none = std::exp(-mean);
      const double expected = none >= p ? 0 : boost::math::quantile(poisson, p);
      // Far above, an expansion takes the place of sums: one count beside it.
      EXPECT_NEAR(sampling::poisson(mean, p), expected, mean > sampling::kNormalFrom ? 1 : 0)
          << mean << " " << p;
    }
  }
}

TEST(Sampling, NegativeBinomialDrawsOfSmallMeansAreQuantiles) {
  using Policy = boost::math::policies::policy<
      boost::math::policies::discrete_quantile<boost::math::policies::integer_round_up>>;
  for (const double mean : {0.01, 0.8, 7.0, 30.0}) {
    for (const double dispersion : {1e-6, 0.1, 2.0}) {
      const double r = 1 / dispersion;
      const boost::math::negative_binomial_distribution<double, Policy> counts(
          r, 1 / (1 + dispersion * mean));
      for (const double p : kProbabilities) {
        const double none = std::exp(-r * std::log1p(dispersion * mean));
        const double expected = none >= p ? 0 : boost::math::quantile(counts, p);
        EXPECT_EQ(sampling::negative_binomial(mean, dispersion, {p, 0.5}), expected)
            << mean << " " << dispersion << " " << p;
      }
    }
  }
}

TEST(Sampling, NegativeBinomialDrawsOfLargeMeansHaveItsDistribution) {
  for (const double dispersion : {0.001, 0.5, 3.0}) {
    const double mean = 200, r = 1 / dispersion;
    const boost::math::negative_binomial_distribution<double> counts(r,
                                                                     1 / (1 + dispersion * mean));
    EXPECT_LT(distance(
                  [&](UniformPair u) {
                    return draw(Loss::negative_binomial, {mean, dispersion, 0}, 0, u);
                  },
                  [&](double y) { return boost::math::cdf(counts, y); }),
              3.0 / kGrid)
        << dispersion;
  }
}

TEST(Sampling, GaussianAndStudentDrawsHaveTheirDistribution) {
  const boost::math::normal normal(3, 0.5);
  EXPECT_LT(distance(
                [&](UniformPair u) {
                  return draw(Loss::gaussian, {3, 0.5, 0}, 0, u);
                },
                [&](double y) { return boost::math::cdf(normal, y); }),
            2.0 / kGrid);
  for (const double freedom : {2.01, 5.0, 300.0}) {
    const boost::math::students_t student(freedom);
    EXPECT_LT(distance(
                  [&](UniformPair u) {
                    return draw(Loss::student_t, {3, 0.5, freedom}, 0, u);
                  },
                  [&](double y) { return boost::math::cdf(student, (y - 3) / 0.5); }),
              2.0 / kGrid)
        << freedom;
  }
}

TEST(Sampling, TweedieDrawsAreSumsOfGammaVariables) {
  const double mean = 4, dispersion = 1.5, power = 1.4;
  const double count = std::pow(mean, 0.6) / (dispersion * 0.6), shape = 0.6 / 0.4,
               scale = dispersion * 0.4 * std::pow(mean, 0.4);
  const auto cdf = [&](double y) {
    double mass = std::exp(-count), sum = mass;
    for (int n = 1; n < 60; ++n) {
      mass *= count / n;
      if (y <= 0) continue;
      sum += mass * boost::math::cdf(boost::math::gamma_distribution<double>(n * shape, scale), y);
    }
    return sum;
  };
  EXPECT_LT(distance(
                [&](UniformPair u) {
                  return draw(Loss::tweedie, {mean, dispersion, 0}, power, u);
                },
                cdf),
            3.0 / kGrid);
}

TEST(Sampling, ADrawOfNoDistributionIsNoNumber) {
  for (const Loss loss :
       {Loss::gaussian, Loss::student_t, Loss::poisson, Loss::negative_binomial, Loss::tweedie}) {
    EXPECT_TRUE(std::isnan(draw(loss, {std::nan(""), 1, 3}, 1.5, {0.3, 0.6})));
    EXPECT_TRUE(std::isnan(draw(loss, {1, INFINITY, 3}, 1.5, {0.3, 0.6})));
  }
}

TEST(Sampling, UniformNumbersLieInsideTheInterval) {
  double least = 1, most = 0, sum = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const UniformPair u = path_uniforms(3, 17, static_cast<std::uint64_t>(i % 100),
                                        static_cast<std::uint64_t>(i / 100));
    for (const double x : {u.first, u.second}) {
      least = std::min(least, x), most = std::max(most, x), sum += x;
    }
  }
  EXPECT_GT(least, 0);
  EXPECT_LT(most, 1);
  EXPECT_NEAR(sum / (2 * kDraws), 0.5, 4 * std::sqrt(1.0 / 12 / (2 * kDraws)));
  EXPECT_NE(path_uniforms(3, 17, 1, 0).first, path_uniforms(3, 17, 0, 1).first);
  EXPECT_NE(path_uniforms(3, 17, 0, 0).first, path_uniforms(3, 18, 0, 0).first);
}

}  // namespace
}  // namespace sluice
