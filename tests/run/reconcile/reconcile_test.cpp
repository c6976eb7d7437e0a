// Forecasts of a hierarchy: they add up, no part is summed in silence, intervals keep what they
// promise.
#include "run/reconcile/reconcile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "data/hierarchy/sums.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;

constexpr int kDays = 20;

/// `stores` x `items` series of 1, with the levels total, store, item.
Catalog catalog_of(int stores, int items, const std::function<void(CatalogParts&)>& change = {}) {
  std::vector<std::vector<float>> values(static_cast<std::size_t>(stores * items),
                                         std::vector<float>(kDays, 1.0f));
  CatalogParts parts = testing::daily_parts(values);
  StaticCategory store{"store", {"unknown"}, {}}, item{"item", {"unknown"}, {}};
  for (int i = 0; i < stores; ++i) store.vocabulary.push_back("S" + std::to_string(i));
  for (int i = 0; i < items; ++i) item.vocabulary.push_back("I" + std::to_string(i));
  for (int s = 0; s < stores * items; ++s) {
    store.codes.push_back(1 + s / items);
    item.codes.push_back(1 + s % items);
  }
  parts.static_categories = {store, item};
  if (change) change(parts);
  CatalogNotes notes;
  return with_sums(Catalog(std::move(parts)), {"total", "store", "item"}, notes);
}

/// One step ahead of every series: `middle` of each, and 0.8 below and 1.3 above it.
Forecasts forecasts_of(const Catalog& catalog, const std::vector<double>& middle) {
  Forecasts f;
  f.K = f.M = 1;
  f.probabilities = {0.1, 0.5, 0.9};
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const double y = middle[static_cast<std::size_t>(s)];
    f.series.push_back(static_cast<std::int32_t>(s));
    f.cutoff.push_back(catalog.history(s));
    for (const double q : {y - 0.8, y, y + 1.3}) f.values.push_back(static_cast<float>(q));
    f.nonnegative.push_back(0);
  }
  return f;
}

std::vector<double> ramp(const Catalog& catalog) {
  std::vector<double> middle(static_cast<std::size_t>(catalog.series_count()));
  std::iota(middle.begin(), middle.end(), 3.0);
  return middle;
}

std::vector<std::string> ids_of(const Catalog& catalog, const Forecasts& f) {
  std::vector<std::string> ids;
  for (const std::int32_t s : f.series) ids.push_back(catalog.id(s));
  return ids;
}

/// The largest difference of a sum from its series, over all sums that are there.
double worst_sum(const Catalog& catalog, const Forecasts& f) {
  std::vector<double> of_series(static_cast<std::size_t>(catalog.series_count()), 0);
  for (std::size_t r = 0; r < f.series.size(); ++r) {
    of_series[static_cast<std::size_t>(f.series[r])] = f.point(r, 0, 0);
  }
  double worst = 0;
  for (const auto& level : catalog.hierarchy().levels) {
    for (std::size_t r = 0; r < f.series.size(); ++r) {
      if (f.series[r] < level.first || f.series[r] >= level.first + level.count) continue;
      double sum = 0;
      for (std::size_t s = 0; s < level.sum_of.size(); ++s) {
        if (level.sum_of[s] == f.series[r]) sum += of_series[s];
      }
      worst = std::max(worst, std::abs(sum - f.point(r, 0, 0)) / std::max(1.0, std::abs(sum)));
    }
  }
  return worst;
}

TEST(Reconcile, MakesEveryMethodsForecastsAddUpToADoublesRounding) {
  const Catalog catalog = catalog_of(4, 5);
  const std::vector<double> variance(static_cast<std::size_t>(catalog.series_count()), 2.0);
  std::vector<double> errors;
  for (std::size_t i = 0; i < 3 * variance.size(); ++i) {
    errors.push_back(static_cast<double>(i * 7 % 11) - 4);
  }
  const ShrunkCovariance covariance = shrunk_covariance(errors, 3);
  ASSERT_EQ(covariance.rank, 3u);
  for (const auto method : {Reconciliation::bottom_up, Reconciliation::wls_struct,
                            Reconciliation::wls_var, Reconciliation::mint_shrink}) {
    Forecasts f = forecasts_of(catalog, ramp(catalog));
    EXPECT_GT(worst_sum(catalog, f), 0.1);
    reconcile(catalog, {.method = method, .variance = variance, .covariance = {&covariance, 1}}, f);
    EXPECT_LT(worst_sum(catalog, f), 1e-12);
    EXPECT_TRUE(f.left_out.empty());
  }
}

