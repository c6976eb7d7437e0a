// By which scaling series are forecast: the training's, their own history's, and never what
// follows.
#include "run/forecast/match.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "run/known_series.hpp"
#include "run/temporary_file.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/forecast.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using testing::kMissing;
using testing::quick_config;
using testing::quick_model;

/// A model that sees the size of values by their scaling alone.
Config scaled_config() {
  Config c = quick_config();
  c.network.scaling = "standard";
  c.network.level = "none";
  c.network.space = "linear";
  c.network.base = "none";
  return c;
}

/// A series of 60 days that counts up from 1.6e9 by 1 to 5 a day, and one about 5.
CatalogParts counter(std::size_t steps = 60) {
  auto series = testing::weekly_series(2, 60);
  float sum = 16;
  for (std::size_t t = 0; t < 60; ++t) series[1][t] = sum += static_cast<float>(1 + t * t % 5);
  for (auto& values : series) values.resize(steps);
  CatalogParts parts = testing::daily_parts(series);
  parts.value_offset = {0, 1.6e9};
  return parts;
}

/// The second series stored beside another offset.
void store_beside(CatalogParts& parts, double offset) {
  for (auto i = static_cast<std::size_t>(parts.offsets[1]); i < parts.channels[0].values.size();
       ++i) {
    float& y = parts.channels[0].values[i];
    y = static_cast<float>(static_cast<double>(y) + parts.value_offset[1] - offset);
  }
  parts.value_offset[1] = offset;
}

std::vector<double> forecast_of(const Forecasts& f, std::size_t row) {
  std::vector<double> y;
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t j = 0; j < 3; ++j) y.push_back(f.y(row, k, 0, j));
  }
  return y;
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double error) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], error) << i;
}

class AnySpace : public ::testing::TestWithParam<bool> {
 protected:
  Config config() const { return GetParam() ? quick_config() : scaled_config(); }
};
INSTANTIATE_TEST_SUITE_P(Space, AnySpace, ::testing::Bool());

TEST_P(AnySpace, ACounterIsForecastAlikeBesideAnyOffset) {
  const Config c = config();
  CatalogParts moved = counter();
  store_beside(moved, 1.6e9 - 4096);
  const Model model = quick_model(c, Catalog(counter()));
  const Forecasts a = forecast_series(model, Catalog(counter()), c),
                  b = forecast_series(model, Catalog(moved), c);
  expect_near(forecast_of(a, 0), forecast_of(b, 0), 0);
  expect_near(forecast_of(a, 1), forecast_of(b, 1), 0.05);
  // Nor does the model depend on it, nor a series that the model does not know.
  const Model other = quick_model(c, Catalog(moved));
  expect_near(forecast_of(a, 1), forecast_of(forecast_series(other, Catalog(moved), c), 1), 0.05);
  CatalogParts renamed = counter(), renamed_moved = moved;
  renamed.ids[1] = renamed_moved.ids[1] = "NEW";
  expect_near(forecast_of(forecast_series(model, Catalog(renamed), c), 1),
              forecast_of(forecast_series(model, Catalog(renamed_moved), c), 1), 0.05);
}

// A zero reading makes floats of the whole series, which hold a reading to 64, and a step to none.
TEST(MatchScaling, OneOldZeroReadingLeavesALargeSeriesWhereItIs) {
  const Config c = scaled_config();
  CatalogParts parts = counter();
  for (auto i = static_cast<std::size_t>(parts.offsets[1]); i < 120; ++i) {
    parts.channels[0].values[i] *= 1000;  // steps of 1000 to 5000
  }
  const Model model = quick_model(c, Catalog(parts));
  CatalogParts zero = parts;
  store_beside(zero, 0);
  zero.channels[0].values[60 + 3] = 0;
  expect_near(forecast_of(forecast_series(model, Catalog(parts), c), 1),
              forecast_of(forecast_series(model, Catalog(zero), c), 1), 400);
}

TEST(MatchScaling, NewSeriesAreScaledByWhatComesBeforeTheirForecast) {
  Config c = scaled_config();
  CatalogParts cut = testing::daily_parts(testing::weekly_series(2, 50)),
               whole = testing::daily_parts(testing::weekly_series(2, 60));
  const Model model = quick_model(c, Catalog(whole));
  cut.ids = whole.ids = {"N0", "N1"};
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::size_t t = 50; t < 60; ++t) whole.channels[0].values[s * 60 + t] = 1e6f;
  }
  const Forecasts expected = forecast_series(model, Catalog(cut), c);
  c.forecast.from = "2024-02-20";  // after 50 days
  EXPECT_EQ(forecast_series(model, Catalog(whole), c).values, expected.values);
}

