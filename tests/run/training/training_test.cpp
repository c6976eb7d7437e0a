// Training as a whole, on small catalogues in memory: what is seen, what is kept, what a stop
// costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "run/training/training_fixture.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST_F(TrainingTest, LowersTheValidationLossBelowTheBases) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.steps = 1;
  c.training.learning_rate = 1e-9;
  const double base =
      train(c, catalog, silent()).model.valid_loss;  // a head of zeros: seasonal naive
  c = small();
  const double trained = train(c, catalog, silent()).model.valid_loss;
  EXPECT_LT(trained, 0.8 * base);
}

TEST_F(TrainingTest, NeverLooksAtTheTestRange) {
  auto series = testing::weekly_series(4, 80);
  const Catalog before{testing::daily_parts(series)};
  for (auto& values : series) {
    for (std::size_t t = 74; t < 80; ++t) values[t] = 1000;
  }
  const Catalog after{testing::daily_parts(series)};
  Config c = small();
  c.training.loss = "mae";  // whose intervals are of the validation
  c.training.final_fit = true;
  c.training.series_weight = 0.5;
  const Model a = train(c, before, silent()).model, b = train(c, after, silent()).model;
  EXPECT_EQ(a.members, b.members);
  EXPECT_EQ(a.residual_quantiles, b.residual_quantiles);
  EXPECT_EQ(a.valid_loss, b.valid_loss);
  EXPECT_EQ(a.scaling.scale, b.scaling.scale);
  EXPECT_EQ(a.seen_until, (std::vector<std::int64_t>(4, 74)));
  // With those days inside the training range the model does change: the test can fail.
  c.data.test = 0;
  EXPECT_NE(train(c, before, silent()).model.members, train(c, after, silent()).model.members);
}

TEST_F(TrainingTest, ValidationDaysAreNotTrainedOnBeforeTheFinalFit) {
  auto series = testing::weekly_series(4, 80);
  const Catalog before{testing::daily_parts(series)};
  for (auto& values : series) {
    for (std::size_t t = 68; t < 74; ++t) values[t] *= 3;
  }
  const Catalog after{testing::daily_parts(series)};
  Config c = small();
  c.training.steps_per_epoch = 60;  // one validation, at the end: the same step is chosen
  const Model a = train(c, before, silent()).model, b = train(c, after, silent()).model;
  EXPECT_EQ(a.members, b.members);
  EXPECT_NE(a.valid_loss, b.valid_loss);
  c.training.final_fit = true;
  EXPECT_NE(train(c, before, silent()).model.members, train(c, after, silent()).model.members);
}

TEST_F(TrainingTest, KeepsTheBestWeightsNotTheLast) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.average_decay = 0;
  c.training.learning_rate = 3;  // far too high: it only gets worse
  c.training.steps = 100;
  c.training.steps_per_epoch = 5;
  const TrainResult result = train(c, catalog, silent());
  EXPECT_LT(result.model.steps, 100);
  // The stored weights have the loss that is stored with them.
  c.training.steps = result.model.steps;
  const TrainResult again = train(c, catalog, silent());
  EXPECT_EQ(again.model.members, result.model.members);
  EXPECT_EQ(again.model.valid_loss, result.model.valid_loss);
}

TEST_F(TrainingTest, PatienceEndsATrainingThatNoLongerImproves) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.learning_rate = 0.3;  // jumps about
  c.training.average_decay = 0;
  c.training.steps = 100'000;
  c.training.patience = 3;
  const TrainResult result = train(c, catalog, silent());
  EXPECT_LT(result.model.steps, 5'000);
}

TEST_F(TrainingTest, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const Catalog catalog = weekly();
  Config c = small();
  const Model a = train(c, catalog, silent()).model, b = train(c, catalog, silent()).model;
  EXPECT_EQ(a.members, b.members);
  c.training.seed = 43;
  EXPECT_NE(train(c, catalog, silent()).model.members, a.members);
}

TEST_F(TrainingTest, SeveralSeedsGiveSeveralMembersTheFirstAsAlone) {
  const Catalog catalog = weekly();
  Config c = small();
  const Model one = train(c, catalog, silent()).model;
  c.training.seeds = 3;
  const Model three = train(c, catalog, silent()).model;
  ASSERT_EQ(three.members.size(), 3u);
  EXPECT_EQ(three.members[0], one.members[0]);
  EXPECT_NE(three.members[1], three.members[2]);
  c.training.final_fit = true;
  EXPECT_EQ(train(c, catalog, silent()).model.members.size(), 3u);
}

