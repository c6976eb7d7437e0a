// How steps hang together, and paths that are drawn by it.
#include "run/calibration/dependence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "run/calibration/sampler.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> kProbabilities = {0.1, 0.5, 0.9};
constexpr double kTenth = 1.2815515655446004;  // of a standard normal, upper

/// Normal scores of N forecasts whose errors go on by `fading` from step to step.
std::vector<double> fading_scores(int N, int K, double fading) {
  std::mt19937 random(3);
  std::normal_distribution<double> noise;
  std::vector<double> out;
  for (int n = 0; n < N; ++n) {
    double z = noise(random);
    for (int k = 0; k < K; ++k) {
      out.push_back(z);
      z = fading * z + std::sqrt(1 - fading * fading) * noise(random);
    }
  }
  return out;
}

TEST(NormalScore, IsTheQuantileOfTheSameProbability) {
  const std::vector<double> values = {2, 4, 10}, scores = scores_of(kProbabilities);
  EXPECT_NEAR(normal_score(4, values, scores), 0, 1e-12);
  EXPECT_NEAR(normal_score(10, values, scores), kTenth, 1e-9);
  EXPECT_NEAR(normal_score(7, values, scores), kTenth / 2, 1e-9);   // half way
  EXPECT_NEAR(normal_score(0, values, scores), -2 * kTenth, 1e-9);  // as far below as 2 is below 4
  EXPECT_EQ(normal_score(1000, values, scores), 4);
  EXPECT_TRUE(std::isnan(normal_score(kMissing, values, scores)));
}

TEST(NormalScore, OfAValueThatSeveralQuantilesHaveIsTheMiddleOfTheirs) {
  const std::vector<double> values = {0, 0, 3}, scores = scores_of(kProbabilities);
  EXPECT_NEAR(normal_score(0, values, scores), -kTenth / 2, 1e-9);
}

TEST(ValueAtScore, UndoesTheScore) {
  const std::vector<double> values = {2, 4, 10}, scores = scores_of(kProbabilities);
  for (const double y : {0.5, 2.0, 3.1, 4.0, 9.0, 12.0}) {
    EXPECT_NEAR(value_at_score(normal_score(y, values, scores), values, scores), y, 1e-9) << y;
  }
}

TEST(FitDependence, FindsHowErrorsFade) {
  constexpr int K = 6;
  const Dependence found = fit_dependence(fading_scores(4000, K, 0.8), K, 4000);
  for (std::size_t j = 0; j < K; ++j) {
    for (std::size_t k = 0; k < K; ++k) {
      const double distance = std::abs(static_cast<double>(j) - static_cast<double>(k));
      EXPECT_NEAR(found.correlation[j * K + k], std::pow(0.8, distance), 0.03) << j << ' ' << k;
    }
  }
}

TEST(FitDependence, OfFewForecastsIsASimpleShape) {
  constexpr int K = 8;
  const Dependence found = fit_dependence(fading_scores(5, K, 0.8), K, 5);
  for (std::size_t distance = 1; distance < K; ++distance) {  // the same for all pairs as far apart
    for (std::size_t j = 0; j + distance < K; ++j) {
      EXPECT_NEAR(found.correlation[j * K + j + distance], found.correlation[distance], 0.15);
    }
  }
}

TEST(FitDependence, CanBeDrawnByWhateverIsMissing) {
  constexpr std::size_t K = 12;
  std::vector<double> scores = fading_scores(9, K, 0.95);
  for (std::size_t i = 0; i < scores.size(); i += 5) scores[i] = kMissing;
  for (std::size_t i = 3; i < scores.size(); i += K) scores[i] = kMissing;  // a step without any
  const Dependence found = fit_dependence(scores, K, 9);
  EXPECT_NO_THROW(PathSampler(found, K, kProbabilities, 1));
}