TEST(MatchScaling, EachWindowOfAnEvaluationIsScaledByItsOwnPast) {
  Config c = scaled_config();
  auto series = testing::weekly_series(1, 60);
  for (std::size_t t = 54; t < 57; ++t) series[0][t] *= 20;  // known to the second window alone
  CatalogParts parts = testing::daily_parts(series);
  const Model model = quick_model(c, Catalog(parts));
  parts.ids = {"NEW"};
  const Catalog catalog(std::move(parts));
  c.evaluate.n_windows = 2;
  c.path.figure_language = "en";
  const BacktestResult result = backtest(c, catalog, &model);
  c.forecast.from = "2024-02-27";  // after 57 days
  const Forecasts f = forecast_series(model, catalog, c);
  const auto& drawn = result.figures[0].forecast;
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(drawn[drawn.size() - 3 + k], f.y(0, k, 0, f.median()));
  }
}

// Two targets; s0 had no value of the second one when the model was trained, and has some now.
TEST(MatchScaling, AChannelWithoutValuesInTheTrainingIsScaledAsANewSeriesIs) {
  const Config c = scaled_config();
  const auto parts_with = [&](bool all) {
    auto series = testing::weekly_series(2, 60);
    CatalogParts parts = testing::daily_parts(series);
    Channel second{"z", Role::target, parts.channels[0].values};
    for (float& z : second.values) z *= 1e5f;
    if (!all) std::fill_n(second.values.begin(), 60, kMissing);
    parts.channels.push_back(std::move(second));
    return parts;
  };
  const auto file = temporary("fitted.safetensors");
  save_model(file, quick_model(c, Catalog(parts_with(false))));
  const Model model = load_model(file);
  EXPECT_FALSE(model.scaling.is_fitted(1, 0));
  EXPECT_TRUE(model.scaling.is_fitted(0, 0));
  CatalogParts renamed = parts_with(true);
  renamed.ids[0] = "NEW";
  const Forecasts f = forecast_series(model, Catalog(parts_with(true)), c),
                  g = forecast_series(model, Catalog(renamed), c);
  for (std::size_t k = 0; k < 3; ++k) {
    // The first target of the renamed one has six days more in its scaling.
    EXPECT_NEAR(f.y(0, k, 1, 1) / g.y(0, k, 1, 1), 1, 0.01);
    EXPECT_GT(f.y(0, k, 1, 1), 1e5);
  }
}

TEST(MatchScaling, ASeriesTooShortToBeTrainedOnIsScaledAsANewOneIs) {
  const Config c = scaled_config();
  auto series = testing::weekly_series(2, 60);
  for (float& y : series[1]) y *= 1000;
  auto then = series;
  then[1].resize(13);  // one step before those of validation and test
  const Model model = quick_model(c, Catalog{testing::daily_parts(then)});
  CatalogParts renamed = testing::daily_parts(series);
  renamed.ids[1] = "NEW";
  expect_near(forecast_of(forecast_series(model, Catalog{testing::daily_parts(series)}, c), 1),
              forecast_of(forecast_series(model, Catalog(renamed), c), 1), 0);
}

TEST(ScaledSeries, AreFoundByTheirIdsWhereverTheyStand) {
  Model model;
  model.series_ids = {"a", "b", "c"};
  model.seen_until = {5, 0, 7};
  ScaledSeries series(model);
  EXPECT_EQ(series.find("a", 0), 0);
  EXPECT_EQ(series.find("c", 0), 2);
  EXPECT_EQ(series.find("a", 9), 0);
  EXPECT_EQ(series.find("b", 1), std::nullopt);  // had no history
  EXPECT_EQ(series.find("b", 0), std::nullopt);
  EXPECT_EQ(series.find("d", 1), std::nullopt);
}

TEST(SeenSteps, CountFromWhereTheDataBegin) {
  const Config c = quick_config();
  const Model model = quick_model(c, Catalog{testing::daily_parts(testing::weekly_series(2, 60))});
  CatalogParts later = testing::daily_parts(testing::weekly_series(2, 60));
  later.first[1] += 10;
  later.ids[0] = "NEW";
  EXPECT_THAT(seen_steps(model, Catalog(std::move(later))), ElementsAre(0, 44));
}

}  // namespace
}  // namespace sluice
