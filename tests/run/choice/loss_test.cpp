// training.loss = "auto": what the values make of it, and what then follows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "run/config/loss.hpp"
#include "run/forecast/evaluated_steps.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using Values = std::vector<std::vector<float>>;

/// 100 steps, `sold` of which have `units`, in no order that has a season.
std::vector<float> sales(int sold, float units) {
  std::vector<float> out(100);
  for (int t = 0; t < sold; ++t) out[static_cast<std::size_t>(t * 37 % 100)] = units;
  return out;
}

/// A training of two steps.
Config short_training() {
  Config c;
  c.data.test = 0;
  c.network.time_step = 14;
  c.network.predict_day = 3;
  c.training.steps = 2;
  c.training.choice = 0;
  c.training.partners = {"none"};
  c.engine.threads = 1;
  return c;
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
  // What never sold says nothing.
  EXPECT_EQ(loss_of({sales(0, 1)}), "quantile");
  EXPECT_EQ(loss_of({often, sales(0, 1), sales(0, 1)}), "quantile");
  EXPECT_EQ(loss_of({rare, sales(0, 1), sales(0, 1)}), "negative_binomial");
}

TEST(AutomaticLoss, IsOfQuantilesWhereValuesAreNoCounts) {
  std::vector<float> returned = sales(50, 2), kilograms = sales(50, 2);
  returned[40] = -1, kilograms[40] = 0.5f;
  EXPECT_EQ(loss_of({returned}), "quantile");
  EXPECT_EQ(loss_of({kilograms}), "quantile");
}

TEST(AutomaticLoss, SaysWhichValueIsNoCount) {
  std::vector<float> returned = sales(50, 2);
  returned[40] = -1;
  TrainOptions options;
  options.save = false;
  ::testing::internal::CaptureStderr();
  train(short_training(), Catalog{testing::daily_parts({returned})}, options);
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      ::testing::HasSubstr("not negative_binomial or tweedie: series 's0', 2024-02-10: y is -1"));
}

/// What is said of the loss that the settings make of these values.
std::string said_of(const std::vector<float>& values, const Config& config) {
  const Catalog catalog{testing::daily_parts({values})};
  const std::vector<std::int64_t> end = {catalog.history(0)};
  const TargetFacts facts = look_at_targets(catalog, end);
  const Loss loss = automatic_loss(config, facts);
  return automatic_loss_text(config,
                             loss == Loss::quantile   ? "quantile"
                             : loss == Loss::gaussian ? "gaussian"
                                                      : "negative_binomial",
                             facts);
}

TEST(AutomaticLoss, NamesOnlyLossesThatGoWithTheValuesAndTheSettings) {
  std::vector<float> counts = sales(50, 2), returned = counts, kilograms = counts;
  returned[40] = -1, kilograms[40] = 0.5f;
  const std::string start = "loss quantile: most series are 0 so often that medians may be 0; ";
  EXPECT_EQ(said_of(returned, {}),
            start +
                "a mean needs training.loss = \"mse\" (not negative_binomial or tweedie: series "
                "'s0', 2024-02-10: y is -1)");
  EXPECT_EQ(said_of(kilograms, {}),
            start +
                "a mean needs training.loss = \"tweedie\" or \"mse\" (not negative_binomial: "
                "series 's0', 2024-02-10: y is 0.5)");
  Config bent;
  bent.network.space = "asinh";
  EXPECT_EQ(said_of(counts, bent),
            start +
                "a mean needs training.loss = \"gaussian\" (not negative_binomial: network.space "
                "= \"asinh\", which goes with no distribution of counts; \"linear\" does)");
  Config shifted;
  shifted.network.scaling = "standard";
  EXPECT_EQ(said_of(counts, shifted),
            start +
                "a mean needs training.loss = \"mse\" (not negative_binomial: network.scaling = "
                "\"standard\", which goes with no distribution of counts; \"auto\" does)");
  bent.network.decoding = "recursive";
  EXPECT_EQ(
      said_of(counts, bent),
      "loss gaussian: most series are 0 so often that medians may be 0; \"sluice\" is the mean "
      "(not negative_binomial: network.space = \"asinh\", which goes with no distribution of "
      "counts; \"linear\" does)");
  // Each of them is taken.
  for (const auto& [values, loss, space] :
       {std::tuple(returned, "mse", "auto"), std::tuple(kilograms, "tweedie", "auto"),
        std::tuple(counts, "gaussian", "asinh")}) {
    Config config = short_training();
    config.training.loss = loss, config.network.space = space;
    TrainOptions quiet;
    quiet.save = quiet.announce = false;
    EXPECT_NO_THROW(train(config, Catalog{testing::daily_parts({values})}, quiet)) << loss;
  }
}