/// Trains in pieces, each stopped by SIGINT after a fifth of the `whole` training's time, until it
/// is done; returns the number of stops.
int train_in_pieces(Config c, const Catalog& catalog, const TrainOptions& options,
                    std::chrono::steady_clock::duration whole, Model& model) {
  int stops = 0;
  for (;; c.mode.resume = true) {
    std::atomic<bool> done = false;
    std::jthread signaller([&] {
      const auto end = std::chrono::steady_clock::now() + whole / 5;
      while (std::chrono::steady_clock::now() < end && !done)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (!done) std::raise(SIGINT);
    });
    // A signal between two trainings would end the test program.
    std::signal(SIGINT, SIG_IGN);
    TrainResult result = train(c, catalog, options);
    done = true;
    signaller.join();
    std::signal(SIGINT, SIG_DFL);
    if (!result.interrupted) {
      model = std::move(result.model);
      return stops;
    }
    ++stops;
  }
}

TEST_F(TrainingTest, ResumedAfterAnyNumberOfStopsGivesTheSameBits) {
  const Catalog catalog = weekly();
  for (const char* sampling : {"series", "window"}) {
    Config c = small();
    c.training.sampling = sampling;
    c.training.loss = "mae";  // whose intervals are part of the result
    c.training.steps = 400;
    c.training.seeds = 2;
    c.training.final_fit = true;
    c.training.schedule = "cosine";
    c.network.layers = 2;
    c.network.dropout = 0.1;
    const auto begin = std::chrono::steady_clock::now();
    const Model whole = train(c, catalog, silent()).model;
    const auto time = std::chrono::steady_clock::now() - begin;
    Model pieces;
    const int stops = train_in_pieces(c, catalog, silent(true), time, pieces);
    EXPECT_GT(stops, 0);
    EXPECT_EQ(pieces.members, whole.members);
    EXPECT_EQ(pieces.residual_quantiles, whole.residual_quantiles);
    EXPECT_EQ(pieces.valid_loss, whole.valid_loss);
    EXPECT_FALSE(std::filesystem::exists(state_path(c.path.model)));
  }
}

TEST_F(TrainingTest, ResumeWithOtherSettingsIsRefusedWithEachOfThemAndTheRemedy) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.steps = 1'000'000;
  std::jthread signaller([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    std::raise(SIGINT);
  });
  EXPECT_TRUE(train(c, catalog, silent(true)).interrupted);
  signaller.join();
  c.mode.resume = true;
  c.training.learning_rate = 0.1;
  c.path.data = {"later.csv"};
  c.path.log = "elsewhere.jsonl";  // may differ
  try {
    train(c, catalog, silent(true));
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(
        e.what(),
        HasSubstr("it was saved with other settings: path.data was [] and is [\"later.csv\"], "
                  "training.learning_rate was 0.003 and is 0.1; give these as they "
                  "were, or train without the state (mode.resume = false)"));
  }
  std::filesystem::remove(state_path(c.path.model));
  EXPECT_THROW(train(c, catalog, silent(true)), DataError);
}

TEST_F(TrainingTest, ALossThatIsNotFiniteStopsWithStepAndSeries) {
  auto series = testing::weekly_series(3, 80);
  series[2][40] = 3e38f;
  const Catalog catalog{testing::daily_parts(series)};
  Config c = small();
  c.network.space = "linear";
  c.network.scaling = "none";
  c.network.level = "none";
  c.training.loss = "mse";
  try {
    train(c, catalog, silent());
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("the loss is not finite (a window of series 's2'"));
    EXPECT_THAT(e.what(), HasSubstr("step "));
  }
}

TEST_F(TrainingTest, ATimeBudgetEndsIt) {
  Config c = small();
  c.training.steps = 0;
  c.training.max_seconds = 0.2;
  const TrainResult result = train(c, weekly(), silent());
  EXPECT_GT(result.model.steps, 0);
  EXPECT_GE(result.seconds, 0.1);  // at least half of it is for steps
}

