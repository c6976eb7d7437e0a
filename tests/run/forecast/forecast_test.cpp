// Which series of a catalogue get a forecast, from where, and what is said of the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kMissing;
using testing::quick_config;
using testing::quick_model;

/// 60 days from 2024-01-01, so that the first forecast is for 2024-03-01.
std::vector<std::vector<float>> sixty_days(int series) {
  return testing::weekly_series(series, 60);
}

void add_price(CatalogParts& parts, float price) {
  const auto steps = static_cast<std::size_t>(parts.offsets.back());
  parts.channels.push_back({"price", Role::future, std::vector<float>(steps, price)});
}

TEST(ForecastSeries, LeavesOutWhatLacksKnownValuesAndForecastsTheOthers) {
  auto series = sixty_days(3);
  for (auto& values : series) values.insert(values.end(), 3, kMissing);  // the rows ahead
  CatalogParts parts = testing::daily_parts(series);
  add_price(parts, 2);
  parts.channels[1].values[63 + 61] = kMissing;  // s1, the second step ahead
  const Catalog catalog(std::move(parts));
  Config c = quick_config();
  const Model model = quick_model(c, catalog);
  const Forecasts f = forecast_series(model, catalog, c);
  EXPECT_THAT(f.series, ElementsAre(0, 2));
  EXPECT_THAT(f.cutoff, ElementsAre(60, 60));
  EXPECT_EQ(left_out_text(f.left_out), "1 series left out: s1 (no price for 2024-03-02)");
  EXPECT_EQ(remarks_text(f), "; 1 series left out: s1 (no price for 2024-03-02)");
  c.forecast.strict = true;
  try {
    forecast_series(model, catalog, c);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("forecast.strict = true, and 1 series left out: s1"));
  }
}

// All zeros were forecast as 0.0003, and with a distribution's loss as a thousandth of others'
// sales.
TEST(ForecastSeries, ASeriesThatHasOnlyEverHadOneValueHasItAsForecast) {
  for (const char* loss : {"quantile", "mse", "tweedie"}) {
    auto series = sixty_days(4);
    std::ranges::fill(series[0], 0.0f);
    std::ranges::fill(series[1], 7.0f);
    series[1][20] = kMissing;
    std::ranges::fill(series[2], 7.0f);
    series[2][3] = 8;  // more than a constant
    Config c = quick_config();
    c.training.loss = loss;
    const Catalog catalog(testing::daily_parts(series));
    const Forecasts f = forecast_series(quick_model(c, catalog), catalog, c);
    ASSERT_THAT(f.series, ElementsAre(0, 1, 2, 3));
    const auto J = static_cast<std::size_t>(f.J());
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(f.point(0, k, 0), 0) << loss;
      EXPECT_EQ(f.point(1, k, 0), 7) << loss;
      EXPECT_EQ(f.y(1, k, 0, 0), 7) << loss;
      EXPECT_EQ(f.y(1, k, 0, J - 1), 7) << loss;
      EXPECT_NE(f.point(2, k, 0), 7) << loss;
    }
  }
}

TEST(ForecastSeries, AFewEqualValuesAreNoConstant) {
  auto series = sixty_days(3);
  series[0].assign(13, 0.0f);  // of the 14 that the model sees
  CatalogParts parts = testing::daily_parts(series);
  parts.first[0] += 60 - static_cast<std::int64_t>(series[0].size());
  const Catalog catalog(std::move(parts));
  Config c = quick_config();
  c.training.loss = "tweedie";
  const Forecasts f = forecast_series(quick_model(c, catalog), catalog, c);
  EXPECT_GT(f.point(0, 0, 0), 0);
}

