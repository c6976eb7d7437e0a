// What moved the forecasts, under the names of the user's columns.
#include "sluice/run/contributions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/hierarchy/sums.hpp"
#include "run/calibration/partners.hpp"
#include "run/forecast/input_names.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kMissing;
using ::testing::Not;

constexpr int kDays = 120, kAhead = 7;
constexpr double kLift = 60;

/// Whether the day is one of a promotion: two of eleven, by chance, so that no day tells another's;
/// of the horizon its third and fourth.
bool promoted(int s, int t) {
  if (t >= kDays) return t == kDays + 2 || t == kDays + 3;
  const Philox4 random = philox(1, static_cast<std::uint64_t>(t), static_cast<std::uint64_t>(s));
  return to_below(random.v[0], random.v[1], 11) < 2;
}

/// Six series of about 100 with a weekly season; a day with a promotion sells 60 more. A channel of
/// noise that nothing follows, and words that name the promotions.
CatalogParts promotions() {
  std::vector<std::vector<float>> series(6);
  Channel promo{"promo", Role::future, {}}, noise{"noise", Role::future, {}};
  for (int s = 0; s < 6; ++s) {
    for (int t = 0; t < kDays + kAhead; ++t) {
      const double week = 10 * std::sin(2 * 3.14159265 * t / 7);
      const double y = 100 + week + (promoted(s, t) ? kLift : 0);
      series[static_cast<std::size_t>(s)].push_back(t < kDays ? static_cast<float>(y) : kMissing);
      promo.values.push_back(promoted(s, t) ? 1.0f : 0.0f);
      noise.values.push_back(static_cast<float>(std::sin(12.9898 * s + 78.233 * t)));
    }
  }
  CatalogParts parts = testing::daily_parts(series);
  parts.channels.push_back(std::move(promo));
  parts.channels.push_back(std::move(noise));
  return parts;
}

Config promotion_config() {
  Config c = testing::quick_config();
  c.network.predict_day = kAhead;
  c.network.hidden_size = 16;
  c.network.head_hidden = 0;
  c.network.space = "linear";
  c.network.base = "none";
  c.network.calendar = true;
  c.training.steps = 2000;
  c.training.batch_size = 32;
  c.training.loss = "mse";
  c.training.learning_rate = 0.01;
  c.forecast.levels = {};
  return c;
}

/// Of a row's target at step k: the sum over what `input` has, or its part alone.
double of(const Contributions& c, std::size_t row, std::size_t k, const std::string& input,
          const std::string& part = "*") {
  double sum = 0;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    if (c.inputs[i].input != input || (part != "*" && c.inputs[i].part != part)) continue;
    sum += c.values[(row * static_cast<std::size_t>(c.K) + k) * c.inputs.size() + i];
  }
  return sum;
}

class Explained : public ::testing::Test {
 protected:
  /// One training for all tests.
  static void SetUpTestSuite() {
    catalog = new Catalog(promotions());
    config = new Config(promotion_config());
    model = new Model(testing::quick_model(*config, *catalog));
  }
  static void TearDownTestSuite() {
    delete model;
    delete config;
    delete catalog;
    model = nullptr;
  }
  static Catalog* catalog;
  static Config* config;
  static Model* model;
};
Catalog* Explained::catalog = nullptr;
Config* Explained::config = nullptr;
Model* Explained::model = nullptr;

TEST_F(Explained, APromotionContributesItsLiftOnItsDaysAndNoiseNextToNothing) {
  const Forecasts f = forecast_series(*model, *catalog, *config);
  const Contributions c = contributions_of(*model, *catalog, *config, f);
  ASSERT_EQ(c.rows.size(), 6u);
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t k = 0; k < kAhead; ++k) {
      const double promo = of(c, r, k, "promo", "at step");
      if (k == 2 || k == 3) {
        EXPECT_NEAR(promo, kLift, 0.2 * kLift) << "series " << r << ", step " << k;
      } else {
        EXPECT_NEAR(promo, 0, 1e-9) << "no promotion is as usual: nothing is moved";
      }
      EXPECT_LT(std::abs(of(c, r, k, "noise")), 0.15 * kLift);
    }
  }
}