TEST(Reconcile, BottomUpKeepsTheSeriesAndWlsMovesBoth) {
  const Catalog catalog = catalog_of(2, 3);
  Forecasts up = forecasts_of(catalog, ramp(catalog)), wls = up;
  reconcile(catalog, {.method = Reconciliation::bottom_up}, up);
  reconcile(catalog, {.method = Reconciliation::wls_struct, .keep_beside = true}, wls);
  EXPECT_EQ(up.point(0, 0, 0), 3);
  EXPECT_EQ(up.point(6, 0, 0), 3 + 4 + 5 + 6 + 7 + 8);
  EXPECT_NE(wls.point(0, 0, 0), 3);
  ASSERT_EQ(wls.beside.size(), 2u);
  EXPECT_EQ(wls.beside[0].name, "sluice base");
  EXPECT_EQ(wls.beside[0].points[6], 9);  // 3 and six series
  EXPECT_EQ(wls.beside[1].name, "sluice bottom-up");
  EXPECT_EQ(wls.beside[1].points[6], 33);
  EXPECT_GT(wls.point(6, 0, 0), 9);
  EXPECT_LT(wls.point(6, 0, 0), 33);
}

// Two series, 10 and 20, whose total is forecast as 36: the 6 are shared by the variances 1, 2, 3.
TEST(Reconcile, SharesADifferenceByVariances) {
  CatalogParts parts =
      testing::daily_parts({std::vector<float>(9, 1.0f), std::vector<float>(9, 1.0f)});
  CatalogNotes notes;
  const Catalog catalog = with_sums(Catalog(std::move(parts)), {"total"}, notes);
  const std::vector<double> variance = {1, 2, 3};
  Forecasts f = forecasts_of(catalog, {10, 20, 36});
  reconcile(catalog, {.method = Reconciliation::wls_var, .variance = variance}, f);
  EXPECT_NEAR(f.point(0, 0, 0), 11, 1e-6);
  EXPECT_NEAR(f.point(1, 0, 0), 22, 1e-6);
  EXPECT_NEAR(f.point(2, 0, 0), 33, 1e-6);
  // By the number of series: 1, 1 and 2.
  f = forecasts_of(catalog, {10, 20, 36});
  reconcile(catalog, {.method = Reconciliation::wls_struct}, f);
  EXPECT_NEAR(f.point(0, 0, 0), 11.5, 1e-6);
  EXPECT_NEAR(f.point(2, 0, 0), 33, 1e-6);
  EXPECT_NEAR(f.y(2, 0, 0, 0), 33 - 0.8, 1e-5);  // the interval moves with its point
  EXPECT_NEAR(f.y(2, 0, 0, 2), 33 + 1.3, 1e-5);
}

/// Two stores of two items; errors of total, stores and items that add up to 0, since the other
/// program centres them.
TEST(Reconcile, WithShrunkCovarianceGivesTheNumbersOfHierarchicalforecast) {
  const Catalog catalog = [] {
    std::vector<std::vector<float>> values(4, std::vector<float>(9, 1.0f));
    CatalogParts parts = testing::daily_parts(values);
    parts.static_categories.push_back({"store", {"unknown", "A", "B"}, {1, 1, 2, 2}});
    CatalogNotes notes;
    return with_sums(Catalog(std::move(parts)), {"total", "store"}, notes);
  }();
  const std::vector<double> errors = {2, -1, 1, -2, 1,  -1, 1, 1,  -1, -2, 1, 0,  2, -2,
                                      0, -1, 2, -1, -1, -1, 2, 0,  1,  -1, 5, -3, 2, -6,
                                      4, -2, 3, -1, 1,  -4, 2, -1, 1,  -3, 2, -1, 3, -2};
  const ShrunkCovariance covariance = shrunk_covariance(errors, 6);
  Forecasts f = forecasts_of(catalog, {21, 24, 33, 29, 112, 47, 60});
  reconcile(catalog, {.method = Reconciliation::mint_shrink, .covariance = {&covariance, 1}}, f);
  // MinTrace("mint_shrink") of hierarchicalforecast 1.5.3, which adds 2e-8 to what it divides by.
  const double expected[] = {21.36508018, 24.37209193, 32.62553543, 29.02358596,
                             107.3862935, 45.73717211, 61.64912139};
  for (std::size_t r = 0; r < 7; ++r) {
    // Points have the digits of a float.
    EXPECT_NEAR(f.point(r, 0, 0), expected[r], r < 4 ? 2e-6 : 8e-6) << r;
  }
}