// One empty cell of the past once let a horizon without any known value be forecast.
TEST(ForecastSeries, AGapOfTheHistoryAllowsNoHorizonWithoutKnownValues) {
  const std::size_t length = 63;
  const auto left_out = [&](std::vector<std::size_t> past, std::vector<std::size_t> ahead) {
    auto series = sixty_days(2);
    for (auto& values : series) values.insert(values.end(), 3, kMissing);  // the rows ahead
    CatalogParts parts = testing::daily_parts(series);
    add_price(parts, 2);
    for (const std::size_t t : past) parts.channels[1].values[t] = kMissing;
    for (const std::size_t k : ahead) parts.channels[1].values[60 + k] = kMissing;
    parts.channels[1].values[length + 1] = kMissing;  // another series' gap is none of this one
    const Catalog catalog(std::move(parts));
    const Config c = quick_config();
    return left_out_text(forecast_series(quick_model(c, catalog), catalog, c).left_out);
  };
  EXPECT_EQ(left_out({20}, {0, 1, 2}),
            "1 series left out: s0 (no price for 2024-03-01 and 2 later steps)");
  EXPECT_EQ(left_out({20, 40}, {0, 1, 2}),
            "1 series left out: s0 (no price for 2024-03-01 and 2 later steps)");
  EXPECT_EQ(left_out({}, {1}), "1 series left out: s0 (no price for 2024-03-02)");
  EXPECT_EQ(left_out({20}, {1}), "");
  EXPECT_EQ(left_out({20}, {0, 2}), "");
  EXPECT_EQ(left_out({19, 20, 21}, {0, 1, 2}), "");  // as the model has met it
}

// The rows of what is left out must not shift those of the others.
TEST(ForecastSeries, ForecastsTheOthersAsIfTheLeftOutSeriesWereNotThere) {
  auto series = sixty_days(3);
  const Catalog all{testing::daily_parts(series)};
  const Config c = quick_config();
  const Model model = quick_model(c, all);
  CatalogParts parts = testing::daily_parts(series);
  parts.ended = {0, 1, 0};
  const Forecasts whole = forecast_series(model, all, c);
  const Forecasts part = forecast_series(model, Catalog(std::move(parts)), c);
  ASSERT_THAT(part.series, ElementsAre(0, 2));
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(part.y(0, k, 0, 1), whole.y(0, k, 0, 1));
    EXPECT_EQ(part.y(1, k, 0, 1), whole.y(2, k, 0, 1));
  }
}

TEST(ForecastSeries, ForecastsEndedSeriesOnlyWhereItIsAsked) {
  auto series = sixty_days(2);
  series[1].resize(50);
  CatalogParts parts = testing::daily_parts(series);
  parts.ended = {0, 1};
  const Catalog catalog(std::move(parts));
  Config c = quick_config();
  const Model model = quick_model(c, catalog);
  c.forecast.strict = true;  // what a setting leaves out is no failure
  const Forecasts f = forecast_series(model, catalog, c);
  EXPECT_THAT(f.series, ElementsAre(0));
  ASSERT_EQ(f.left_out.size(), 1u);
  EXPECT_EQ(f.left_out[0].reason, "ended 2024-02-19, 10 steps before the others");
  c.forecast.ended = true;
  EXPECT_THAT(forecast_series(model, catalog, c).cutoff, ElementsAre(60, 50));
}

TEST(ForecastSeries, AccountsForEverySeriesThatDoesNotReachTheGivenStart) {
  auto series = sixty_days(4);
  series[1].resize(20);  // ends 2024-01-20
  std::fill_n(series[3].begin(), 39, kMissing);
  CatalogParts parts = testing::daily_parts(series);
  parts.first[2] += 45;  // begins 2024-02-15
  const Catalog catalog(std::move(parts));
  Config c = quick_config();
  const Model model = quick_model(c, catalog);
  c.forecast.from = "2024-02-08";
  const Forecasts f = forecast_series(model, catalog, c);
  EXPECT_THAT(f.series, ElementsAre(0));
  EXPECT_THAT(f.cutoff, ElementsAre(38));
  EXPECT_EQ(left_out_text(f.left_out),
            "3 series left out: s1 (ends 2024-01-20, with 18 steps missing before 2024-02-08), s2 "
            "(begins 2024-02-15, with no step before 2024-02-08), s3 (no value before 2024-02-08)");
  c.forecast.from = "2025-01-01";
  EXPECT_THROW(forecast_series(model, catalog, c), ConfigError);
}