TEST_F(Explained, BaselineAndContributionsAddUpToTheForecastOfTheFile) {
  const Forecasts f = forecast_series(*model, *catalog, *config);
  const Contributions c = contributions_of(*model, *catalog, *config, f);
  const std::size_t I = c.inputs.size();
  for (std::size_t cell = 0; cell < c.baseline.size(); ++cell) {
    const double sum = std::accumulate(
        c.values.begin() + static_cast<std::ptrdiff_t>(cell * I),
        c.values.begin() + static_cast<std::ptrdiff_t>((cell + 1) * I), c.baseline[cell]);
    const double forecast = f.point(cell / kAhead, cell % kAhead, 0);
    EXPECT_NEAR(sum, forecast, 1e-9 * forecast);
    EXPECT_LT(std::abs(c.values[cell * I + I - 1]), 0.01 * forecast) << "the rest";
  }
  EXPECT_GT(c.moved, 100);
  EXPECT_LT(c.rounding, 0.01 * c.moved);
}

TEST_F(Explained, NamesAreTheColumnsAndTheirParts) {
  const Forecasts f = forecast_series(*model, *catalog, *config);
  Config blocks = *config;
  blocks.explanation.blocks = {1, 7};
  const Contributions c = contributions_of(*model, *catalog, blocks, f);
  const InputName names[] = {{"y", "1 ago"},          {"y", "2-7 ago"},    {"y", "8+ ago"},
                             {"promo", "at step"},    {"promo", "around"}, {"noise", "at step"},
                             {"calendar", "weekday"}, {"rest", ""}};
  for (const InputName& name : names) EXPECT_THAT(c.inputs, Contains(name));
  EXPECT_EQ(c.inputs.back(), (InputName{"rest", ""}));
  Config wrong = *config;
  wrong.explanation.blocks = {7, 7};
  EXPECT_THROW(contributions_of(*model, *catalog, wrong, f), ConfigError);
}

// `sluice forecast` asks before it writes anything.
TEST_F(Explained, WhatCannotBeExplainedIsRefusedWithoutAForecast) {
  EXPECT_NO_THROW(check_explanation(*model, *catalog, *config));
  Config wrong = *config;
  wrong.explanation.series = {"s99"};
  EXPECT_THROW(check_explanation(*model, *catalog, wrong), ConfigError);
  wrong = *config;
  wrong.engine.device = "cuda";
  EXPECT_THROW(check_explanation(*model, *catalog, wrong), ConfigError);
  Model carries = *model;
  carries.spec.carry_state = true;
  EXPECT_THROW(check_explanation(carries, *catalog, *config), ConfigError);
}

TEST_F(Explained, OnlySeriesThatAreNamedAreExplainedAndAnUnknownOneIsRefused) {
  const Forecasts f = forecast_series(*model, *catalog, *config);
  Config few = *config;
  few.explanation.series = {"s4", "s1"};
  const Contributions c = contributions_of(*model, *catalog, few, f);
  EXPECT_THAT(c.rows, ElementsAre(1, 4));
  const std::vector<OutputColumn> columns = contribution_columns(*catalog, f, c);
  std::vector<std::string> names;
  for (const OutputColumn& column : columns) names.push_back(column.name);
  EXPECT_THAT(names, ElementsAre("unique_id", "ds", "input", "part", "contribution", "forecast",
                                 "baseline"));
  EXPECT_EQ(columns[4].numbers.size(), 2u * kAhead * c.inputs.size());
  EXPECT_EQ(columns[0].text[static_cast<std::size_t>(columns[0].codes.back())], "s4");
  few.explanation.series = {"s44"};
  try {
    contributions_of(*model, *catalog, few, f);
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("explanation.series: there is no series 's44'; did you mean"));
  }
}