TEST(FitDependence, OfOneForecastIsNotKnown) {
  EXPECT_TRUE(fit_dependence(fading_scores(1, 5, 0.5), 5, 1).correlation.empty());
}

/// Quantiles [K, 3] of normal steps with mean 10 (k + 1) and spread k + 1.
std::vector<float> growing_quantiles(std::size_t K) {
  std::vector<float> out;
  for (std::size_t k = 0; k < K; ++k) {
    const auto size = static_cast<double>(k + 1);
    for (const double z : {-kTenth, 0.0, kTenth}) {
      out.push_back(static_cast<float>(10 * size + size * z));
    }
  }
  return out;
}

class Drawn : public ::testing::Test {
 protected:
  static constexpr std::size_t K = 4, kPaths = 20000;
  const Dependence dependence_ = fit_dependence(fading_scores(4000, K, 0.7), K, 4000);
  std::vector<double> draw(std::uint64_t seed, std::uint64_t stream, std::size_t paths) const {
    std::vector<double> out(paths * K);
    PathSampler(dependence_, K, kProbabilities, seed).draw(stream, growing_quantiles(K), out);
    return out;
  }
};

TEST_F(Drawn, PathsHaveTheQuantilesOfEachStep) {
  const std::vector<double> paths = draw(7, 1, kPaths);
  for (std::size_t k = 0; k < K; ++k) {
    std::vector<double> at;
    for (std::size_t p = 0; p < kPaths; ++p) at.push_back(paths[p * K + k]);
    std::ranges::sort(at);
    const auto size = static_cast<double>(k + 1);
    EXPECT_NEAR(sample_quantile(at, 0.5), 10 * size, 0.05 * size);
    EXPECT_NEAR(sample_quantile(at, 0.9), 10 * size + kTenth * size, 0.06 * size);
    EXPECT_NEAR(sample_quantile(at, 0.1), 10 * size - kTenth * size, 0.06 * size);
  }
}

// The variance of a sum of dependent steps: sum over j, k of s_j s_k r_jk.
TEST_F(Drawn, SumsAreAsWideAsTheStepsHangTogether) {
  const std::vector<double> paths = draw(7, 1, kPaths);
  double expected = 0, alone = 0, mean = 0, squares = 0;
  for (std::size_t j = 0; j < K; ++j) {
    for (std::size_t k = 0; k < K; ++k) {
      const double both = static_cast<double>((j + 1) * (k + 1)) *
                          static_cast<double>(dependence_.correlation[j * K + k]);
      expected += both;
      alone += j == k ? both : 0;
    }
  }
  for (std::size_t p = 0; p < kPaths; ++p) {
    double sum = 0;
    for (std::size_t k = 0; k < K; ++k) sum += paths[p * K + k];
    mean += sum / kPaths, squares += sum * sum / kPaths;
  }
  EXPECT_NEAR((squares - mean * mean) / expected, 1, 0.05);
  EXPECT_GT(expected, 1.8 * alone);
}

TEST_F(Drawn, PathsAreTheSameForTheSameSeedAndSeriesWhateverTheirNumber) {
  const std::vector<double> few = draw(7, 1, 10), many = draw(7, 1, 50);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  EXPECT_NE(draw(8, 1, 10), few);
  EXPECT_NE(draw(7, 2, 10), few);
}

TEST_F(Drawn, NoMatrixOfCorrelationsIsRefused) {
  const Dependence bad{{1, 0.9f, -0.9f, 0.9f, 1, 0.9f, -0.9f, 0.9f, 1}};
  EXPECT_THROW(PathSampler(bad, 3, kProbabilities, 1), DataError);
}

TEST(SampleQuantile, LiesBetweenOrderStatistics) {
  const std::vector<double> values = {1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(sample_quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(sample_quantile(values, 1), 4);
  EXPECT_DOUBLE_EQ(sample_quantile(values, 0.1), 1.3);
}

}  // namespace
}  // namespace sluice