// 10 and 20 with the total 36: what is not known of the second is taken from the first, by size.
TEST(Reconcile, TakesAVarianceThatIsNotKnownToGrowWithTheForecast) {
  CatalogParts parts =
      testing::daily_parts({std::vector<float>(9, 1.0f), std::vector<float>(9, 1.0f)});
  CatalogNotes notes;
  const Catalog catalog = with_sums(Catalog(std::move(parts)), {"total"}, notes);
  const std::vector<double> variance = {1, 2, 3}, half = {1, std::nan(""), 3};
  Forecasts known = forecasts_of(catalog, {10, 20, 36}), unknown = known;
  reconcile(catalog, {.method = Reconciliation::wls_var, .variance = variance}, known);
  reconcile(catalog, {.method = Reconciliation::wls_var, .variance = half}, unknown);
  EXPECT_EQ(known.coherent, unknown.coherent);
}

TEST(Reconcile, MovesASmallSeriesLittleThoughItNeverErred) {
  CatalogParts parts =
      testing::daily_parts({std::vector<float>(9, 1.0f), std::vector<float>(9, 1.0f)});
  CatalogNotes notes;
  const Catalog catalog = with_sums(Catalog(std::move(parts)), {"total"}, notes);
  const std::vector<double> variance = {0, 1000, 1000};
  Forecasts f = forecasts_of(catalog, {1, 1000, 1201});
  reconcile(catalog, {.method = Reconciliation::wls_var, .variance = variance}, f);
  EXPECT_GT(f.point(0, 0, 0), 1);
  EXPECT_LT(f.point(0, 0, 0), 1.01);
  EXPECT_NEAR(f.point(1, 0, 0), 1100, 0.01);
}

TEST(Reconcile, TakesOutSumsOfWhichASeriesHasNoForecastAndNamesIt) {
  const Catalog catalog = catalog_of(2, 3);  // s0 .. s5, total, S0, S1, I0, I1, I2
  Forecasts f = forecasts_of(catalog, ramp(catalog));
  const auto drop = [&](std::size_t r) {
    f.series.erase(f.series.begin() + static_cast<std::ptrdiff_t>(r));
    f.cutoff.erase(f.cutoff.begin() + static_cast<std::ptrdiff_t>(r));
    f.nonnegative.erase(f.nonnegative.begin() + static_cast<std::ptrdiff_t>(r));
    f.values.erase(f.values.begin() + static_cast<std::ptrdiff_t>(3 * r),
                   f.values.begin() + static_cast<std::ptrdiff_t>(3 * r + 3));
  };
  drop(1);
  for (const std::int32_t s : f.series) {  // two sample paths each
    f.paths.insert(f.paths.end(), {static_cast<float>(s), static_cast<float>(s) + 0.5f});
  }
  reconcile(catalog, {.method = Reconciliation::wls_struct}, f);
  EXPECT_THAT(ids_of(catalog, f),
              ElementsAre("s0", "s2", "s3", "s4", "s5", "store=S1", "item=I0", "item=I2"));
  ASSERT_EQ(f.paths.size(), 2 * f.series.size());
  for (std::size_t r = 0; r < f.series.size(); ++r) {
    EXPECT_EQ(f.paths[2 * r + 1], static_cast<float>(f.series[r]) + 0.5f);
  }
  ASSERT_EQ(f.left_out.size(), 3u);
  EXPECT_EQ(f.left_out[0].id, "total");
  EXPECT_EQ(f.left_out[0].reason, "1 of its series has no forecast: s1");
  EXPECT_EQ(f.left_out[1].id, "store=S0");
  EXPECT_LT(worst_sum(catalog, f), 1e-12);
  EXPECT_EQ(f.values.size(), 8u * 3u);
}

