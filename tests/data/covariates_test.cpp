#include "sluice/data/covariates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "sluice/data/window.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using testing::kMissing;

/// One series whose target is 1 everywhere, and these values of one future channel.
Catalog with_channel(const std::vector<float>& values) {
  CatalogParts parts = testing::daily_parts({std::vector<float>(values.size(), 1.0f)});
  parts.channels.push_back({"x", Role::future, values});
  return Catalog(std::move(parts));
}

CovariateMap fitted(const std::vector<float>& values, int window = 3, int ahead = 0) {
  const std::vector<std::int64_t> end = {static_cast<std::int64_t>(values.size())};
  return fit_covariates(with_channel(values), window, ahead, end)[0];
}

std::vector<float> levels(Encoding encoding, const std::vector<float>& values, int window) {
  std::vector<float> out(values.size());
  covariate_levels(encoding, values, window, out);
  return out;
}

TEST(Covariates, AreEncodedByWhatTheyHold) {
  EXPECT_EQ(fitted({0, 1, 1, 0, kMissing}).encoding, Encoding::binary);
  EXPECT_EQ(fitted({2, 2, 2}).encoding, Encoding::binary);
  EXPECT_EQ(fitted({2, 3, 2.5f}).encoding, Encoding::ratio);
  EXPECT_EQ(fitted({0, 0, 0, 7, 3}).encoding, Encoding::amount);
  EXPECT_EQ(fitted({0, 5, 6, 7, 3}).encoding, Encoding::difference);
  EXPECT_EQ(fitted({-1, 0, 0, 0, 3}).encoding, Encoding::difference);
}

TEST(Covariates, OfTwoValuesTheUsualOneIsNothing) {
  const CovariateMap open = fitted({1, 1, 0, 1, 1});
  EXPECT_EQ(open.input(open.value(1), 0), 0.0f);
  EXPECT_EQ(open.input(open.value(0), 0), -1.0f);
  EXPECT_EQ(open.input(open.value(kMissing), 0), 0.0f);
  const CovariateMap promotion = fitted({5, 5, 5, 9});
  EXPECT_EQ(promotion.input(promotion.value(9), 0), 1.0f);
  EXPECT_EQ(promotion.input(promotion.value(100), 0), 1.0f) << "cut at what was trained";
}

TEST(Covariates, AreCountedFromTheirLastValues) {
  EXPECT_THAT(levels(Encoding::difference, {kMissing, 4, 2, kMissing, kMissing, kMissing, 8}, 2),
              ElementsAre(::testing::IsNan(), 4, 3, 2, 2, 2, 8));
  EXPECT_THAT(levels(Encoding::amount, {4, 2}, 2), ElementsAre(0, 0));
}

TEST(Covariates, OfARatioTheUnitDoesNotMatter) {
  const std::vector<float> dollars = {2, 2, 1, 2, 3, 2};
  std::vector<float> cents;
  for (const float x : dollars) cents.push_back(100 * x);
  const CovariateMap a = fitted(dollars), b = fitted(cents);
  EXPECT_NEAR(a.scale, b.scale, 1e-5);
  EXPECT_NEAR(a.low, b.low, 1e-4);
  EXPECT_NEAR(a.high, b.high, 1e-4);
  // log(1) less the mean of log 2, log 2, log 1, over the size of such numbers.
  EXPECT_NEAR(a.low, (0 - 2 * std::log(2.0) / 3) / static_cast<double>(a.scale), 1e-5);
}

TEST(Covariates, AnAmountGrowsAsItsLogarithm) {
  const CovariateMap map = fitted({0, 0, 0, 0, 10, 30, 10});
  EXPECT_EQ(map.offset, 10.0f);  // the usual amount
  EXPECT_EQ(map.input(map.value(0), 0), 0.0f);
  EXPECT_NEAR(map.value(30) / map.value(10), std::log(4.0) / std::log(2.0), 1e-5);
  EXPECT_EQ(map.input(map.value(1e6f), 0), map.high);
}

TEST(Covariates, KnowTheTrainingPartAlone) {
  const std::vector<float> a = {1, 2, 1.5f, 2, 9, 9}, b = {1, 2, 1.5f, 2, -3, 0};
  const std::vector<std::int64_t> end = {4};
  EXPECT_EQ(fit_covariates(with_channel(a), 3, 2, end), fit_covariates(with_channel(b), 3, 2, end));
}

TEST(Covariates, AValueAheadIsMetFromItsOldLevelToo) {
  // It rises for good: from the level of two steps before it is farther than from its own.
  const std::vector<float> rising = {1, 2, 4, 8, 16, 32};
  const CovariateMap near = fitted(rising, 2, 0), ahead = fitted(rising, 2, 2);
  EXPECT_NEAR(static_cast<double>(near.high * near.scale), 0.5 * std::log(2.0), 1e-5);
  EXPECT_NEAR(static_cast<double>(ahead.high * ahead.scale), 2.5 * std::log(2.0), 1e-5);
}

TEST(DropChannels, IsAFunctionOfSeedStepAndPlace) {
  std::vector<Window> a(200), b(200), c(200);
  drop_channels(7, 3, 0.25, 5, a);
  drop_channels(7, 3, 0.25, 5, b);
  drop_channels(7, 4, 0.25, 5, c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  int hidden = 0;
  for (const Window& w : a) {
    EXPECT_LT(w.dropped, 1 << 5) << "there are five channels";
    for (int f = 0; f < 5; ++f) hidden += w.dropped >> f & 1;
  }
  // 1000 of them with chance 0.25: the standard deviation is 13.7.
  EXPECT_NEAR(hidden, 250, 70);
  std::vector<Window> none(3);
  drop_channels(7, 3, 0, 5, none);
  EXPECT_EQ(none, std::vector<Window>(3));
}

}  // namespace
}  // namespace sluice
