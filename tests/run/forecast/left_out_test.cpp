// What a series lacks for a forecast, and what a model in log space makes of values without one.
#include "run/forecast/left_out.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kMissing;
using testing::quick_config;
using testing::quick_model;

TEST(LeftOut, NamesTheTargetThatHasNoValue) {
  CatalogParts parts = testing::daily_parts(testing::weekly_series(2, 60));
  Channel second{"z", Role::target, parts.channels[0].values};
  parts.channels.push_back(std::move(second));
  const Config c = quick_config();
  const Model model = quick_model(c, Catalog(parts));
  std::fill_n(parts.channels[1].values.begin(), 60, kMissing);
  const Forecasts f = forecast_series(model, Catalog(std::move(parts)), c);
  EXPECT_THAT(f.series, ElementsAre(1));
  EXPECT_EQ(left_out_text(f.left_out), "1 series left out: s0 (no value of z before 2024-03-01)");
}

// Most files say "no event" by an empty cell: a horizon without one is no gap, unless such cells
// were rare.
TEST(LeftOut, AHorizonWithoutAnyWordIsAGapOnlyWhereWordsWereRarelyMissing) {
  const int K = 4;
  const auto missing = [&](std::int64_t apart) {
    CatalogParts parts = testing::daily_parts(testing::weekly_series(1, 24));
    CategoryChannel promotion{"promo", Role::future, {"unknown", "sale"}, {}};
    for (std::int64_t t = 0; t < 24; ++t) {
      const bool empty = apart > 0 ? t % apart == 0 : t % 2 == 1;
      promotion.codes.push_back(t >= 20 || empty ? 0 : 1);
    }
    parts.categories.push_back(std::move(promotion));
    return missing_future(Catalog(std::move(parts)), Window{.origin = 19, .series = 0}, K);
  };
  EXPECT_EQ(missing(0), "");  // every second day of the past
  EXPECT_EQ(missing(10), "no promo for 2024-01-21 and 3 later steps");
}

/// As missing_future() is promised: twice the gaps of any K steps of the past may be missing ahead,
/// and all K numbers where K in a row were.
bool may_lack(const std::vector<float>& values, std::size_t origin, std::size_t K) {
  std::size_t most = 0;
  for (std::size_t end = 1; end <= origin; ++end) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(end > K ? end - K : 0);
    const auto gaps = std::count_if(first, values.begin() + static_cast<std::ptrdiff_t>(end),
                                    [](float x) { return std::isnan(x); });
    most = std::max(most, static_cast<std::size_t>(gaps));
  }
  const auto ahead = values.begin() + static_cast<std::ptrdiff_t>(origin);
  const auto lacking = static_cast<std::size_t>(std::count_if(
      ahead, ahead + static_cast<std::ptrdiff_t>(K), [](float x) { return std::isnan(x); }));
  return lacking == K ? most == K : lacking <= 2 * most;
}

