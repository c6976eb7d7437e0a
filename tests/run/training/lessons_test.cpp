// What trainings learn of their own forecasts: which methods have a part in them, and how wide they
// are.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "model/simple/methods.hpp"
#include "run/training/training_fixture.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Steep lines with a little noise, no season: a hardly trained network that begins as the mean of
/// its level lags behind, and exponential smoothing does not.
std::vector<std::vector<float>> lines(int count, int length, float start = 20) {
  std::vector<std::vector<float>> out;
  for (int s = 0; s < count; ++s) {
    auto& values = out.emplace_back();
    for (int t = 0; t < length; ++t) {
      const double noise = std::sin(12.9898 * (s + 1) + 78.233 * t);
      values.push_back(start + static_cast<float>((1 + s) * 0.8 * t + noise));
    }
  }
  return out;
}

class Lessons : public TrainingTest {
 protected:
  Config open() const {
    Config c = small();
    c.network.base = "none";
    c.training.steps = 3;
    c.training.partners = {"auto"};
    return c;
  }
  static Model trained(const Config& config, const Catalog& catalog) {
    return train(config, catalog, silent()).model;
  }
  /// Forecasts of the next days, [series, K, J].
  static Forecasts of(const Model& model, const Catalog& catalog) {
    std::vector<std::int64_t> cutoff;
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) cutoff.push_back(catalog.history(s));
    return Forecaster(model, catalog, model.config.forecast.levels, model.config.engine).at(cutoff);
  }
};

TEST_F(Lessons, AMethodThatIsBetterOnTheValidationPartHasAPartInTheForecast) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  const Model model = trained(open(), catalog);
  ASSERT_EQ(model.partners.size(), 1U);
  EXPECT_EQ(model.partners[0].method, "ets+theta");
  ASSERT_EQ(model.partners[0].weight.size(), 3U);
  EXPECT_GT(model.partners[0].weight[0], 0.3);

  double weight = 0;
  for (const double w : model.partners[0].weight) weight += w / 3;
  const std::string mix = fmt::format("the forecast: {:.0f} % network, {:.0f} % ETS + Theta; MASE ",
                                      100 * (1 - weight), 100 * weight);
  EXPECT_THAT(model.learned, ::testing::Contains(HasSubstr(mix)));

  Model alone = model;
  alone.partners.clear();
  const Forecasts mixed = of(model, catalog), own = of(alone, catalog);
  for (std::size_t s = 0; s < 10; ++s) {
    const auto past = catalog.values(0, static_cast<std::int64_t>(s));
    const std::vector<double> y(past.begin(), past.end());
    const auto simple = simple::simple_forecast(simple::Method::ets_theta, y, 7, 3).points;
    for (std::size_t k = 0; k < 3; ++k) {
      const double w = model.partners[0].weight[k];
      EXPECT_NEAR(mixed.point(s, k, 0), (1 - w) * own.point(s, k, 0) + w * simple[k], 1e-3);
      // The interval moves with its median.
      const double move = mixed.point(s, k, 0) - own.point(s, k, 0);
      EXPECT_NEAR(mixed.y(s, k, 0, 0), own.y(s, k, 0, 0) + move, 1e-3);
      EXPECT_NEAR(mixed.y(s, k, 0, 2), own.y(s, k, 0, 2) + move, 1e-3);
    }
  }
}

TEST_F(Lessons, AMethodThatGainsAndIsNotTakenIsSaidWhy) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  c.training.partners = {"ets", "theta", "ets+theta"};
  const Model model = trained(c, catalog);
  ASSERT_LE(model.partners.size(), 2u);
  const auto said = std::ranges::find_if(model.learned, [](const std::string& line) {
    return line.ends_with(" not taken: hardly better beside those taken");
  });
  ASSERT_NE(said, model.learned.end());
  EXPECT_LE(said->size(), 80u);
  const auto taken = std::ssize(model.partners);
  EXPECT_EQ(std::ranges::count_if(
                model.learned,
                [](const std::string& line) { return line.find(" not taken: ") != line.npos; }),
            3 - taken)
      << "each of the others, all of which gain";
  c.training.partners = {"ets"};
  EXPECT_THAT(trained(c, catalog).learned,
              ::testing::Not(::testing::Contains(HasSubstr("not taken"))));
}

