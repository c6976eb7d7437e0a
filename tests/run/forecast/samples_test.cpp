// Totals over spans of the horizon and sample paths, from a training to the table.
#include "sluice/run/samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr int kSeries = 80, kHorizon = 7, kLength = 160;

/// Levels that go up and down slowly: what is too low today is too low for the whole horizon.
std::vector<std::vector<float>> drifting() {
  std::mt19937 random(11);
  std::normal_distribution<double> noise;
  std::vector<std::vector<float>> out(kSeries);
  for (auto& series : out) {
    double drift = 3 * noise(random);
    for (int t = 0; t < kLength; ++t) {
      series.push_back(static_cast<float>(100 + drift + 0.5 * noise(random)));
      drift = 0.9 * drift + 1.3 * noise(random);
    }
  }
  return out;
}

Config settings(const std::string& loss = "quantile") {
  Config c;
  c.data.test = 0;
  c.data.valid = 21;
  c.network.hidden_size = 8;
  c.network.predict_day = kHorizon;
  c.network.time_step = 14;
  c.network.head_hidden = 8;
  c.network.level_window = 14;
  c.network.space = "linear";
  c.training.loss = loss;
  c.training.batch_size = 16;
  c.training.learning_rate = 0.01;
  c.training.steps = 400;
  c.training.choice = 0;
  c.engine.threads = 1;
  c.forecast.sums = {{1, kHorizon}};
  c.forecast.samples = 800;
  return c;
}

class Samples : public ::testing::Test {
 protected:
  /// A training on all but the last horizon.
  void train_on(const Config& config) {
    TrainOptions options;
    options.save = false;
    options.announce = false;
    model_ = train(config, history_, options).model;
  }
  Forecasts forecasts(const Config& config) const {
    return forecast_series(model_, history_, config, {}, levels_of_samples(model_, config));
  }
  static std::vector<std::vector<float>> without_end(std::vector<std::vector<float>> values) {
    for (auto& series : values) series.resize(series.size() - kHorizon);
    return values;
  }
  double came(std::size_t s, int steps) const {
    const auto begin = values_[s].end() - kHorizon;
    double sum = 0;
    for (auto y = begin; y < begin + steps; ++y) sum += static_cast<double>(*y);
    return sum;
  }

  const std::vector<std::vector<float>> values_ = drifting();
  const Catalog history_{testing::daily_parts(without_end(values_))};
  Model model_;
};

const OutputColumn& column(const std::vector<OutputColumn>& columns, const std::string& name) {
  return *std::ranges::find(columns, name, &OutputColumn::name);
}

TEST_F(Samples, TotalsHoldWhatCameAsOftenAsAsked) {
  const Config c = settings();
  train_on(c);
  const auto sums = sum_columns(model_, history_, forecasts(c), c);
  const auto& low = column(sums, "sluice-lo-80").numbers;
  const auto& high = column(sums, "sluice-hi-80").numbers;
  const auto& steps = column(sums, "steps").integers;
  ASSERT_EQ(steps.size(), 2u * kSeries);
  double inside = 0;
  for (std::size_t s = 0; s < kSeries; ++s) {
    ASSERT_EQ(steps[2 * s + 1], kHorizon);
    const double y = came(s, kHorizon);
    inside += low[2 * s + 1] <= y && y <= high[2 * s + 1] ? 1 : 0;
  }
  EXPECT_GT(inside / kSeries, 0.68);
  EXPECT_LT(inside / kSeries, 0.92);
}

// Errors of drifting levels do not cancel: a total's interval is far wider than of steps that know
// nothing of each other, and narrower than the sum of theirs.
TEST_F(Samples, TotalsAreWiderThanOfStepsThatKnowNothingOfEachOther) {
  const Config c = settings();
  train_on(c);
  const Forecasts made = forecasts(c);
  const auto sums = sum_columns(model_, history_, made, c);
  const std::size_t last = made.probabilities.size() - 1;
  double total = 0, together = 0, apart = 0;
  for (std::size_t s = 0; s < kSeries; ++s) {
    total += column(sums, "sluice-hi-80").numbers[2 * s + 1] -
             column(sums, "sluice-lo-80").numbers[2 * s + 1];
    double squares = 0;
    for (std::size_t k = 0; k < kHorizon; ++k) {
      const double width = made.y(s, k, 0, last) - made.y(s, k, 0, 0);
      together += width, squares += width * width;
    }
    apart += std::sqrt(squares);
  }
  EXPECT_GT(total, 1.4 * apart);
  EXPECT_LT(total, together);
}

