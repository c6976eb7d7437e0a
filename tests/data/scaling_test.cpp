#include "sluice/data/scaling.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "sluice/base/error.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using testing::kMissing;

TEST(FitScaling, KnowsOnlyTheTrainingRange) {
  const Catalog a{testing::daily_parts({{1, 3, 5, 7, 1000}})},
      b{testing::daily_parts({{1, 3, 5, 7, -9}})};
  const std::vector<std::int64_t> end = {4};
  for (const Scaling kind : {Scaling::standard, Scaling::robust, Scaling::mean}) {
    const SeriesScaling x = fit_scaling(a, kind, Scaling::none, end),
                        y = fit_scaling(b, kind, Scaling::none, end);
    EXPECT_EQ(x.offset, y.offset);
    EXPECT_EQ(x.scale, y.scale);
  }
}

TEST(FitScaling, GivesTheDefinitions) {
  const Catalog c{testing::daily_parts({{1, 3, kMissing, 5, -7}})};
  const std::vector<std::int64_t> end = {5};
  const SeriesScaling standard = fit_scaling(c, Scaling::standard, Scaling::none, end);
  EXPECT_FLOAT_EQ(standard.offset[0], 0.5f);
  EXPECT_FLOAT_EQ(standard.scale[0], std::sqrt((0.25f + 6.25f + 20.25f + 56.25f) / 4));
  const SeriesScaling mean = fit_scaling(c, Scaling::mean, Scaling::none, end);
  EXPECT_EQ(mean.offset[0], 0.0f);
  EXPECT_FLOAT_EQ(mean.scale[0], 4.0f);
  const SeriesScaling robust = fit_scaling(c, Scaling::robust, Scaling::none, end);
  EXPECT_FLOAT_EQ(robust.offset[0], 2.0f);                    // median of -7 1 3 5
  EXPECT_FLOAT_EQ(robust.scale[0], (3.5f - -1.0f) / 1.349f);  // quartiles -1 and 3.5
  const SeriesScaling none = fit_scaling(c, Scaling::none, Scaling::none, end);
  EXPECT_EQ(none.offset[0], 0.0f);
  EXPECT_EQ(none.scale[0], 1.0f);
}

TEST(FitScaling, AConstantOrEmptySeriesHasAnInverse) {
  const Catalog c{testing::daily_parts({{4, 4, 4}, {0, 0, 0}, {kMissing, kMissing, 1}})};
  const std::vector<std::int64_t> end = {3, 3, 2};
  for (const Scaling kind : {Scaling::standard, Scaling::robust, Scaling::mean}) {
    const SeriesScaling x = fit_scaling(c, kind, Scaling::none, end);
    for (std::int64_t s = 0; s < 3; ++s) {
      EXPECT_GT(x.scale_of(0, s), 0.0f);
      const float y = 4.0f, scaled = (y - x.offset_of(0, s)) / x.scale_of(0, s);
      EXPECT_EQ(scaled * x.scale_of(0, s) + x.offset_of(0, s), y);
    }
  }
}

TEST(FitScaling, SeriesWithoutHistoryDoNotMoveTheOthersAndScaleTheirOwnInputs) {
  CatalogParts parts = testing::daily_parts({{2, 4}, {kMissing, kMissing}, {6, 8}});
  parts.channels.push_back({"price", Role::future, {1, 3, 10, 30, 5, 5}});
  parts.static_reals.push_back({"size", {1, 1000, 3}});
  const Catalog c(std::move(parts));
  const std::vector<std::int64_t> end = {2, 0, 2};
  const SeriesScaling x = fit_scaling(c, Scaling::standard, Scaling::standard, end);
  EXPECT_EQ(x.static_offset[0], 2.0f);
  EXPECT_EQ(x.static_scale[0], 1.0f);
  EXPECT_EQ(x.offset_of(1, 1), 20.0f);
  EXPECT_EQ(x.scale_of(1, 1), 10.0f);
}

// What a catalogue takes off its values depends on all of them; the map of y may not.
TEST(FitScaling, MapsTheValuesOfTheFileWhateverTheyAreStoredBeside) {
  const auto counter = [](double offset, double next) {
    CatalogParts parts = testing::daily_parts({{}});
    for (const double y : {1600000001.0, 1600000004.0, 1600000005.0, 1600000010.0, next}) {
      parts.channels[0].values.push_back(static_cast<float>(y - offset));
    }
    parts.offsets[1] = 5;
    parts.value_offset = {offset};
    return Catalog(std::move(parts));
  };
  const Catalog a = counter(1599999985, 1600000012), b = counter(1599990000, 1600900000);
  const std::vector<std::int64_t> end = {4};
  const SeriesScaling mean = fit_scaling(b, Scaling::mean, Scaling::none, end);
  EXPECT_EQ(mean.reference_of(0, 0), 1599999985);  // a range of 9: 16 below the first
  EXPECT_EQ(mean.offset_of(0, 0), 9985);
  EXPECT_FLOAT_EQ(mean.scale_of(0, 0), 20);  // of 16, 19, 20 and 25
  for (const Scaling kind : {Scaling::standard, Scaling::robust, Scaling::mean, Scaling::none}) {
    const SeriesScaling x = fit_scaling(a, kind, Scaling::none, end),
                        y = fit_scaling(b, kind, Scaling::none, end);
    EXPECT_EQ(x.offset_of(0, 0) + 9985, y.offset_of(0, 0));
    EXPECT_EQ(x.scale, y.scale);
    EXPECT_EQ(x.reference, y.reference);
  }
}