TEST_F(Explained, SeedsAreExplainedByTheMeanOfTheirContributions) {
  Model two = *model;
  for (float& number : two.members.emplace_back(model->members[0])) number *= 0.9f;
  const Forecasts f = forecast_series(two, *catalog, *config);
  const Contributions c = contributions_of(two, *catalog, *config, f);
  Model second = *model;
  second.members = {two.members[1]};
  const Contributions a = contributions_of(*model, *catalog, *config, f);
  const Contributions b = contributions_of(second, *catalog, *config, f);
  const std::size_t I = c.inputs.size();
  for (std::size_t i = 0; i < c.values.size(); ++i) {
    if (i % I == I - 1) continue;  // the rest
    EXPECT_NEAR(c.values[i], (a.values[i] + b.values[i]) / 2, 1e-9 + 1e-9 * std::abs(c.values[i]));
  }
}

TEST(Contributions, OfADistributionExplainItsMeanAndOfTwoTargetsEachItsOwn) {
  CatalogParts parts = promotions();
  Channel returns{"returns", Role::target, {}};
  for (const float y : parts.channels[0].values) returns.values.push_back(y / 10);
  parts.channels.insert(parts.channels.begin() + 1, returns);
  const Catalog catalog(std::move(parts));
  for (const char* loss : {"tweedie", "gaussian", "student_t", "quantile"}) {
    Config c = promotion_config();
    c.training.steps = 20;
    c.training.loss = loss;
    c.network.space = "auto";
    const Model model = testing::quick_model(c, catalog);
    const Forecasts f = forecast_series(model, catalog, c);
    const Contributions is = contributions_of(model, catalog, c, f);
    ASSERT_EQ(is.M, 2);
    const std::size_t I = is.inputs.size();
    for (std::size_t cell = 0; cell < is.baseline.size(); ++cell) {
      const double forecast = f.point(cell / (2 * kAhead), cell / 2 % kAhead, cell % 2);
      EXPECT_LT(std::abs(is.values[cell * I + I - 1]), 1e-3 * std::abs(forecast)) << loss;
    }
    EXPECT_THAT(is.inputs, Contains(InputName{"returns", "1-7 ago"}));
    EXPECT_EQ(contribution_columns(catalog, f, is)[2].name, "target");
  }
}

TEST(Contributions, SeriesWithoutHistoryHaveNoneAndAreCounted) {
  auto series = testing::weekly_series(3, 60);
  series.push_back({kMissing, kMissing, kMissing});
  CatalogParts parts = testing::daily_parts(series);
  parts.first.back() += 60;
  const Catalog catalog(std::move(parts));
  Config c = testing::quick_config();
  const Model model = testing::quick_model(c, catalog);
  const Forecasts f = forecast_series(model, catalog, c);
  ASSERT_EQ(f.series.size(), 4u);
  const Contributions is = contributions_of(model, catalog, c, f);
  EXPECT_EQ(is.rows.size(), 3u);
  EXPECT_EQ(is.without, 1);
  EXPECT_THAT(contributions_text(is),
              HasSubstr("3 series, 1 without history or forecast left out"));
  c.explanation.series = {"s3"};
  EXPECT_THROW(contributions_of(model, catalog, c, f), DataError);
}

