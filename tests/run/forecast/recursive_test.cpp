// Recursive models from a training to forecasts, totals and paths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "run/calibration/sampler.hpp"
#include "run/checkpoint/json.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/samples.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr int kSeries = 60, kHorizon = 7, kLength = 150;

/// An autoregression round 100: what is too low today is too low for the whole horizon.
std::vector<std::vector<float>> autoregressions(int length) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise;
  std::vector<std::vector<float>> out(kSeries);
  for (auto& series : out) {
    double drift = 4 * noise(random);
    for (int t = 0; t < kLength; ++t) {
      if (t < length) series.push_back(static_cast<float>(100 + drift));
      drift = 0.9 * drift + 1.7 * noise(random);
    }
  }
  return out;
}

std::vector<std::vector<float>> counts(int length) {
  std::mt19937 random(9);
  std::vector<std::vector<float>> out(kSeries);
  for (std::size_t s = 0; s < out.size(); ++s) {
    std::poisson_distribution<int> sales(0.5 + 0.1 * static_cast<double>(s % 10));
    for (int t = 0; t < length; ++t) out[s].push_back(static_cast<float>(sales(random)));
  }
  return out;
}

Config settings(const std::string& loss) {
  Config c = testing::quick_config();
  c.data.test = 0;
  c.data.valid = 21;
  c.network.decoding = "recursive";
  c.network.predict_day = kHorizon;
  c.network.space = "linear";
  c.network.base = "last";
  c.network.level_window = 14;
  c.training.loss = loss;
  c.training.steps = 300;
  c.training.steps_per_epoch = 50;
  c.training.learning_rate = 0.01;
  c.forecast.sums = {{1, kHorizon}};
  c.forecast.samples = 300;
  return c;
}

Forecasts forecasts_of(const Model& model, const Catalog& catalog, const Config& c) {
  return forecast_series(model, catalog, c, {}, levels_of_samples(model, c));
}

const OutputColumn& column(const std::vector<OutputColumn>& columns, const std::string& name) {
  const auto found = std::ranges::find(columns, name, &OutputColumn::name);
  if (found == columns.end()) throw std::runtime_error("no column " + name);
  return *found;
}

/// The share of series whose total over the horizon lies inside.
double coverage(const std::vector<OutputColumn>& sums, const std::vector<std::vector<float>>& all) {
  double inside = 0;
  for (std::size_t s = 0; s < kSeries; ++s) {
    double total = 0;
    for (std::size_t k = 0; k < kHorizon; ++k)
      total += static_cast<double>(all[s][kLength - kHorizon + k]);
    const std::size_t row = 2 * s + 1;
    const bool held = column(sums, "sluice-lo-80").numbers[row] <= total &&
                      total <= column(sums, "sluice-hi-80").numbers[row];
    inside += held ? 1 : 0;
  }
  return inside / kSeries;
}

class Recursive : public ::testing::Test {
 protected:
  const Catalog history_{testing::daily_parts(autoregressions(kLength - kHorizon))};
};

TEST_F(Recursive, TotalsOfAnAutoregressionHoldWhatTheirIntervalsSay) {
  for (const char* calibration : {"none", "auto"}) {
    Config c = settings("gaussian");
    c.training.calibration = calibration;
    const Model model = testing::quick_model(c, history_);
    const auto sums = sum_columns(model, history_, forecasts_of(model, history_, c), c);
    // 80 % of 60 is 48 with a standard deviation of 3.1; twice that, and the model's own error.
    EXPECT_NEAR(coverage(sums, autoregressions(kLength)), 0.8, 0.15) << calibration;
  }
}