TEST_F(Samples, ATotalOfOneStepIsTheStep) {
  const Config c = settings();
  train_on(c);
  const Forecasts made = forecasts(c);
  const auto sums = sum_columns(model_, history_, made, c);
  for (std::size_t s = 0; s < kSeries; ++s) {
    const double width = made.y(s, 0, 0, made.probabilities.size() - 1) - made.y(s, 0, 0, 0);
    EXPECT_NEAR(column(sums, "sluice").numbers[2 * s], made.point(s, 0, 0), 0.1 * width);
  }
}

// Gaussian: a mean. mae: a point loss, whose intervals are its errors.
TEST_F(Samples, AreThereForEveryLossWithIntervals) {
  for (const char* loss : {"gaussian", "mae"}) {
    const Config c = settings(loss);
    train_on(c);
    const Forecasts made = forecasts(c);
    const auto sums = sum_columns(model_, history_, made, c);
    double expected = 0;
    for (std::size_t k = 0; k < kHorizon; ++k) expected += made.point(0, k, 0);
    EXPECT_NEAR(column(sums, "sluice").numbers[1], expected, 0.01 * expected) << loss;
    const bool has_median = std::ranges::count(sums, "sluice-median", &OutputColumn::name) > 0;
    EXPECT_EQ(has_median, std::string(loss) == "gaussian");
  }
}

TEST_F(Samples, OfMeansATotalIsTheirSum) {
  Config c = settings("mse");
  c.training.steps = 50;
  train_on(c);
  const Forecasts made = forecasts(c);
  const auto sums = sum_columns(model_, history_, made, c);
  double expected = 0;
  for (std::size_t k = 0; k < kHorizon; ++k) expected += made.point(0, k, 0);
  EXPECT_FLOAT_EQ(static_cast<float>(column(sums, "sluice").numbers[1]),
                  static_cast<float>(expected));
}

