#include "run/calibration/outputs.hpp"

#include <gtest/gtest.h>

#include "support/catalogs.hpp"

namespace sluice {
namespace {

TEST(NeverNegative, LooksAtAllValuesUpToTheOriginAndAtNoLaterOne) {
  std::vector<float> values(400, 2.0f);
  values[7] = testing::kMissing;
  values[130] = values[300] = -1;
  const Catalog catalog{testing::daily_parts({values})};
  CatalogParts parts = testing::daily_parts({values});
  parts.value_offset = {1.5};
  const Catalog beside(std::move(parts));  // y is never below 0.5
  const Model model;
  const auto is_never = [&](const Catalog& of, std::int64_t origin) {
    return never_negative(model, of, 0, {.origin = origin, .series = 0});
  };
  EXPECT_TRUE(is_never(catalog, 129));
  EXPECT_FALSE(is_never(catalog, 130));
  EXPECT_FALSE(is_never(catalog, 131));
  EXPECT_FALSE(is_never(catalog, 399));
  EXPECT_TRUE(is_never(beside, 399));
}

}  // namespace
}  // namespace sluice