TEST(Reconcile, CountsSeriesThatAreOverOrNotYetThereAsZero) {
  const Catalog catalog = catalog_of(2, 3, [](CatalogParts& parts) {
    parts.ended = {1, 0, 0, 0, 0, 0};
    parts.history = {5, kDays, kDays, kDays, kDays, 0};  // s5: only in path.future
  });
  Forecasts all = forecasts_of(catalog, ramp(catalog));
  Forecasts f;
  f.K = f.M = 1;
  f.probabilities = all.probabilities;
  for (std::size_t r = 0; r < all.series.size(); ++r) {
    if (all.series[r] == 0 || all.series[r] == 5) continue;
    f.series.push_back(all.series[r]);
    f.cutoff.push_back(all.cutoff[r]);
    f.values.insert(f.values.end(), all.values.begin() + static_cast<std::ptrdiff_t>(3 * r),
                    all.values.begin() + static_cast<std::ptrdiff_t>(3 * r + 3));
  }
  Forecasts with_new = f;
  reconcile(catalog, {.method = Reconciliation::bottom_up}, f);
  EXPECT_TRUE(f.left_out.empty());
  EXPECT_EQ(f.point(4, 0, 0), 4 + 5 + 6 + 7);  // the total: s1 to s4
  // A new item that should have had a forecast is another matter.
  reconcile(catalog, {.method = Reconciliation::bottom_up, .new_items = true}, with_new);
  ASSERT_EQ(with_new.left_out.size(), 3u);
  EXPECT_EQ(with_new.left_out[0].reason, "1 of its series has no forecast: s5");
}

TEST(Reconcile, LeavesOutWhatBeginsOnAnotherDay) {
  const Catalog catalog = catalog_of(2, 3);
  Forecasts f = forecasts_of(catalog, ramp(catalog));
  f.cutoff[4] -= 1;
  reconcile(catalog, {.method = Reconciliation::wls_struct}, f);
  ASSERT_EQ(f.left_out.size(), 3u);
  EXPECT_EQ(f.left_out[0].reason, "1 of its series has no forecast: s4");
  EXPECT_EQ(f.point(4, 0, 0), 7);  // its own forecast stays
}

TEST(Reconcile, ChangesNothingWhereItIsNotAskedFor) {
  const Catalog catalog = catalog_of(2, 3);
  const Forecasts before = forecasts_of(catalog, ramp(catalog));
  Forecasts f = before;
  reconcile(catalog, {.method = Reconciliation::none}, f);
  EXPECT_TRUE(f.coherent.empty());
  EXPECT_EQ(f.values, before.values);
  reconcile(catalog, {.method = Reconciliation::none, .keep_beside = true}, f);
  EXPECT_TRUE(f.coherent.empty());
  ASSERT_EQ(f.beside.size(), 1u);
  EXPECT_EQ(f.beside[0].points[6], 33);
}

TEST(Reconcile, KeepsNonnegativeSeriesAndTheirQuantilesFromFallingBelowZero) {
  const Catalog catalog = catalog_of(2, 3);
  std::vector<double> middle = ramp(catalog);
  middle = {0.2, 0.2, 5, 6, 7, 8, 4, 2, 3, 2, 1, 3};  // sums far below their series
  Forecasts f = forecasts_of(catalog, middle);
  for (float& q : f.values) q = std::max(q, 0.0f);
  std::fill(f.nonnegative.begin(), f.nonnegative.end(), 1);
  reconcile(catalog, {.method = Reconciliation::wls_struct}, f);
  EXPECT_LT(worst_sum(catalog, f), 1e-12);
  EXPECT_EQ(std::ranges::min(f.coherent), 0);
  for (std::size_t r = 0; r < f.series.size(); ++r) {
    EXPECT_GE(f.y(r, 0, 0, 0), 0);
    EXPECT_LE(f.y(r, 0, 0, 0), f.y(r, 0, 0, 1));
    EXPECT_LE(f.y(r, 0, 0, 1), f.y(r, 0, 0, 2));
  }
}

TEST(Reconcile, CutsAQuantileThatMovesBelowZeroWhereNothingMayBe) {
  CatalogParts parts =
      testing::daily_parts({std::vector<float>(9, 1.0f), std::vector<float>(9, 1.0f)});
  CatalogNotes notes;
  const Catalog catalog = with_sums(Catalog(std::move(parts)), {"total"}, notes);
  const std::vector<double> variance = {1, 1, 0.01};
  Forecasts f = forecasts_of(catalog, {10, 20, 0.6});  // the total is sure of itself
  for (float& q : f.values) q = std::max(q, 0.0f);
  f.nonnegative = {1, 1, 0};
  reconcile(catalog, {.method = Reconciliation::wls_var, .variance = variance}, f);
  EXPECT_EQ(f.point(0, 0, 0), 0);
  EXPECT_NEAR(f.point(1, 0, 0), 0.8, 0.1);
  EXPECT_EQ(f.y(0, 0, 0, 0), 0);
  EXPECT_EQ(f.y(1, 0, 0, 0), 0);
  EXPECT_NEAR(f.y(1, 0, 0, 2), f.point(1, 0, 0) + 1.3, 1e-5);
}