TEST_F(Samples, MorePathsThanAFileTakesAreRefused) {
  Config c = settings();
  model_.spec.M = 2, model_.spec.K = kHorizon;
  c.forecast.samples = 1000;
  EXPECT_NO_THROW(check_samples(model_, 30'000, c));  // nobody asks for the file
  c.path.samples = "paths.csv";
  try {
    check_samples(model_, 30'000, c);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("1000 sample paths of 30,000 series are 420,000,000 rows"));
  }
  c.forecast.samples = 900;
  EXPECT_NO_THROW(check_samples(model_, 30'000, c));
}

// New items, which have no history, count; a series without a value before forecast.from does not.
TEST_F(Samples, AreRefusedByTheSeriesThatAreForecastBeforeTheyAre) {
  Config c = settings();
  c.training.steps = 2;
  train_on(c);
  auto values = without_end(values_);
  values[1].clear();
  std::ranges::fill(values[2], std::numeric_limits<float>::quiet_NaN());
  values[2].back() = 100;
  CatalogParts parts = testing::daily_parts(values);
  parts.first[1] = parts.first[0] + kLength - kHorizon;
  const Catalog catalog{std::move(parts)};
  c.forecast.from = catalog.date(0, kLength - 2 * kHorizon);
  c.path.samples = "paths.csv";
  const auto forecast = [&](int samples) {
    c.forecast.samples = samples;
    return forecast_series(model_, catalog, c, {}, levels_of_samples(model_, c));
  };
  constexpr int kMost = 400'000'000 / ((kSeries - 1) * kHorizon);
  const Forecasts made = forecast(kMost);
  EXPECT_EQ(std::ssize(made.series), kSeries - 1);
  EXPECT_EQ(std::ranges::count(made.new_item, 1), 1);
  EXPECT_THROW(forecast(kMost + 1), ConfigError);
  c.path.samples.clear();
  EXPECT_NO_THROW(forecast(kMost + 1));
}

TEST_F(Samples, AnEmptyListOfSumsIsNone) {
  Config c = settings();
  c.forecast.sums.emplace();
  EXPECT_FALSE(asks_for_samples(c));
}

TEST_F(Samples, PathsAreThoseThatTotalsAreMadeOf) {
  Config c = settings();
  c.forecast.samples = 25;
  train_on(c);
  const Forecasts made = forecasts(c);
  const auto paths = sample_columns(model_, history_, made, c);
  const auto sums = sum_columns(model_, history_, made, c);
  const auto& values = column(paths, "sluice").numbers;
  ASSERT_EQ(values.size(), 25u * kHorizon * kSeries);
  std::vector<double> totals;
  for (std::size_t p = 0; p < 25; ++p) {
    double total = 0;
    for (std::size_t k = 0; k < kHorizon; ++k) total += values[p * kHorizon + k];
    totals.push_back(total);
  }
  std::ranges::sort(totals);
  EXPECT_FLOAT_EQ(static_cast<float>(column(sums, "sluice").numbers[1]),
                  static_cast<float>(totals[12]));
  EXPECT_EQ(column(paths, "sample").integers[kHorizon], 1);
  EXPECT_EQ(column(paths, "ds").times[1] - column(paths, "ds").times[0], 86400);
}

/// Of which a float would keep no digit that differs.
// A normal distribution of small numbers reaches below 0, beyond any quantile that is cut there.
TEST_F(Samples, PathsOfWhatNeverWasNegativeAreNotBelowZero) {
  Config c = settings("gaussian");
  c.training.steps = 100;
  c.forecast.samples = 200;
  auto values = without_end(values_);
  for (auto& series : values) {
    for (float& y : series) y = std::max(y - 99, 0.0f);
  }
  const Catalog low{testing::daily_parts(values)};
  TrainOptions options;
  options.save = false;
  options.announce = false;
  model_ = train(c, low, options).model;
  const auto lowest = [&] {
    const Forecasts made = forecast_series(model_, low, c, {}, levels_of_samples(model_, c));
    return std::ranges::min(column(sample_columns(model_, low, made, c), "sluice").numbers);
  };
  EXPECT_EQ(lowest(), 0);
  model_.config.forecast.nonnegative = false;
  EXPECT_LT(lowest(), 0);
}

TEST_F(Samples, FarFromZeroTotalsKeepTheirDigits) {
  const Config c = settings();
  CatalogParts parts = testing::daily_parts(without_end(values_));
  parts.value_offset.assign(kSeries, 1e9);
  const Catalog far(std::move(parts));
  TrainOptions options;
  options.save = false;
  options.announce = false;
  model_ = train(c, far, options).model;
  const Forecasts made = forecast_series(model_, far, c, {}, levels_of_samples(model_, c));
  const auto sums = sum_columns(model_, far, made, c);
  for (std::size_t s = 0; s < kSeries; ++s) {
    EXPECT_NEAR(column(sums, "sluice").numbers[2 * s], made.point(s, 0, 0), 1);
    EXPECT_NEAR(column(sums, "sluice").numbers[2 * s + 1], 7e9 + came(s, kHorizon), 60);
    EXPECT_GT(column(sums, "sluice-hi-80").numbers[2 * s + 1] -
                  column(sums, "sluice-lo-80").numbers[2 * s + 1],
              2);
  }
}

TEST_F(Samples, AreTheSameFromAModelThatWasStored) {
  const Config c = settings();
  train_on(c);
  const auto before = sum_columns(model_, history_, forecasts(c), c);
  const auto path = test_folder() / "sluice_samples.safetensors";
  save_model(path, model_);
  model_ = load_model(path);
  std::filesystem::remove(path);
  EXPECT_EQ(column(sum_columns(model_, history_, forecasts(c), c), "sluice-lo-80").numbers,
            column(before, "sluice-lo-80").numbers);
}

TEST_F(Samples, WhatCannotBeSummedIsRefusedWithARemedy) {
  Config c = settings();
  c.training.steps = 20;
  train_on(c);
  const auto refusal = [&] {
    try {
      static_cast<void>(levels_of_samples(model_, c));
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  c.forecast.sums = {{kHorizon + 1}};
  EXPECT_THAT(refusal(), HasSubstr("--horizon 8"));
  c.forecast.sums = {{3, 1, 3}};
  EXPECT_THAT(refusal(), HasSubstr("forecast.sums has 3 twice"));
  c.forecast.sums = {{kHorizon}};
  EXPECT_EQ(refusal(), "accepted");
  model_.dependence.clear();  // of an earlier program
  EXPECT_THAT(refusal(), HasSubstr("train it again"));
  c.training.loss = "mae";
  c.data.valid = 0;
  train_on(c);
  EXPECT_THAT(refusal(), HasSubstr("data.valid > 0"));
}

}  // namespace
}  // namespace sluice