TEST(ForecastSeries, AStartBetweenTwoStepsNamesBoth) {
  CatalogParts parts = testing::daily_parts(sixty_days(2));
  parts.axis.frequency = parse_frequency("W-MON");
  const Catalog catalog(std::move(parts));
  Config c = quick_config();
  const Model model = quick_model(c, catalog);
  const auto refused = [&](const std::string& from) {
    c.forecast.from = from;
    try {
      forecast_series(model, catalog, c);
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  // 19,723 weeks after the first Monday of 1970.
  EXPECT_EQ(catalog.date(0, 0), "2348-01-05");
  EXPECT_EQ(refused("2348-12-29"),
            "forecast.from = \"2348-12-29\" lies between two steps of the data's grid (W-MON); "
            "give 2348-12-27 or 2349-01-03");
  EXPECT_THAT(refused("soon"), HasSubstr("\"soon\" is not a time; write it as the data have it"));
}

TEST(ForecastSeries, AStartIsTheFirstStepFromThereOnOfEachWeekday) {
  CatalogParts parts = testing::daily_parts(sixty_days(3));
  parts.axis.frequency = parse_frequency("W-MON");
  parts.axis.shift = {0, 2 * 86400, 0};  // s1 on Wednesdays
  parts.first[2] += 60;
  const Catalog catalog(std::move(parts));
  std::vector<LeftOut> left_out;
  EXPECT_EQ(catalog.date(1, 20), "2348-05-26");
  EXPECT_THAT(cutoffs_from(catalog, "2348-05-26", false, &left_out), ElementsAre(21, 20, -1));
  EXPECT_EQ(catalog.date(0, 21), "2348-05-31");
  EXPECT_THAT(cutoffs_from(catalog, "2348-05-24", false, &left_out), ElementsAre(20, 20, -1));
}

TEST(ForecastSeries, RefusesAModelWhoseWeightsAreNoNumbers) {
  const Catalog catalog{testing::daily_parts(sixty_days(2))};
  const Config c = quick_config();
  Model model = quick_model(c, catalog);
  for (float& weight : model.members[0]) weight = std::numeric_limits<float>::quiet_NaN();
  try {
    forecast_series(model, catalog, c);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("there is nothing to forecast: 2 series left out: s0 (the "
                                    "model's result is no finite number)"));
  }
}

TEST(LeftOutText, NamesThreeAndCountsAll) {
  EXPECT_EQ(left_out_text({}), "");
  EXPECT_EQ(left_out_text({{"A", "x"}, {"B", "y"}, {"C", "z"}, {"D", "w"}}),
            "4 series left out: A (x), B (y), C (z), ...");
}

// ---- Not below zero.

/// Small counts around 1 in 20 series; s19 has one return.
std::vector<std::vector<float>> counts_with_a_return() {
  std::vector<std::vector<float>> series(20, std::vector<float>(60));
  for (std::size_t s = 0; s < 20; ++s) {
    for (std::size_t t = 0; t < 60; ++t) series[s][t] = static_cast<float>((s + t * t) % 3);
  }
  series[19][30] = -1;
  return series;
}

/// Series with a value below 0, of which the lowest output counts.
std::vector<int> below_zero(const Forecasts& f) {
  std::vector<int> out;
  for (std::size_t r = 0; r < f.series.size(); ++r) {
    for (std::size_t k = 0; k < static_cast<std::size_t>(f.K); ++k) {
      if (f.y(r, k, 0, 0) < 0 && (out.empty() || out.back() != f.series[r]))
        out.push_back(f.series[r]);
    }
  }
  return out;
}

TEST(Nonnegative, IsDecidedBySeries) {
  const Catalog catalog{testing::daily_parts(counts_with_a_return())};
  Config c = quick_config();
  c.training.loss = "mse";
  c.data.valid = 10;
  Model model = quick_model(c, catalog);
  for (float& q : model.residual_quantiles) q *= 10;  // wide intervals: all would be below 0
  EXPECT_THAT(below_zero(forecast_series(model, catalog, c)), ElementsAre(19));
  model.config.forecast.nonnegative = true;
  EXPECT_THAT(below_zero(forecast_series(model, catalog, c)), ElementsAre());
  model.config.forecast.nonnegative = false;
  EXPECT_EQ(below_zero(forecast_series(model, catalog, c)).size(), 20u);
}

TEST(Nonnegative, HoldsForTheValueWithItsOffset) {
  CatalogParts parts = testing::daily_parts(counts_with_a_return());
  parts.value_offset.assign(20, 0.3);
  parts.value_offset[19] = 1;  // y is never below 0
  const Catalog catalog(std::move(parts));
  Config c = quick_config();
  c.training.loss = "mse";
  c.network.space = "linear";
  c.data.valid = 10;
  Model model = quick_model(c, catalog);
  for (float& q : model.residual_quantiles) q *= 1000;
  const Forecasts f = forecast_series(model, catalog, c);
  EXPECT_THAT(below_zero(f), ElementsAre());
  double lowest = 1;
  for (std::size_t r = 0; r < 20; ++r) lowest = std::min(lowest, f.y(r, 0, 0, 0));
  EXPECT_NEAR(lowest, 0, 1e-6);  // the bound was met, and it is that of y:
  EXPECT_LT(*std::min_element(f.values.begin(), f.values.end()), -0.2f);
}

// ---- Numbers that a float does not hold.

TEST(ValueOffset, IsAddedToWhatTheModelMakesOfTheStoredValues) {
  auto series = sixty_days(2);
  const Catalog plain{testing::daily_parts(series)};
  CatalogParts parts = testing::daily_parts(series);
  parts.value_offset = {0, 1.6e9};
  const Catalog moved(std::move(parts));
  const Config c = quick_config();
  const Model model = quick_model(c, plain);
  const Forecasts a = forecast_series(model, plain, c), b = forecast_series(model, moved, c);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(a.y(0, k, 0, 1), b.y(0, k, 0, 1));
    EXPECT_NEAR(a.y(1, k, 0, 1), b.y(1, k, 0, 1) - 1.6e9, 0.05);  // scaled by the whole history
  }
}