TEST(FitScaling, SaysWhereThereWasNothingToFitOn) {
  CatalogParts parts = testing::daily_parts({{2, 4}, {kMissing, 1}});
  parts.channels.push_back({"price", Role::past, {kMissing, 3, 4, 5}});
  const SeriesScaling x = fit_scaling(Catalog(std::move(parts)), Scaling::mean, Scaling::standard,
                                      std::vector<std::int64_t>{1, 1});
  EXPECT_TRUE(x.is_fitted(0, 0));
  EXPECT_FALSE(x.is_fitted(0, 1));
  EXPECT_FALSE(x.is_fitted(1, 0));
  EXPECT_TRUE(x.is_fitted(1, 1));
}

TEST(FitScaling, TreatsTargetsAndCovariatesByTheirOwnKind) {
  CatalogParts parts = testing::daily_parts({{2, 4}});
  parts.channels.push_back({"price", Role::future, {10, 30}});
  const Catalog c(std::move(parts));
  const SeriesScaling x =
      fit_scaling(c, Scaling::mean, Scaling::standard, std::vector<std::int64_t>{2});
  EXPECT_EQ(x.offset_of(0, 0), 0.0f);
  EXPECT_EQ(x.scale_of(0, 0), 3.0f);
  EXPECT_EQ(x.offset_of(1, 0), 20.0f);
  EXPECT_EQ(x.scale_of(1, 0), 10.0f);
}

TEST(ParseScaling, NamesTheChoices) {
  EXPECT_EQ(parse_scaling("robust"), Scaling::robust);
  EXPECT_THROW(parse_scaling("minmax"), ConfigError);
}

TEST(SeasonalNaiveError, IsTheMeanAbsoluteSeasonalDifferenceBeforeTheEnd) {
  const std::vector<float> y = {1, 2, 4, 6, kMissing, 100};
  EXPECT_DOUBLE_EQ(seasonal_naive_error(y, 4, 2), (3 + 4) / 2.0);
  EXPECT_DOUBLE_EQ(seasonal_naive_error(y, 5, 2), (3 + 4) / 2.0);
  EXPECT_TRUE(std::isnan(seasonal_naive_error(y, 2, 2)));
}

TEST(SeriesWeights, AreRelativeToTheMedianAndCapped) {
  const Catalog c{testing::daily_parts(
      {{10, 11, 10, 11}, {10, 12, 10, 12}, {10, 14, 10, 14}, {1000, 1000.01f, 1000, 1000.01f}})};
  const std::vector<std::int64_t> end(4, 4);
  const std::vector<float> w = series_weights(c, end, 1, 1.0);
  // Ratios mean / error: 10.5, 5.5, 3, about 100,000; the upper median is 10.5.
  EXPECT_FLOAT_EQ(w[0], 1.0f);
  EXPECT_FLOAT_EQ(w[1], 5.5f / 10.5f);
  EXPECT_FLOAT_EQ(w[2], 3.0f / 10.5f);
  EXPECT_EQ(w[3], 5.0f);
  EXPECT_EQ(series_weights(c, end, 1, 0), (std::vector<float>(4, 1.0f)));
}

// Beside an offset of 30, 40 and 41 are stored as 10 and 11.
TEST(SeriesWeights, AreOfTheFilesValuesNotOfWhatIsStored) {
  CatalogParts parts = testing::daily_parts({{10, 11, 10, 11}, {10, 12, 10, 12}, {10, 11, 10, 11}});
  parts.value_offset = {0, 0, 30};
  const std::vector<float> w =
      series_weights(Catalog(std::move(parts)), std::vector<std::int64_t>(3, 4), 1, 1.0);
  // Ratios mean / error: 10.5, 5.5, 40.5; the middle one is 10.5.
  EXPECT_FLOAT_EQ(w[0], 1.0f);
  EXPECT_FLOAT_EQ(w[1], 5.5f / 10.5f);
  EXPECT_FLOAT_EQ(w[2], 40.5f / 10.5f);
}

}  // namespace
}  // namespace sluice