TEST(LeftOut, GapsAheadAreHeldAgainstThoseOfThePast) {
  constexpr std::size_t kPast = 9, kAhead = 4;
  int refused = 0;
  for (std::uint32_t pattern = 0; pattern < 1u << (kPast + kAhead); ++pattern) {
    CatalogParts parts = testing::daily_parts(testing::weekly_series(1, kPast + kAhead));
    Channel price{"price", Role::future, {}};
    for (std::size_t t = 0; t < kPast + kAhead; ++t) {
      price.values.push_back((pattern >> t & 1) != 0 ? kMissing : 1.0f);
    }
    const bool expected = may_lack(price.values, kPast, kAhead);
    parts.channels.push_back(std::move(price));
    const std::string reason =
        missing_future(Catalog(std::move(parts)), Window{.origin = kPast - 1, .series = 0}, kAhead);
    ASSERT_EQ(reason.empty(), expected) << pattern << " " << reason;
    refused += expected ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

class WithoutLogarithms : public ::testing::Test {
 protected:
  std::vector<std::vector<float>> series_ = testing::weekly_series(3, 60);
  const Catalog positive_{testing::daily_parts(series_)};
  Config config_ = quick_config();  // takes logarithms, as all values are positive
  const Model model_ = quick_model(config_, positive_);

  Forecasts forecast() const {
    return forecast_series(model_, Catalog{testing::daily_parts(series_)}, config_);
  }
};

TEST_F(WithoutLogarithms, AZeroIsAMissingValueOfItsSeriesAndOfNoOther) {
  ASSERT_EQ(model_.spec.space, Space::log);
  series_[1][55] = kMissing;
  const Forecasts missing = forecast();
  EXPECT_THAT(missing.without_logarithm, IsEmpty());
  series_[1][55] = 0;
  const Forecasts zero = forecast();
  EXPECT_EQ(zero.values, missing.values);
  EXPECT_EQ(without_logarithm_text(zero),
            "1 series: the model in log space takes values without a logarithm for missing (first: "
            "s1, 1 of the last 14 values of y is not above 0); where they are real, train with "
            "network.space = \"linear\"");
}

TEST_F(WithoutLogarithms, ASeriesOfZerosIsLeftOutAndTheOthersAreForecast) {
  const Forecasts before = forecast();
  series_[1][52] = series_[1][55] = 0;
  const Forecasts f = forecast();
  ASSERT_THAT(f.series, ElementsAre(0, 2));
  EXPECT_EQ(f.y(1, 0, 0, 1), before.y(2, 0, 0, 1));
  EXPECT_EQ(left_out_text(f.left_out),
            "1 series left out: s1 (2 of the last 14 values of y are not above 0, which a model in "
            "log space needs: train with network.space = \"linear\")");
}

TEST_F(WithoutLogarithms, ZerosAfterTheForecastsBeginDoNotMatter) {
  config_.forecast.from = "2024-02-20";  // after 50 days
  const Forecasts before = forecast();
  for (std::size_t t = 50; t < 60; ++t) series_[1][t] = 0;
  EXPECT_EQ(forecast().values, before.values);
}

TEST_F(WithoutLogarithms, ATrainingIsTheSameWhateverFollowsIt) {
  std::fill_n(series_[1].begin() + 54, 6, 0.0f);  // data.test = 6
  const Model model = quick_model(config_, Catalog{testing::daily_parts(series_)});
  EXPECT_EQ(model.members, model_.members);
  series_[1][53] = 0;  // of the validation
  EXPECT_EQ(quick_model(config_, Catalog{testing::daily_parts(series_)}).spec.space, Space::linear);
}

TEST_F(WithoutLogarithms, ATrainingInLogSpaceRefusesThem) {
  config_.network.space = "log";
  series_[1][40] = 0;
  try {
    quick_model(config_, Catalog{testing::daily_parts(series_)});
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("series 's1', 2024-02-10: y is 0, and log space needs values "
                                    "above 0; set network.space = \"linear\""));
  }
}

// An empty cell of the test part must not give the network another input.
TEST(MissingIndicator, IsDecidedByTheTrainingPart) {
  auto series = testing::weekly_series(2, 60);
  const Config c = quick_config();
  series[0][57] = kMissing;
  EXPECT_FALSE(quick_model(c, Catalog{testing::daily_parts(series)}).spec.missing_indicator);
  series[0][50] = kMissing;
  EXPECT_TRUE(quick_model(c, Catalog{testing::daily_parts(series)}).spec.missing_indicator);
}

TEST(WindowScaling, HoldsForTinyValues) {
  for (const char* scaling : {"window_mean", "window_standard", "window_robust"}) {
    Config c = quick_config();
    c.network.scaling = scaling;
    const auto forecast = [&](float size) {
      auto series = testing::weekly_series(2, 60);
      for (auto& values : series) {
        for (float& y : values) y *= size;
      }
      const Catalog catalog{testing::daily_parts(series)};
      return forecast_series(quick_model(c, catalog), catalog, c);
    };
    const Forecasts one = forecast(1), tiny = forecast(0x1p-30f);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(tiny.y(0, k, 0, 1) * 0x1p30, one.y(0, k, 0, 1), 1e-3) << scaling;
    }
  }
}

// ---- Intervals of a point loss.

TEST(PointIntervals, SayWhyThereAreNone) {
  Config c = quick_config();
  c.training.loss = "mae";
  const Catalog catalog{testing::daily_parts(testing::weekly_series(1, 60))};  // 4 x 3 errors
  const Model model = quick_model(c, catalog);
  try {
    forecast_series(model, catalog, c);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("its validation range has fewer than 20 errors"));
  }
}

TEST(PointIntervals, ThatAreTheSameForSeveralLevelsAreTold) {
  Model model;
  model.spec.loss = Loss::mse;
  // 20 errors: from 91 % on, an interval ends at the smallest and the largest one.
  model.residual_probabilities = {0.005, 0.05, 0.1, 0.5, 0.9, 0.95, 0.995};
  model.residual_quantiles = {-3, -3, -2, 0, 2, 3, 3};
  EXPECT_EQ(alike_levels_text(model, {80, 90}), "");
  EXPECT_THAT(alike_levels_text(model, {80, 99.9, 99, 90}),
              HasSubstr("the intervals of 90, 99, 99.9 % are the same"));
  model.residual_quantiles = {-4, -3, -2, 0, 2, 3, 3};
  EXPECT_EQ(alike_levels_text(model, {80, 90, 99}), "");
}

}  // namespace
}  // namespace sluice