// A meter that stood at 1.6e9 was changed for a new one: the same id, and nothing of the old size.
TEST(ValueOffset, OfTheTrainingMeansNothingToDataWithoutOne) {
  auto series = sixty_days(2);
  CatalogParts parts = testing::daily_parts(series);
  parts.value_offset = {0, 1.6e9};
  const Config c = quick_config();
  const auto file = temporary("offset.safetensors");
  save_model(file, quick_model(c, Catalog(std::move(parts))));
  const Model model = load_model(file);
  // By its range of about 5 the training counts from 8 below its lowest value, of about 4.
  EXPECT_THAT(model.value_offset, ElementsAre(0, ::testing::DoubleNear(1.6e9 - 4, 0.5)));
  for (float& value : series[1]) value *= 1000;
  const Catalog known{testing::daily_parts(series)};
  CatalogParts renamed = testing::daily_parts(series);
  renamed.ids[1] = "never seen";
  const Forecasts a = forecast_series(model, known, c),
                  b = forecast_series(model, Catalog(std::move(renamed)), c);
  EXPECT_EQ(a.values, b.values);
  // As large as the values, by the model that begins as their seasonal mean.
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(a.y(1, k, 0, 1) / 7000, 1, 0.6);
}

TEST(ValueOffset, IsInTheFileToTheLastDigit) {
  const auto file = temporary("value_offset.csv");
  const Catalog catalog{testing::daily_parts({std::vector<float>(40, 0)})};
  Forecasts f;
  f.K = 2, f.M = 1;
  f.probabilities = {0.1, 0.5, 0.9};
  f.series = {0};
  f.cutoff = {40};
  f.values = {-3, 0, 3, -3, 0.25, 3};
  f.offset = {16'777'217};
  write_forecasts(file, catalog, f, {80});
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "unique_id,ds,sluice,sluice-lo-80,sluice-hi-80");
  std::getline(in, line);
  EXPECT_EQ(line, "s0,2024-02-10,16777217,16777214,16777220");
  std::getline(in, line);
  EXPECT_EQ(line, "s0,2024-02-11,16777217.25,16777214,16777220");
}

}  // namespace
}  // namespace sluice
