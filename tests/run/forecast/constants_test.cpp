// Series that have had one value throughout.
#include "run/forecast/constants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(KeepConstants, GivesThatValueToAllOutputsAndToThePaths) {
  const Catalog catalog{testing::daily_parts({{1, 2, 3, 4}, {5, 5, 5, 5}})};
  ModelSpec spec;
  spec.T = 3, spec.K = 2, spec.M = 1;
  WindowForecasts made;
  made.values.assign(2 * 2 * 3, 7);  // [N, K, M, J]
  made.mean.assign(2 * 2, 8);
  made.paths.assign(2 * 4 * 2, 9);  // [N, paths, K, M]
  std::vector<Window> windows(2);
  windows[0].origin = windows[1].origin = 3;
  windows[1].series = 1;
  keep_constants(spec, catalog, windows, 3, made);
  EXPECT_THAT(made.mean, ElementsAre(8, 8, 5, 5));
  EXPECT_THAT(std::vector<float>(made.values.begin(), made.values.begin() + 6), Each(7));
  EXPECT_THAT(std::vector<float>(made.values.begin() + 6, made.values.end()), Each(5));
  EXPECT_THAT(std::vector<float>(made.paths.begin(), made.paths.begin() + 8), Each(9));
  EXPECT_THAT(std::vector<float>(made.paths.begin() + 8, made.paths.end()), Each(5));
}

}  // namespace
}  // namespace sluice