TEST_F(Lessons, AMethodThatIsWorseHasNone) {
  const Catalog catalog = weekly(10);
  Config c = open();
  c.network.base = "seasonal";
  c.training.partners = {"tsb"};  // one number for all days of the week
  const Model model = trained(c, catalog);
  EXPECT_TRUE(model.partners.empty());
  EXPECT_THAT(model.learned, ::testing::Contains(HasSubstr("TSB")));
  EXPECT_THAT(model.learned, ::testing::Contains(HasSubstr("the forecast: 100 % network; MASE ")));
}

TEST_F(Lessons, NoneLeavesTheNetworkAlone) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  c.training.partners = {"none"};
  const Model model = trained(c, catalog);
  EXPECT_TRUE(model.partners.empty());
  EXPECT_TRUE(model.learned.empty());
}

TEST_F(Lessons, AutoBesideNamesIsRefused) {
  Config c = open();
  c.training.partners = {"ets", "auto"};
  try {
    trained(c, weekly());
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(
        e.what(),
        "training.partners has \"auto\" and names beside it; give \"auto\" alone, or names "
        "alone");
  }
}

TEST_F(Lessons, WithoutAValidationPartNothingIsLearned) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  c.data.valid = 0;
  EXPECT_TRUE(trained(c, catalog).partners.empty());
}

TEST_F(Lessons, TheFinalFitCarriesWhatTheChoiceLearned) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  c.training.calibration = "auto";
  const Model choice = trained(c, catalog);
  c.training.final_fit = true;
  c.training.seeds = 2;
  const Model model = trained(c, catalog);
  EXPECT_EQ(model.members.size(), 2U);
  EXPECT_NE(model.members[0], choice.members[0]);
  EXPECT_EQ(model.learned, choice.learned);
  ASSERT_EQ(model.partners.size(), 1U);
  EXPECT_EQ(model.partners[0].weight, choice.partners[0].weight);
  EXPECT_EQ(model.stretch.factors, choice.stretch.factors);
}

TEST_F(Lessons, ComeBackFromTheModelsFile) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  train(c, catalog, silent(true));
  const Model model = load_model(c.path.model), fresh = trained(c, catalog);
  ASSERT_EQ(model.partners.size(), 1U);
  EXPECT_EQ(model.partners[0].weight, fresh.partners[0].weight);
  EXPECT_EQ(model.learned, fresh.learned);
  EXPECT_EQ(of(model, catalog).values, of(fresh, catalog).values);
}

// An incremental training that is no better keeps the earlier model with its partners.
TEST_F(Lessons, AnEarlierModelThatIsKeptKeepsItsPartners) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  c.training.steps = 40;
  train(c, catalog, silent(true));
  const Model earlier = load_model(c.path.model);
  ASSERT_FALSE(earlier.partners.empty());
  c.mode.incremental = true;
  c.training.steps = 1;
  c.training.learning_rate = 10;
  c.training.warmup_steps = 0;
  c.training.partners = {"none"};
  const TrainResult result = train(c, catalog, silent(true));
  ASSERT_TRUE(result.kept_older);
  EXPECT_EQ(load_model(c.path.model).partners[0].weight, earlier.partners[0].weight);
}

// Stored beside an offset, values are far from what a ratio or a smoothing of them means.
TEST_F(Lessons, MeansAreOfValuesAndNotOfWhatIsStoredBesideAnOffset) {
  const auto series = lines(10, 80);
  CatalogParts parts = testing::daily_parts(series);
  for (float& y : parts.channels[0].values) y -= 20;
  parts.value_offset.assign(10, 20.0);
  const Catalog plain(testing::daily_parts(series)), beside(std::move(parts));
  const Model model = trained(open(), beside);
  ASSERT_EQ(model.partners.size(), 1U);
  Model alone = model;
  alone.partners.clear();
  const Forecasts mixed = of(model, beside), own = of(alone, beside);
  const auto past = plain.values(0, 4);
  const auto simple = simple::simple_forecast(simple::Method::ets_theta,
                                              std::vector<double>(past.begin(), past.end()), 7, 3)
                          .points;
  const double w = model.partners[0].weight[1];
  EXPECT_NEAR(mixed.point(4, 1, 0), (1 - w) * own.point(4, 1, 0) + w * simple[1], 1e-3);
}

