// What a forecast is made of before the network corrects it: the bases of every engine.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "support/catalogs.hpp"
#include "support/small_engine.hpp"

namespace sluice {
namespace {

using testing::engine_for;
using testing::small_spec;

class EngineBases : public testing::EngineContract {};

TEST_F(EngineBases, ForecastOfAZeroHeadIsItsBase) {
  const auto series = testing::weekly_series(2, 40);
  const Catalog catalog{testing::daily_parts(series)};
  ModelSpec spec = small_spec();
  spec.head_starts_at_zero = true;
  const std::vector<std::int64_t> end(2, 40);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  const auto engine = engine_for(catalog, spec, scaling);
  const std::vector<Window> windows = windows_at(std::vector<std::int64_t>(2, 30));
  std::vector<float> y(6);
  engine->forecast(windows, {}, y);
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(y[s * 3 + k], series[s][30 + k - 7], 1e-4f * series[s][30 + k - 7]);
    }
  }
}

/// `count` series of 40 steps that grow by a rate and repeat a pattern of `season` steps: values
/// multiply, or with `adds` they add up.
std::vector<std::vector<float>> growing_series(int count, int season, bool adds) {
  std::vector<std::vector<float>> series(static_cast<std::size_t>(count));
  for (int s = 0; s < count; ++s) {
    for (int t = 0; t < 40; ++t) {
      const double pattern = (t % season) * 0.2, trend = (s - 1) * 0.02 * t;
      series[static_cast<std::size_t>(s)].push_back(
          static_cast<float>(adds ? 5 + pattern + trend : std::exp(pattern + trend)));
    }
  }
  return series;
}

TEST_F(EngineBases, ATrendWithoutDampingGoesOnWithGrowthAndSeasonAcrossGaps) {
  for (const int season : {1, 4}) {
    for (const bool adds : {true, false}) {
      const auto whole = growing_series(3, season, adds);
      auto series = whole;
      for (auto& values : series) values[29] = values[26] = values[12] = testing::kMissing;
      const Catalog catalog{testing::daily_parts(series)};
      ModelSpec spec = small_spec();
      spec.K = 6, spec.base = Base::trend, spec.base_season = season, spec.trend_damping = 1;
      spec.space = adds ? Space::linear : Space::log, spec.head_starts_at_zero = true;
      const std::vector<std::int64_t> end(3, 40);
      const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
      std::vector<float> y(18);
      engine_for(catalog, spec, scaling)
          ->forecast(windows_at(std::vector<std::int64_t>(3, 30)), {}, y);
      for (std::size_t s = 0; s < 3; ++s) {
        for (std::size_t k = 0; k < 6; ++k) {
          EXPECT_NEAR(y[s * 6 + k], whole[s][30 + k], 1e-4f * whole[s][30 + k]) << season << adds;
        }
      }
    }
  }
}

TEST_F(EngineBases, ATrendIsDampedByThePowersOfItsShare) {
  const auto series = growing_series(1, 1, true);  // falls by 0.02 a step
  const Catalog catalog{testing::daily_parts(series)};
  ModelSpec spec = small_spec();
  spec.base = Base::trend, spec.base_season = 1, spec.trend_damping = 0.5f;
  spec.head_starts_at_zero = true;
  const std::vector<std::int64_t> end(1, 40);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  std::vector<float> y(3);
  engine_for(catalog, spec, scaling)->forecast(windows_at(std::vector<std::int64_t>(1, 30)), {}, y);
  const float last = series[0][29];
  EXPECT_NEAR(y[0], last - 0.02f * 0.5f, 1e-5f);
  EXPECT_NEAR(y[1], last - 0.02f * 0.75f, 1e-5f);
  EXPECT_NEAR(y[2], last - 0.02f * 0.875f, 1e-5f);
}

TEST_F(EngineBases, ASeriesShorterThanASeasonHasNoTrendAndItsLevelAsBase) {
  const Catalog catalog{testing::daily_parts({{3, 4, 5, 6}, {3, 4, 5}})};
  ModelSpec spec = small_spec();
  spec.base = Base::trend, spec.head_starts_at_zero = true;
  const std::vector<std::int64_t> end = {4, 3};
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  std::vector<float> y(6);
  engine_for(catalog, spec, scaling)->forecast(windows_at(end), {}, y);
  for (std::size_t s = 0; s < 2; ++s) {
    for (std::size_t k = 0; k < 3; ++k) {  // 2 % of the mean is what a level has at least
      EXPECT_NEAR(y[s * 3 + k], s == 0 ? 4.5f * 1.02f : 4 * 1.02f, 1e-4f);
    }
  }
}

}  // namespace
}  // namespace sluice