TEST_F(TrainingTest, ATimeBudgetOfNothingStillMakesAStepInEachPhase) {
  Config c = small();
  c.training.steps = 0;
  c.training.max_seconds = 1e-9;
  c.training.final_fit = true;
  const Catalog catalog = weekly();
  EXPECT_EQ(train(c, catalog, silent()).model.steps, 1);
}

TEST_F(TrainingTest, AValidationPartWithoutATargetIsRefusedBeforeTheTraining) {
  auto series = testing::weekly_series(4, 80);
  for (auto& values : series) {
    for (std::size_t t = 68; t < 74; ++t) values[t] = testing::kMissing;
  }
  Config c = small();
  c.training.steps = 1'000'000'000;  // would never end
  try {
    train(c, Catalog(testing::daily_parts(series)), silent());
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("data.valid = 6: no series has a value of its target"));
  }
  series[2][73] = 1;  // one is enough
  c.training.steps = 5;
  EXPECT_TRUE(
      std::isfinite(train(c, Catalog(testing::daily_parts(series)), silent()).model.valid_loss));
}

TEST_F(TrainingTest, APlateauHalvesTheRateUntilTheLossFallsAgain) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.learning_rate = 0.1;  // too high to settle
  c.training.average_decay = 0;
  c.training.steps = 600;
  const double constant = train(c, catalog, silent()).model.valid_loss;
  c.training.schedule = "plateau";
  EXPECT_LT(train(c, catalog, silent()).model.valid_loss, constant);
}

TEST_F(TrainingTest, NeedsSomethingToEndIt) {
  Config c = small();
  c.training.steps = 0;
  EXPECT_THROW(train(c, weekly(), silent()), ConfigError);
}

TEST_F(TrainingTest, TheArticlesPlainNetworkAndCarriedStateTrain) {
  const Catalog catalog = weekly();
  Config c = small();
  c.network.scaling = "standard";
  c.network.space = "linear";
  c.network.level = c.network.base = "none";
  c.network.lags = std::vector<int>{};
  c.network.context = c.network.seasonal_context = c.network.head_hidden = 0;
  c.network.forking = false;
  c.network.calendar = false;
  c.training.loss = "mse";
  c.training.average_decay = 0;
  c.training.sampling = "window";
  c.training.steps = 0;
  c.training.epochs = 20;
  const double reset = train(c, catalog, silent()).model.valid_loss;
  EXPECT_LT(reset, 1.0);  // a constant forecast has the variance, about 1
  c.training.carry_state = true;
  c.network.forking = true;
  const TrainResult carried = train(c, catalog, silent());
  EXPECT_LT(carried.model.valid_loss, 1.0);
  EXPECT_TRUE(carried.model.spec.carry_state);
}

// ---- Forecasts of a trained model.

TEST_F(TrainingTest, QuantilesNeverCrossAndLevelsAreTheOnesTrained) {
  const Catalog catalog = weekly();
  Config c = small();
  c.forecast.levels = {50, 80, 95};
  c.training.steps = 15;
  const Model model = train(c, catalog, silent()).model;
  Forecaster forecaster(model, catalog, {80, 95}, c.engine);
  const Forecasts f = forecaster.at(cutoffs_from(catalog, ""));
  ASSERT_EQ(f.probabilities, (std::vector<double>{0.025, 0.1, 0.5, 0.9, 0.975}));
  ASSERT_EQ(f.values.size(), 5u * 3u * 5u);
  for (std::size_t i = 0; i + 1 < f.values.size(); ++i) {
    if (i % 5 == 4) continue;
    EXPECT_LE(f.values[i], f.values[i + 1]);
  }
  EXPECT_THROW(Forecaster(model, catalog, {70}, c.engine), ConfigError);
}