// Rare sales: 0 is the likeliest day, so 0 must stay inside the interval when the mean rises.
TEST(Reconcile, KeepsAQuantileThatIsZeroThere) {
  const Catalog catalog = catalog_of(2, 3);
  std::vector<double> middle(12, 0.5);
  middle[6] = 9;  // the total is far above its series
  Forecasts f = forecasts_of(catalog, middle);
  for (float& q : f.values) q = std::max(q, 0.0f);
  f.mean.assign(12, 0.5f);
  f.mean[6] = 9;
  std::fill(f.nonnegative.begin(), f.nonnegative.end(), 1);
  reconcile(catalog, {.method = Reconciliation::wls_struct}, f);
  EXPECT_GT(f.point(0, 0, 0), 0.6);
  EXPECT_EQ(f.y(0, 0, 0, 0), 0);
  EXPECT_GT(f.y(0, 0, 0, 2), 1.9);
}

/// Bottom series with errors of their own and of their store; base forecasts know each number's
/// middle but for an error of their own, and its spread. 80 % of what comes should lie inside.
TEST(Reconcile, IntervalsOfSimulatedHierarchiesCoverWhatTheyPromise) {
  const Catalog catalog = catalog_of(5, 8);
  const auto S = static_cast<std::size_t>(catalog.series_count());
  const auto n = static_cast<std::size_t>(catalog.bottom_count());
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  std::vector<double> size(S, 1);
  for (const auto& level : catalog.hierarchy().levels) {
    for (std::int64_t s = level.first; s < level.first + level.count; ++s)
      size[static_cast<std::size_t>(s)] = 0;
    for (const std::int32_t sum : level.sum_of) ++size[static_cast<std::size_t>(sum)];
  }
  constexpr double kMisjudged = 0.5;  // of a base forecast, in standard deviations of its number
  std::vector<double> covered(2, 0), count(2, 0), base_error(2, 0), error(2, 0);  // series, sums
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> y(S, 0), middle(S, 0);
    for (std::size_t s = 0; s < n; ++s) {
      middle[s] = 20 + 5 * normal(random);
      y[s] = middle[s] + normal(random);
    }
    for (const auto& level : catalog.hierarchy().levels) {
      for (std::size_t s = 0; s < n; ++s) {
        y[static_cast<std::size_t>(level.sum_of[s])] += y[s];
        middle[static_cast<std::size_t>(level.sum_of[s])] += middle[s];
      }
    }
    Forecasts f;
    f.K = f.M = 1;
    f.probabilities = {0.1, 0.5, 0.9};
    std::vector<double> base;
    for (std::size_t s = 0; s < S; ++s) {
      const double spread = std::sqrt(size[s]),
                   guess = middle[s] + kMisjudged * spread * normal(random);
      const double half = 1.2815515655 * spread * std::sqrt(1 + kMisjudged * kMisjudged);
      base.push_back(guess);
      f.series.push_back(static_cast<std::int32_t>(s));
      f.cutoff.push_back(kDays);
      for (const double q : {guess - half, guess, guess + half})
        f.values.push_back(static_cast<float>(q));
    }
    reconcile(catalog, {.method = Reconciliation::wls_struct}, f);
    for (std::size_t s = 0; s < S; ++s) {
      const std::size_t of = s < n ? 0 : 1;
      covered[of] += f.y(s, 0, 0, 0) <= y[s] && y[s] <= f.y(s, 0, 0, 2) ? 1 : 0;
      ++count[of];
      base_error[of] += std::pow((base[s] - y[s]) / std::sqrt(size[s]), 2);
      error[of] += std::pow((f.point(s, 0, 0) - y[s]) / std::sqrt(size[s]), 2);
    }
  }
  for (const std::size_t of : {0u, 1u}) {
    // The points come nearer and the widths stay: a little more than promised, never less.
    EXPECT_GE(covered[of] / count[of], 0.79) << of;
    EXPECT_LE(covered[of] / count[of], 0.87) << of;
    EXPECT_LT(error[of], base_error[of]) << of;
  }
}

}  // namespace
}  // namespace sluice
