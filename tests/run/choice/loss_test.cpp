// training.loss = "auto": what the values make of it, and what then follows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "sluice/run/choice.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using Values = std::vector<std::vector<float>>;

/// 100 steps, of which the first `sold` of each hundred have `units`, in no order that has a season.
std::vector<float> sales(int sold, float units) {
  std::vector<float> out(100);
  for (int t = 0; t < sold; ++t) out[static_cast<std::size_t>(t * 37 % 100)] = units;
  return out;
}

std::string loss_of(const Values& values, Config config = {}) {
  config.data.test = 0;
  config.data.valid = 0;
  const Catalog catalog{testing::daily_parts(values)};
  return loss_name(config, catalog, training_split(config, catalog, {}));
}

TEST(AutomaticLoss, IsADistributionOfCountsWhereHalfTheSeriesOrMoreAreIntermittent) {
  const std::vector<float> rare = sales(75, 2), often = sales(76, 2);  // 1.333 and 1.316 steps
  EXPECT_EQ(loss_of({rare}), "negative_binomial");
  EXPECT_EQ(loss_of({often}), "quantile");
  EXPECT_EQ(loss_of({rare, often}), "negative_binomial");
  EXPECT_EQ(loss_of({rare, often, often}), "quantile");
  EXPECT_EQ(loss_of({sales(0, 1)}), "negative_binomial");
}

TEST(AutomaticLoss, IsOfQuantilesWhereValuesAreNoCounts) {
  std::vector<float> returned = sales(50, 2), kilograms = sales(50, 2);
  returned[40] = -1, kilograms[40] = 0.5f;
  EXPECT_EQ(loss_of({returned}), "quantile");
  EXPECT_EQ(loss_of({kilograms}), "quantile");
}

TEST(AutomaticLoss, CountsAMissingStepForNothing) {
  std::vector<float> open = sales(50, 2);
  for (float& y : open) y = y == 0 ? NAN : y;
  EXPECT_EQ(loss_of({open}), "quantile");
}

TEST(AutomaticLoss, GivesWayToSettingsThatGoWithNoDistributionOfCounts) {
  Config config;
  config.network.space = "asinh";
  EXPECT_EQ(loss_of({sales(50, 2)}, config), "quantile");
  config = {};
  config.network.scaling = "standard";
  EXPECT_EQ(loss_of({sales(50, 2)}, config), "quantile");
  config = {};
  config.training.loss = "mae";
  EXPECT_EQ(loss_of({sales(50, 2)}, config), "mae");
}

TEST(AutomaticLoss, IsDecidedWhereNothingElseIsAndStaysWithTheModel) {
  Config config;
  config.data.test = 0;
  config.training.choice = 0;
  const Catalog catalog{testing::daily_parts({sales(50, 2), sales(40, 1)})};
  const Choice choice = choose(config, catalog, training_split(config, catalog, {}), {});
  EXPECT_TRUE(choice.rows.empty());
  EXPECT_EQ(choice.config.training.loss, "negative_binomial");
  Config taken = config;
  take_choices(choice.config, taken);
  EXPECT_EQ(taken.training.loss, "negative_binomial");
  taken.training.loss = "mae";  // what is set stays
  take_choices(choice.config, taken);
  EXPECT_EQ(taken.training.loss, "mae");
}

TEST(AutomaticLoss, ForecastsTheMeanOfRareCounts) {
  std::mt19937 random(3);
  std::bernoulli_distribution sells(0.25);
  std::poisson_distribution<int> units(3);
  Values values(20, std::vector<float>(120));
  for (auto& series : values) {
    for (float& y : series) y = sells(random) ? static_cast<float>(1 + units(random)) : 0;
  }
  Config config;
  config.data.test = 0;
  config.network.hidden_size = 8;
  config.network.predict_day = 7;
  config.network.time_step = 14;
  config.network.head_hidden = 8;
  config.training.batch_size = 16;
  config.training.steps = 300;
  config.training.choice = 0;
  config.training.partners = {"none"};
  config.engine.threads = 1;
  const Catalog catalog{testing::daily_parts(values)};
  TrainOptions silent;
  silent.save = false;
  silent.announce = false;
  const Model model = train(config, catalog, silent).model;
  EXPECT_EQ(model.spec.loss, Loss::negative_binomial);
  EXPECT_EQ(model.config.training.loss, "negative_binomial");
  const Forecasts made = forecast_series(model, catalog, config);
  double mean = 0;
  for (const double y : made.mean) mean += y / static_cast<double>(made.mean.size());
  EXPECT_NEAR(mean, 0.25 * 4, 0.2);  // the median of each is 0
}

TEST(MeasureOfPoints, IsThatWhichTheyHaveTheLeastOf) {
  for (const char* loss : {"mse", "poisson", "negative_binomial", "tweedie"}) {
    EXPECT_EQ(measure_of_points(loss), "RMSSE") << loss;
  }
  for (const char* loss : {"mae", "huber", "quantile", "gaussian", "student_t"}) {
    EXPECT_EQ(measure_of_points(loss), "MASE") << loss;
  }
}

}  // namespace
}  // namespace sluice
