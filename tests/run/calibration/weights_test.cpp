// Weights of simple methods in a forecast: what helps is taken, what does not is left.
#include "run/calibration/weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace sluice {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// `series` rows of one forecast of K steps: 100 and noise; the network's errors have the spread
/// `own`, each partner's, of which there is one, `other`.
MixProblem noisy(int series, int K, double own, double other) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise;
  MixProblem p;
  p.K = K;
  p.rows = series;
  p.independent = series;
  p.partners.resize(1);
  for (int s = 0; s < series; ++s) {
    p.row.push_back(s);
    p.fold.push_back(s % 2);
    p.mase_scale.push_back(1);
    p.rmsse_scale.push_back(1);
    p.nonnegative.push_back(0);
    for (int k = 0; k < K; ++k) {
      p.actual.push_back(100);
      p.own.push_back(100 + own * noise(random));
      p.partners[0].push_back(100 + other * noise(random));
    }
  }
  return p;
}

// Of two forecasts whose errors know nothing of each other the best mean weighs them by the inverse
// of their variances: 1 / 1 and 1 / 4 here, .2; with so many series hardly less by doubt.
TEST(ChooseMix, WeighsTwoForecastsByTheInverseOfTheirVariances) {
  MixProblem p = noisy(2000, 6, 1, 2);
  p.measure = "RMSSE";
  const Mix mix = choose_mix(p);
  EXPECT_THAT(mix.weights[0], testing::Each(testing::DoubleNear(0.2, 0.051)));
  EXPECT_NEAR(mix.score / mix.own_score, std::sqrt(0.8), 0.02);
  EXPECT_NEAR(mix.rows[0].unseen, 1 - std::sqrt(0.8), 0.02);
}

TEST(ChooseMix, AWapeIsTheShareThatErrorsAreOfTheValues) {
  MixProblem p = noisy(200, 6, 1, 30);
  p.measure = "WAPE";
  double errors = 0;
  for (std::size_t i = 0; i < p.actual.size(); ++i) errors += std::abs(p.own[i] - p.actual[i]);
  EXPECT_NEAR(choose_mix(p).own_score, errors / (100.0 * static_cast<double>(p.actual.size())),
              1e-9);
  p.actual.assign(p.actual.size(), 0.0);  // of zeros there is none, and nothing is chosen by it
  const Mix none = choose_mix(p);
  EXPECT_TRUE(std::isnan(none.own_score));
  EXPECT_THAT(none.weights[0], testing::Each(0.0));
}

TEST(ChooseMix, LeavesAPartnerThatIsBad) {
  const MixProblem p = noisy(200, 6, 1, 30);
  const Mix mix = choose_mix(p);
  EXPECT_THAT(mix.weights[0], testing::Each(0.0));
  EXPECT_EQ(mix.rows[0].weight, 0);
  EXPECT_EQ(mix.score, mix.own_score);
  EXPECT_GT(mix.rows[0].score, 20 * mix.own_score);
  EXPECT_EQ(mix.rows[0].why, NotTaken::none);  // it gains nothing
}

// What helps one half of the series alone is chance.
TEST(ChooseMix, LeavesAPartnerThatHelpsOneHalfOfTheSeriesAndHarmsTheOther) {
  MixProblem p = noisy(200, 6, 1, 1);
  for (std::size_t i = 0; i < p.actual.size(); ++i) {
    const bool good = i / 6 % 2 == 0;
    p.partners[0][i] = good ? p.actual[i] : p.own[i] + (p.own[i] > p.actual[i] ? 0.3 : -0.3);
  }
  const Mix mix = choose_mix(p);
  EXPECT_THAT(mix.weights[0], testing::Each(0.0));
  EXPECT_GT(mix.rows[0].gain, 0.1);
  EXPECT_EQ(mix.rows[0].why, NotTaken::unseen);
}

// One half has no error with the partner alone. The other one has none with the mean of both, and a
// little more than before with the partner alone.
TEST(ChooseMix, SaysThatOneHalfIsWorse) {
  MixProblem p = noisy(200, 6, 1, 1);
  for (std::size_t i = 0; i < p.actual.size(); ++i) {
    const bool good = i / 6 % 2 == 0;
    p.partners[0][i] = 100 - (good ? 0 : 1.02) * (p.own[i] - 100);
  }
  const Mix mix = choose_mix(p);
  EXPECT_THAT(mix.weights[0], testing::Each(0.0));
  EXPECT_GT(mix.rows[0].unseen, 0.1);
  EXPECT_EQ(mix.rows[0].why, NotTaken::one_half);
}

