#include "run/forecast/beyond_training.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <string>
#include <vector>

#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kHorizon = 2;

/// Two series of six days whose price moves between 8 and 12, and these two of their horizons.
Catalog shops(const std::vector<float>& first, const std::vector<float>& second) {
  std::vector<float> sales(6, 1.0f);
  sales.resize(6 + kHorizon, testing::kMissing);
  CatalogParts parts = testing::daily_parts({sales, sales});
  Channel price{"price", Role::future, {}};
  for (const auto& ahead : {first, second}) {
    price.values.insert(price.values.end(), {10, 12, 8, 10, 12, 8});
    price.values.insert(price.values.end(), ahead.begin(), ahead.end());
  }
  parts.channels.push_back(price);
  return Catalog(std::move(parts));
}

std::vector<std::string> texts(const Catalog& catalog) {
  Model model;
  model.spec.M = 1, model.spec.K = kHorizon, model.spec.future_channels = 1;
  model.spec.level_window = 6;
  model.channel_names = {"y", "price"};
  const std::vector<std::int64_t> end = {6, 6};
  model.scaling.covariates = fit_covariates(catalog, 6, kHorizon, end);
  Forecasts forecasts;
  forecasts.K = kHorizon, forecasts.M = 1;
  forecasts.series = {0, 1};
  forecasts.cutoff = {6, 6};
  return beyond_training_texts(model, catalog, forecasts);
}

TEST(BeyondTraining, NamesColumnSeriesDateAndWhatItIsTakenAs) {
  // The recent level is the geometric mean of 10, 12, 8 twice: 9.865.
  EXPECT_THAT(texts(shops({10, 9}, {11, 39.46f})),
              ElementsAre(AllOf(HasSubstr("price: 1 of 2 series has values"),
                                HasSubstr("the farthest: s1 2024-01-08 (39.46, 4 times its recent "
                                          "level; trained on "))));
}

TEST(BeyondTraining, IsSilentInsideAndCloseToTheRange) {
  EXPECT_THAT(texts(shops({8, 12}, {9, testing::kMissing})), IsEmpty());
  EXPECT_THAT(texts(shops({12.2f, 10}, {10, 10})), IsEmpty());
}

// A ratio has no logarithm of them, and they are no nearer to a trained value than a missing one.
TEST(BeyondTraining, NamesKnownValuesThatHaveNoRatio) {
  EXPECT_THAT(
      texts(shops({10, 9}, {0, -3})),
      ElementsAre(AllOf(HasSubstr("price: 1 of 2 series has values"), HasSubstr("not above 0"),
                        HasSubstr("the first: s1 2024-01-07 (0)"))));
}

TEST(BeyondTraining, OfTwoThatAreAsFarTheFirstIsNamedWhateverTheThreads) {
  const int threads = omp_get_max_threads();
  for (const int some : {1, 2}) {
    omp_set_num_threads(some);
    EXPECT_THAT(texts(shops({10, 39.46f}, {39.46f, 10})),
                ElementsAre(AllOf(HasSubstr("price: 2 of 2 series have values"),
                                  HasSubstr("the farthest: s0 2024-01-08 (39.46"))));
    EXPECT_THAT(texts(shops({10, 0}, {-1, 10})),
                ElementsAre(AllOf(HasSubstr("price: 2 of 2 series have values"),
                                  HasSubstr("the first: s0 2024-01-08 (0)"))));
    EXPECT_THAT(texts(shops({39.46f, 10}, {10, 50})),
                ElementsAre(HasSubstr("the farthest: s1 2024-01-08 (50")));
  }
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace sluice