TEST_F(Lessons, ASeriesWithFourValuesIsForecastByTheNetworkAlone) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  const Model model = trained(open(), catalog);
  ASSERT_EQ(model.partners.size(), 1U);
  Model alone = model;
  alone.partners.clear();
  auto few = lines(2, 80);
  for (std::size_t t = 0; t < 76; ++t) few[0][t] = testing::kMissing;
  for (std::size_t t = 0; t < 75; ++t) few[1][t] = testing::kMissing;
  const Catalog sparse(testing::daily_parts(few));
  const Forecasts mixed = of(model, sparse), own = of(alone, sparse);
  EXPECT_EQ(mixed.point(0, 2, 0), own.point(0, 2, 0));
  EXPECT_NE(mixed.point(1, 2, 0), own.point(1, 2, 0));
}

TEST_F(Lessons, AMeanBelowZeroIsZeroWhereNothingWasBelow) {
  auto falling = lines(10, 80);
  for (auto& values : falling) {
    std::ranges::reverse(values);
    const float last = values.back();
    for (float& y : values) y -= last;
    for (float& y : values) y = std::max(y, 0.0F);
  }
  const Catalog catalog(testing::daily_parts(falling));
  Config c = open();
  c.network.space = "linear";
  c.training.partners = {"ets"};
  Model model = trained(c, catalog);
  model.partners = {{"ets", {1, 1, 1}}};
  for (const float y : of(model, catalog).values) EXPECT_GE(y, 0);
}

// A point loss has its errors for intervals; with a partner they are made anew of what it
// forecasts.
TEST_F(Lessons, APointLossHasItsPartnersToo) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  c.training.loss = "mse";
  c.training.calibration = "auto";
  const Model model = trained(c, catalog);
  ASSERT_EQ(model.partners.size(), 1U);
  EXPECT_THAT(model.learned[0], HasSubstr("RMSSE"));
  EXPECT_FALSE(model.stretch.probabilities.empty());
  const Forecasts f = of(model, catalog);
  for (std::size_t s = 0; s < 10; ++s) EXPECT_LT(f.y(s, 2, 0, 0), f.y(s, 2, 0, 2));
}

TEST_F(Lessons, ADistributionHasPartnersAndCalibratedIntervals) {
  auto counts = lines(10, 80);
  for (auto& values : counts) {
    for (float& y : values) y = std::round(std::max(y, 0.0F));
  }
  const Catalog catalog(testing::daily_parts(counts));
  Config c = open();
  c.training.loss = "negative_binomial";
  c.training.calibration = "auto";
  const Model model = trained(c, catalog);
  ASSERT_FALSE(model.partners.empty());
  EXPECT_FALSE(model.stretch.probabilities.empty());
  Model alone = model;
  alone.partners.clear();
  const Forecasts mixed = of(model, catalog), own = of(alone, catalog);
  ASSERT_FALSE(mixed.mean.empty());
  EXPECT_GT(std::accumulate(mixed.mean.begin(), mixed.mean.end(), 0.0F),
            std::accumulate(own.mean.begin(), own.mean.end(), 0.0F));
}

TEST_F(Lessons, EachRefitOfAnEvaluationLearnsAnew) {
  const Catalog catalog(testing::daily_parts(lines(10, 80)));
  Config c = open();
  c.evaluate.refit = 1;
  c.evaluate.methods = {"ets+theta"};
  const double mixed = backtest(c, catalog, nullptr, {}).report.methods[0].total.mase;
  c.training.partners = {"none"};
  EXPECT_LT(mixed, 0.8 * backtest(c, catalog, nullptr, {}).report.methods[0].total.mase);
}

}  // namespace
}  // namespace sluice