TEST(ChooseMix, SaysWhichPartnerIsOfNoUseBesideAnother) {
  MixProblem p = noisy(400, 6, 2, 1);
  p.partners.push_back(p.partners[0]);
  const Mix mix = choose_mix(p);
  EXPECT_EQ((mix.rows[0].weight > 0) + (mix.rows[1].weight > 0), 1);
  EXPECT_EQ(mix.rows[0].why, NotTaken::none);
  EXPECT_EQ(mix.rows[1].why, NotTaken::beside);
}

TEST(ChooseMix, TakesTheNetworkWhereAPartnerHasNoForecast) {
  MixProblem p = noisy(200, 6, 1, 0.5);
  const Mix whole = choose_mix(p);
  for (std::size_t i = 0; i < p.actual.size(); i += 2) p.partners[0][i] = kMissing;
  const Mix mix = choose_mix(p);
  EXPECT_GT(mix.weights[0][0], 0.5);
  // Half of the values are forecast by the mean and half by the network.
  EXPECT_NEAR(mix.score, (whole.score + mix.own_score) / 2, 0.03);
}

TEST(ChooseMix, DrawsWeightsTowardsTheNetworkWhereForecastsAreFew) {
  MixProblem p = noisy(400, 6, 2, 1);
  const double many = choose_mix(p).weights[0][0];
  p.independent = 3;
  EXPECT_DOUBLE_EQ(choose_mix(p).weights[0][0], many * 403 / 400 / 2);
}

TEST(ChooseMix, HasAWeightForEachHalfOfTheHorizonWhereThatHelps) {
  MixProblem p = noisy(400, 8, 1, 1);
  for (std::size_t i = 0; i < p.actual.size(); ++i) {
    p.partners[0][i] = 100 + (p.partners[0][i] - 100) * (i % 8 < 4 ? 8 : 0.2);
  }
  const Mix mix = choose_mix(p);
  EXPECT_LT(mix.weights[0][0], 0.15);
  EXPECT_GT(mix.weights[0][7], 0.85);
}

// Without a season's error there is no MASE; without any forecast of the other half, no proof.
TEST(ChooseMix, TakesNothingThatItCannotTryOnUnseenForecasts) {
  MixProblem p = noisy(200, 6, 2, 1);
  p.fold.assign(200, 0);
  const Mix mix = choose_mix(p);
  EXPECT_THAT(mix.weights[0], testing::Each(0.0));
  EXPECT_EQ(mix.rows[0].why, NotTaken::untried);
}

TEST(ChooseMix, DoesNotForecastBelowZeroWhereThereIsNothingBelow) {
  MixProblem p = noisy(200, 1, 0, 1);
  for (std::size_t i = 0; i < 200; ++i) p.actual[i] = 0, p.own[i] = 5, p.partners[0][i] = -21;
  p.nonnegative.assign(200, 1);
  const Mix mix = choose_mix(p);
  EXPECT_EQ(mix.score, 0);  // any weight of .2 and more is clipped to what came
  EXPECT_NEAR(mix.weights[0][0], 0.2, 0.01);
}

// As forecasts are made (partner_part): a second partner that has none of some series leaves its
// part to the network, not to the first one.
TEST(ChooseMix, APartnerWithoutAForecastLeavesItsPartToTheNetwork) {
  MixProblem p = noisy(2000, 6, 1, 1);
  std::mt19937 random(11);
  std::normal_distribution<double> noise;
  p.partners.push_back({});
  for (std::size_t i = 0; i < p.actual.size(); ++i) {
    p.partners[1].push_back(i / 6 % 4 < 2 ? 100 + noise(random) : kMissing);
  }
  const Mix mix = choose_mix(p);
  ASSERT_GT(mix.rows[0].weight, 0.1);
  ASSERT_GT(mix.rows[1].weight, 0.1);
  double errors = 0;
  for (std::size_t i = 0; i < p.actual.size(); ++i) {
    double y = p.own[i];
    for (std::size_t q = 0; q < 2; ++q) {
      y += partner_part(mix.weights[q][i % 6], p.partners[q][i], p.own[i]);
    }
    errors += std::abs(y - 100);
  }
  EXPECT_NEAR(mix.score, errors / static_cast<double>(p.actual.size()), 1e-9);
}

}  // namespace
}  // namespace sluice