TEST(Contributions, SayWhatSimpleMethodsAndAddingUpMoved) {
  CatalogParts parts = testing::daily_parts(testing::weekly_series(4, 60));
  parts.static_categories.push_back({"store", {"unknown", "a", "b"}, {1, 1, 2, 2}});
  CatalogNotes notes;
  const Catalog catalog = with_sums(Catalog(std::move(parts)), {"total", "store"}, notes);
  Config c = testing::quick_config();
  c.training.steps = 40;
  c.data.groups = {"total", "store"};
  c.forecast.reconcile = "bottom_up";
  Model model = testing::quick_model(c, catalog);
  model.partners = {{std::string(kSeasonalNaive), {0.25, 0.25, 0.25}}};
  const Forecasts f = forecast_series(model, catalog, c);
  Config apart = c;
  apart.forecast.reconcile = "none";
  const Forecasts own = forecast_series(model, catalog, apart);
  const Contributions is = contributions_of(model, catalog, c, f);
  const Contributions was = contributions_of(model, catalog, apart, own);
  EXPECT_THAT(was.inputs, Not(Contains(InputName{"adding up", ""})));
  ASSERT_EQ(is.rows.size(), 7u);
  for (std::size_t r = 0; r < 7; ++r) {
    for (std::size_t k = 0; k < 3; ++k) {
      const double y = f.point(r, k, 0);
      EXPECT_NEAR(of(is, r, k, "simple methods"), of(was, r, k, "simple methods"), 1e-9 * y);
      EXPECT_NEAR(of(is, r, k, "adding up"), y - own.point(r, k, 0), 1e-5 * y);
      EXPECT_NEAR(of(is, r, k, "rest"), of(was, r, k, "rest"), 1e-5 * y);
    }
  }
  EXPECT_GT(std::abs(of(is, 6, 0, "adding up")), 1e-5 * f.point(6, 0, 0));
}

TEST(Contributions, APriceThatWentUpForGoodIsAsUsual) {
  CatalogParts parts = testing::daily_parts(testing::weekly_series(2, 143));
  Channel price{"price", Role::future, {}};
  for (int s = 0; s < 2; ++s) {
    for (int t = 0; t < 143; ++t)
      price.values.push_back(static_cast<float>(t < 70 ? 10 + t % 2 : t < 75 ? 12 : 20));
    price.values[price.values.size() - 120] = kMissing;
    for (int k = 0; k < 3; ++k) {
      parts.channels[0].values[static_cast<std::size_t>(143 * s + 140 + k)] = kMissing;
    }
  }
  parts.channels.push_back(price);
  parts.history = {140, 140};
  const Catalog catalog(std::move(parts));
  const Config c = testing::quick_config();
  const Model model = testing::quick_model(c, catalog);
  ASSERT_EQ(model.scaling.covariates[0].encoding, Encoding::ratio);
  const Contributions is = contributions_of(model, catalog, c, forecast_series(model, catalog, c));
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(of(is, 0, k, "price"), 0, 1e-5) << k;
}

TEST(Contributions, WhereSimpleMethodsHaveNoForecastTheNetworkCountsInFull) {
  auto series = testing::weekly_series(3, 60);
  std::fill(series[2].begin(), series[2].end() - 4, kMissing);
  const Catalog catalog(testing::daily_parts(series));
  const Config c = testing::quick_config();
  Model model = testing::quick_model(c, catalog);
  const Forecasts alone = forecast_series(model, catalog, c);
  const Contributions network = contributions_of(model, catalog, c, alone);
  model.partners = {{std::string(kSeasonalNaive), {0.25, 0.25, 0.25}}};
  const Contributions is = contributions_of(model, catalog, c, forecast_series(model, catalog, c));
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(of(is, 0, k, "y"), 0.75 * of(network, 0, k, "y"), 1e-9);
    EXPECT_NEAR(of(is, 2, k, "y"), of(network, 2, k, "y"), 1e-9);
    EXPECT_EQ(of(is, 2, k, "simple methods"), 0);
    EXPECT_NE(of(is, 0, k, "simple methods"), 0);
  }
}

TEST(Contributions, UsualBlocksFollowTheFrequency) {
  EXPECT_THAT(usual_blocks(parse_frequency("D")), ElementsAre(7, 28));
  EXPECT_THAT(usual_blocks(parse_frequency("h")), ElementsAre(24, 168));
  EXPECT_THAT(usual_blocks(parse_frequency("MS")), ElementsAre(3, 12));
  EXPECT_THAT(usual_blocks(parse_frequency("YS")), ElementsAre(1, 4));
}

}  // namespace
}  // namespace sluice
