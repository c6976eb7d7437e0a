// Sample paths that follow quantiles which were moved: the marginals become the quantiles', the
// ranks stay.
#include "run/calibration/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "run/calibration/dependence.hpp"
#include "run/calibration/sampler.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

constexpr std::size_t kPaths = 101, kSteps = 2;
const std::vector<double> kProbabilities = {0.1, 0.25, 0.5, 0.75, 0.9};

std::vector<double> some_paths() {
  std::vector<double> paths;
  for (std::size_t p = 0; p < kPaths; ++p) {
    const auto at = static_cast<double>(p * 37 % kPaths);
    paths.push_back(at);
    paths.push_back(100 - at);
  }
  return paths;
}

TEST(FollowQuantiles, GivesEachStepItsQuantilesAndLeavesEachPathItsRank) {
  const std::vector<double> before = some_paths();
  std::vector<double> paths = before;
  const std::vector<float> quantiles = {-4, -2, 0, 3, 6, 10, 20, 30, 40, 50};
  follow_quantiles(quantiles, scores_of(kProbabilities), 1, 2, paths, kSteps);
  for (std::size_t k = 0; k < kSteps; ++k) {
    std::vector<double> values;
    for (std::size_t p = 0; p < kPaths; ++p) values.push_back(paths[p * kSteps + k]);
    for (std::size_t p = 1; p < kPaths; ++p) {
      EXPECT_EQ(before[p * kSteps + k] > before[k], values[p] > values[0]);
    }
    std::ranges::sort(values);
    for (std::size_t j = 0; j < kProbabilities.size(); ++j) {
      // Between neighbouring ranks the values are half a unit apart at most.
      EXPECT_NEAR(sample_quantile(values, kProbabilities[j]),
                  static_cast<double>(quantiles[k * kProbabilities.size() + j]), 0.5);
    }
  }
}

TEST(FollowQuantiles, PathsThatAreAlikeTakeRanksThatDoNotHangTogether) {
  std::vector<double> paths(2 * 1000, 0.0);
  const std::vector<float> quantiles = {-1.2816f, -0.6745f, 0, 0.6745f, 1.2816f,
                                        -1.2816f, -0.6745f, 0, 0.6745f, 1.2816f};
  follow_quantiles(quantiles, scores_of(kProbabilities), 1, 2, paths, kSteps);
  double product = 0, squares = 0;
  for (std::size_t p = 0; p < 1000; ++p) {
    product += paths[2 * p] * paths[2 * p + 1], squares += paths[2 * p] * paths[2 * p];
  }
  EXPECT_GT(squares / 1000, 0.8);
  EXPECT_NEAR(product / squares, 0, 4 / std::sqrt(1000.0));
}

TEST(CountedQuantile, IsAValueThatIsThere) {
  const std::vector<double> values = {0, 0, 1, 3};
  EXPECT_EQ(counted_quantile(values, 0.5), 0);
  EXPECT_EQ(counted_quantile(values, 0.51), 1);
  EXPECT_EQ(counted_quantile(values, 0.75), 1);
  EXPECT_EQ(counted_quantile(values, 0.9), 3);
}

TEST(PathStreams, AreOfSeriesTargetAndTime) {
  const Catalog catalog(testing::daily_parts(testing::weekly_series(2, 30)));
  const std::vector<Window> windows = {{.origin = 10, .series = 0},
                                       {.origin = 11, .series = 0},
                                       {.origin = 10, .series = 1},
                                       {.origin = 10, .series = 0}};
  const std::vector<std::uint64_t> streams = path_streams(catalog, 1, windows);
  ASSERT_EQ(streams.size(), 4u);
  EXPECT_EQ(streams[0], streams[3]);
  EXPECT_NE(streams[0], streams[1]);
  EXPECT_NE(streams[0], streams[2]);
  CatalogParts parts = testing::daily_parts(testing::weekly_series(2, 30));
  parts.channels.push_back({"returns", Role::target, parts.channels[0].values});
  const std::vector<std::uint64_t> of_two = path_streams(Catalog(std::move(parts)), 2, windows);
  ASSERT_EQ(of_two.size(), 8u);
  EXPECT_EQ(of_two[0], streams[0]);
  EXPECT_NE(of_two[0], of_two[1]);
}

}  // namespace
}  // namespace sluice
