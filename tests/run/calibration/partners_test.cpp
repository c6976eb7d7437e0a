// What simple methods do to the quantiles of a forecast.
#include "run/calibration/partners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;

class AddPartners : public ::testing::Test {
 protected:
  /// Of one step: seasonal naive, which says 3, has half of it.
  WindowForecasts mixed(Loss loss, WindowForecasts forecasts, double offset = 0) const {
    CatalogParts parts =
        testing::daily_parts({std::vector<float>(30, static_cast<float>(3 - offset))});
    if (offset != 0) parts.value_offset.assign(1, offset);
    const Catalog catalog(std::move(parts));
    ModelSpec spec;
    spec.loss = loss;
    const std::vector<Partner> partners = {{kSeasonalNaive, {0.5}}};
    const std::vector<Window> windows = {{.origin = 29, .series = 0}};
    add_partners(partners, spec, 7, catalog, windows, 1, forecasts);
    return forecasts;
  }
};

TEST_F(AddPartners, QuantilesMoveWithTheirMedian) {
  const WindowForecasts out =
      mixed(Loss::quantile, {.values = {0, 1, 3}, .mean = {}, .nonnegative = {}, .paths = {}});
  EXPECT_THAT(out.values, ElementsAre(1, 2, 4));
}

// The mean of 1 becomes 2. A share of 50 % and more at 0 is no less for it.
TEST_F(AddPartners, OfACountZerosStayAndOthersGrowWithTheMean) {
  for (const Loss loss : {Loss::negative_binomial, Loss::poisson, Loss::tweedie}) {
    const WindowForecasts out =
        mixed(loss, {.values = {0, 0, 3}, .mean = {1}, .nonnegative = {}, .paths = {}});
    EXPECT_THAT(out.values, ElementsAre(0, 0, 6));
    EXPECT_THAT(out.mean, ElementsAre(2));
  }
}

TEST_F(AddPartners, ZeroIsThatOfTheValuesAndNotOfWhatIsStored) {
  const WindowForecasts out = mixed(
      Loss::tweedie, {.values = {-8, -8, -5}, .mean = {-7}, .nonnegative = {}, .paths = {}}, 8);
  EXPECT_THAT(out.values, ElementsAre(-8, -8, -2));
  EXPECT_THAT(out.mean, ElementsAre(-6));
}

TEST_F(AddPartners, OfAnyNumberAllQuantilesMoveAlike) {
  const WindowForecasts out =
      mixed(Loss::student_t, {.values = {0, 1, 3}, .mean = {1}, .nonnegative = {}, .paths = {}});
  EXPECT_THAT(out.values, ElementsAre(1, 2, 4));
}

}  // namespace
}  // namespace sluice