TEST_F(Recursive, ForecastsAreQuantilesAndMeansOfTheirPaths) {
  const Config c = settings("gaussian");
  const Model model = testing::quick_model(c, history_);
  const Forecasts made = forecasts_of(model, history_, c);
  const auto table = sample_columns(model, history_, made, c);
  const auto& values = column(table, "sluice").numbers;
  const std::size_t P = 300;
  ASSERT_EQ(values.size(), kSeries * P * kHorizon);
  for (const std::size_t row : {std::size_t{0}, std::size_t{41}}) {
    for (const std::size_t k : {std::size_t{0}, std::size_t{kHorizon - 1}}) {
      std::vector<double> of_step;
      double sum = 0;
      for (std::size_t p = 0; p < P; ++p) {
        of_step.push_back(values[(row * P + p) * kHorizon + k]);
        sum += of_step.back();
      }
      std::ranges::sort(of_step);
      for (std::size_t j = 0; j < made.probabilities.size(); ++j) {
        const double q = sample_quantile(of_step, made.probabilities[j]);
        EXPECT_NEAR(made.y(row, k, 0, j), q, 1e-5 * std::abs(q));
      }
      EXPECT_NEAR(made.point(row, k, 0), sum / static_cast<double>(P), 1e-3);
    }
  }
  const auto sums = sum_columns(model, history_, made, c);
  std::vector<double> totals;
  for (std::size_t p = 0; p < P; ++p) {
    double total = 0;
    for (std::size_t k = 0; k < kHorizon; ++k) total += values[p * kHorizon + k];
    totals.push_back(total);
  }
  std::ranges::sort(totals);
  EXPECT_NEAR(column(sums, "sluice-hi-80").numbers[1], sample_quantile(totals, 0.9), 1e-2);
}

TEST_F(Recursive, PathsAreTheSameForAnySelectionOfSeriesAndNumberOfThreads) {
  Config c = settings("student_t");
  c.training.steps = 50;
  const Model model = testing::quick_model(c, history_);
  const Forecasts all = forecasts_of(model, history_, c);
  auto few_values = autoregressions(kLength - kHorizon);
  few_values.resize(3);
  const Catalog few(testing::daily_parts(few_values));
  for (const int threads : {1, 2, 3}) {
    c.engine.threads = threads;
    c.engine.forecast_batch = threads;
    const Forecasts some = forecasts_of(model, few, c);
    ASSERT_EQ(some.paths.size(), 3u * 300 * kHorizon);
    for (std::size_t i = 0; i < some.paths.size(); ++i) {
      ASSERT_NEAR(some.paths[i], all.paths[i], 1e-4 * std::abs(all.paths[i])) << threads;
    }
  }
}

TEST_F(Recursive, AllSeedsHaveTheirShareOfThePaths) {
  Config c = settings("gaussian");
  c.training.steps = 50;
  Model model = testing::quick_model(c, history_);
  const std::vector<float> first = model.members.front();
  std::vector<float> second = first;
  for (float& weight : second) weight *= 0.9f;
  const auto paths_of = [&](std::vector<std::vector<float>> members) {
    model.members = std::move(members);
    return forecasts_of(model, history_, c).paths;
  };
  const auto of_first = paths_of({first}), of_second = paths_of({second});
  const auto both = paths_of({first, second});
  ASSERT_EQ(both.size(), of_first.size());
  std::size_t differ = 0;
  for (std::size_t i = 0; i < both.size(); ++i) {
    const bool is_of_first = i / static_cast<std::size_t>(kHorizon) % 300 < 150;
    const auto& expected = is_of_first ? of_first : of_second;
    ASSERT_NEAR(both[i], expected[i], 1e-4 * std::abs(expected[i])) << i;
    differ += std::abs(of_first[i] - of_second[i]) > 1e-2 * std::abs(of_first[i]) ? 1U : 0U;
  }
  EXPECT_GT(differ, both.size() / 2);
}

TEST_F(Recursive, CountsAreCountsOfTheDataAndTheirPathsNotBelowNone) {
  const Catalog sold(testing::daily_parts(counts(kLength - kHorizon)));
  for (const char* loss : {"negative_binomial", "poisson", "tweedie"}) {
    Config c = settings(loss);
    c.network.base = "none";
    const Model model = testing::quick_model(c, sold);
    const Forecasts made = forecasts_of(model, sold, c);
    for (const float y : made.paths) {
      ASSERT_GE(y, 0) << loss;
      if (std::string(loss) != "tweedie") {
        ASSERT_EQ(y, std::round(y)) << loss;
      }
    }
    for (const float y : made.values) {
      if (std::string(loss) != "tweedie") {
        ASSERT_EQ(y, std::round(y)) << loss;
      }
    }
    const auto sums = sum_columns(model, sold, made, c);
    EXPECT_NEAR(coverage(sums, counts(kLength)), 0.8, 0.2) << loss;
  }
}

