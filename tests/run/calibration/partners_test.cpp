// What simple methods do to the quantiles of a forecast.
#include "run/calibration/partners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
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

// Two series and partners: which of the points is whose.
TEST(AddPartnerPoints, DoesWhatAddPartnersDoesWithWhatTheyForecast) {
  std::vector<std::vector<float>> values(2);
  for (int t = 0; t < 40; ++t) {
    values[0].push_back(static_cast<float>(5 + t % 7));
    values[1].push_back(static_cast<float>(90 - t + t % 3));
  }
  const Catalog catalog(testing::daily_parts(values));
  ModelSpec spec;
  spec.loss = Loss::quantile;
  spec.K = 2;
  const std::vector<Partner> partners = {{"theta", {0.5, 0.25}}, {kSeasonalNaive, {0.25, 0.125}}};
  const std::vector<Window> windows = {{.origin = 29, .series = 0}, {.origin = 37, .series = 1}};
  const WindowForecasts before = {.values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                                  .mean = {},
                                  .nonnegative = {},
                                  .paths = {}};
  WindowForecasts wanted = before, found = before;
  add_partners(partners, spec, 7, catalog, windows, 1, wanted);
  const std::vector<std::string> names = {partners[0].method, partners[1].method};
  const std::vector<double> points = PartnerMethods(names, 7, 2).forecast(catalog, windows);
  add_partner_points(partners, spec, catalog, windows, points, 1, found);
  EXPECT_EQ(found.values, wanted.values);
  EXPECT_NE(found.values, before.values);
}

}  // namespace
}  // namespace sluice