TEST(AutomaticLoss, OfSumsOnlyLossesAreNamedThatGoWithTheValuesAndTheSettings) {
  TargetFacts whole, fractions, returns;
  fractions.not_whole = "y is 0.5", returns.negative = "y is -1";
  const auto losses = [](const TargetFacts& facts, const char* space) {
    Config config;
    config.network.space = space;
    const std::string text = medians_text(config, "mae", facts);
    return text.substr(text.rfind(": ") + 2);
  };
  EXPECT_EQ(losses(whole, "auto"), "\"tweedie\", \"negative_binomial\", \"gaussian\" or \"mse\"");
  EXPECT_EQ(losses(fractions, "auto"), "\"tweedie\", \"gaussian\" or \"mse\"");
  EXPECT_EQ(losses(returns, "auto"), "\"gaussian\" or \"mse\"");
  EXPECT_EQ(losses(whole, "asinh"), "\"gaussian\"");
}

TEST(Values, ThatALossDoesNotTakeAreAnsweredWithLossesThatTheDecodingTakes) {
  TargetFacts returns;
  returns.negative = "y is -1";
  const auto answer = [&](bool recursive) {
    try {
      check_values(Loss::tweedie, "tweedie", recursive, returns);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(answer(false), ::testing::EndsWith("\"student_t\", \"gaussian\" or \"quantile\""));
  EXPECT_THAT(answer(true), ::testing::EndsWith("training.loss = \"student_t\" or \"gaussian\""));
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

TEST(AutomaticLoss, IsADistributionWherePathsAreDrawnOfIt) {
  Config config;
  config.network.decoding = "recursive";
  EXPECT_EQ(loss_of({sales(90, 2)}, config), "gaussian");
  EXPECT_EQ(loss_of({sales(50, 2)}, config), "negative_binomial");
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

// What comes later may be no count: all refits have the loss that takes the values of all.
TEST(AutomaticLoss, IsOneForAllRefits) {
  std::vector<float> returned = sales(50, 2);
  returned[95] = -1;
  const Catalog catalog{testing::daily_parts({returned})};
  using Cutoffs = std::vector<std::vector<std::int64_t>>;
  Config config;
  const auto loss_for = [&](const Cutoffs& cutoffs) {
    return with_loss_of_refits(config, catalog, cutoffs).training.loss;
  };
  EXPECT_EQ(loss_for({{80}, {98}}), "auto");
  config.evaluate.refit = 1;
  EXPECT_EQ(loss_for({{80}, {90}}), "negative_binomial");
  EXPECT_EQ(loss_for({{80}, {98}}), "quantile");
  config.evaluate.refit = 2;  // the second window is of the model of the first
  EXPECT_EQ(loss_for({{80}, {98}}), "negative_binomial");
}

TEST(AutomaticLoss, OfAnEarlierModelIsNamedWhereNewValuesDoNotGoWithIt) {
  const auto path = test_folder() / "sluice_loss_test.safetensors";
  std::vector<float> returned = sales(50, 2);
  Config config = short_training();
  config.path.model = path.string();
  TrainOptions quiet;
  quiet.announce = false;
  train(config, Catalog{testing::daily_parts({returned})}, quiet);
  returned[90] = -1;
  config.training.init_from = path.string();
  try {
    train(config, Catalog{testing::daily_parts({returned})}, quiet);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("is -1"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("This loss is that of " + path.string()));
  }
  std::filesystem::remove(path);
}

TEST(AutomaticLoss, ForecastsTheMeanOfRareCounts) {
  std::mt19937 random(3);
  std::bernoulli_distribution sells(0.25);
  std::poisson_distribution<int> units(3);
  Values values(20, std::vector<float>(120));
  for (auto& series : values) {
    for (float& y : series) y = sells(random) ? static_cast<float>(1 + units(random)) : 0;
  }
  Config config = short_training();
  config.network.hidden_size = 8;
  config.network.predict_day = 7;
  config.network.head_hidden = 8;
  config.training.batch_size = 16;
  config.training.steps = 300;
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