TEST_F(TrainingTest, APointLossHasIntervalsFromItsValidationErrors) {
  const Catalog catalog = weekly(20, 100);
  Config c = small();
  c.training.loss = "mae";
  c.data.valid = 10;
  const Model model = train(c, catalog, silent()).model;
  ASSERT_FALSE(model.residual_quantiles.empty());
  Forecaster forecaster(model, catalog, {80}, c.engine);
  std::vector<std::int64_t> cutoff(20, 94);
  const Forecasts f = forecaster.at(cutoff);
  int inside = 0, points = 0;
  for (std::size_t r = 0; r < f.series.size(); ++r) {
    for (std::size_t k = 0; k < 3; ++k) {
      const float* cell = f.values.data() + (r * 3 + k) * 3;
      EXPECT_LT(cell[0], cell[2]);
      const float y = catalog.values(0, f.series[r])[static_cast<std::size_t>(f.cutoff[r]) + k];
      inside += cell[0] <= y && y <= cell[2] ? 1 : 0;
      ++points;
    }
  }
  // 60 points at 80 %: five standard deviations are .26, and neighbouring steps are not
  // independent.
  EXPECT_GT(inside, points / 2);
  c.data.valid = 0;
  const Model blind = train(c, catalog, silent()).model;
  EXPECT_THROW(Forecaster(blind, catalog, {80}, c.engine), ConfigError);
  EXPECT_NO_THROW(Forecaster(blind, catalog, {}, c.engine));
}

TEST_F(TrainingTest, AMissingFutureValueIsNamed) {
  CatalogParts parts = testing::daily_parts(testing::weekly_series(2, 60));
  Channel price{"price", Role::future, std::vector<float>(120, 3.0f)};
  price.values[7] = 4;
  parts.channels.push_back(price);
  const Catalog catalog(std::move(parts));
  Config c = small();
  c.training.steps = 5;
  const Model model = train(c, catalog, silent()).model;
  Forecaster forecaster(model, catalog, {80}, c.engine);
  EXPECT_TRUE(forecaster.at(std::vector<std::int64_t>(2, 57)).left_out.empty());
  CatalogNotes notes;
  notes.id_columns = {"shop"};
  notes.time_columns = {"day"};
  try {
    forecast_series(model, catalog, c, notes);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("there is nothing to forecast: 2 series left out: s0 (no price "
                                    "for 2024-03-01 and 2 later steps), s1"));
    EXPECT_THAT(e.what(), HasSubstr("path.future (columns: shop, day, price)"));
  }
}

TEST_F(TrainingTest, ACatalogueThatDoesNotFitTheModelIsRefused) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.steps = 5;
  const Model model = train(c, catalog, silent()).model;
  CatalogParts weeks = testing::daily_parts(testing::weekly_series(2, 60));
  weeks.axis.frequency = parse_frequency("W-MON");
  const Catalog other(std::move(weeks));
  EXPECT_THROW(Forecaster(model, other, {80}, c.engine), DataError);
  CatalogParts more = testing::daily_parts(testing::weekly_series(2, 60));
  more.channels.push_back({"extra", Role::past, std::vector<float>(120, 1.0f)});
  const Catalog wider(std::move(more));
  EXPECT_THROW(Forecaster(model, wider, {80}, c.engine), DataError);
}

TEST_F(TrainingTest, ANewSeriesIsForecastByItsOwnHistory) {
  const Catalog catalog = weekly();
  Config c = small();
  const Model model = train(c, catalog, silent()).model;
  CatalogParts parts = testing::daily_parts(testing::weekly_series(5, 80));
  parts.ids[1] = "new";
  const Catalog renamed(std::move(parts));
  Forecaster a(model, catalog, {80}, c.engine), b(model, renamed, {80}, c.engine);
  const std::vector<std::int64_t> cutoff(5, 70);
  const Forecasts fa = a.at(cutoff), fb = b.at(cutoff);
  for (std::size_t i = 0; i < fa.values.size(); ++i) {
    EXPECT_NEAR(fa.values[i], fb.values[i],
                2e-3f * std::abs(fa.values[i]));  // the level does the scaling
  }
}

TEST_F(TrainingTest, CutoffsFromADateLieInEachSeriesOwnSteps) {
  const Catalog catalog = weekly(2, 30);  // from 2024-01-01
  EXPECT_EQ(cutoffs_from(catalog, "2024-01-11"), (std::vector<std::int64_t>{10, 10}));
  EXPECT_EQ(cutoffs_from(catalog, ""), (std::vector<std::int64_t>{30, 30}));
  EXPECT_EQ(earliest_cutoffs(std::vector<std::vector<std::int64_t>>{{-1, 9, -1}, {4, 8, 0}}),
            (std::vector<std::int64_t>{4, 8, -1}));
  EXPECT_THROW(cutoffs_from(catalog, "2025-01-11"), ConfigError);
  EXPECT_THROW(cutoffs_from(catalog, "soon"), ConfigError);
}

}  // namespace
}  // namespace sluice