TEST_F(Recursive, AModelIsRecursiveAgainFromItsFile) {
  Config c = settings("gaussian");
  c.training.steps = 20;
  const Model model = testing::quick_model(c, history_);
  const auto path = test_folder() / "sluice_recursive_test.safetensors";
  save_model(path, model);
  EXPECT_EQ(read_safetensors(path).metadata.at("format_version"), "6");
  const Model again = load_model(path);
  std::filesystem::remove(path);
  EXPECT_TRUE(again.spec.is_recursive());
  EXPECT_EQ(again.spec, model.spec);
  EXPECT_EQ(forecasts_of(again, history_, c).paths, forecasts_of(model, history_, c).paths);
}

TEST(RecursiveSpec, OfAFileFromBeforeDecodingsIsDirect) {
  ModelSpec spec;
  spec.decoding = Decoding::recursive, spec.loss = Loss::gaussian;
  nlohmann::json json = spec_json(spec);
  EXPECT_EQ(json["decoding"], "recursive");
  json.erase("decoding");
  EXPECT_EQ(spec_from_json(json, "spec").decoding, Decoding::direct);
}

TEST_F(Recursive, ABacktestScoresPathsOfEveryOrigin) {
  Config c = settings("gaussian");
  c.data.test = 3 * kHorizon;
  c.training.steps = 100;
  c.evaluate.n_windows = 3;
  const Model model = testing::quick_model(c, history_);
  const BacktestResult result = backtest(c, history_, &model, {});
  EXPECT_EQ(result.report.windows, 3 * kSeries);
  EXPECT_LT(result.report.methods[0].total.mase, result.report.methods[1].total.mase);
}

TEST_F(Recursive, TheChoiceByValidationScoresPaths) {
  Config c = settings("gaussian");
  c.network.space = "auto", c.network.base = "auto";
  c.training.steps = 60, c.training.choice = 60;
  TrainOptions options;
  options.save = false;
  options.announce = false;
  EXPECT_FALSE(train(c, history_, options).model.choice.empty());
}

void expect_refused(Config c, const Catalog& catalog, const std::string& what) {
  try {
    static_cast<void>(resolve_model(c, catalog, std::vector<std::int64_t>(kSeries, 100)));
    FAIL() << "not refused: " << what;
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("network.decoding"));
    EXPECT_THAT(e.what(), HasSubstr(what));
  }
}

TEST_F(Recursive, WhatDoesNotGoWithItIsNamed) {
  for (const char* loss : {"quantile", "mse", "mae", "huber"}) {
    expect_refused(settings(loss), history_, "\"negative_binomial\"");
  }
  Config carried = settings("gaussian");
  carried.training.carry_state = true;
  expect_refused(carried, history_, "training.carry_state");
  Config patches = settings("gaussian");
  patches.network.time_step = 14, patches.network.patch = 7;
  expect_refused(patches, history_, "set network.patch = 1");
  Config scaled = settings("gaussian");
  scaled.network.scaling = "window_mean", scaled.network.level = "none";
  scaled.network.forking = false;
  expect_refused(scaled, history_, "window_*");
  CatalogParts parts = testing::daily_parts(autoregressions(kLength - kHorizon));
  parts.channels.push_back(
      {"traffic", Role::past, std::vector<float>(parts.channels[0].values.size(), 1.0f)});
  expect_refused(settings("gaussian"), Catalog(std::move(parts)), "data.past");
}

TEST_F(Recursive, MorePathsThanMemoryHoldsAreRefusedWithoutAForecast) {
  Config c = settings("gaussian");
  Model model;
  model.spec.K = kHorizon, model.spec.decoding = Decoding::recursive;
  model.config = c;
  EXPECT_NO_THROW(check_sample_memory(model, history_, c));
  model.spec.K = 1'000'000;
  EXPECT_THROW(check_sample_memory(model, history_, c), ConfigError);
  c.forecast.sums.reset();
  EXPECT_NO_THROW(check_sample_memory(model, history_, c));
}

}  // namespace
}  // namespace sluice
