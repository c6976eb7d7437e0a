#include "sluice/data/window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "sluice/base/error.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

Catalog catalog_of(const std::vector<int>& lengths) {
  std::vector<std::vector<float>> series;
  for (const int n : lengths) series.emplace_back(static_cast<std::size_t>(n), 1.0f);
  return Catalog(testing::daily_parts(series));
}

std::vector<std::int64_t> histories(const Catalog& c) {
  std::vector<std::int64_t> end;
  for (std::int64_t s = 0; s < c.series_count(); ++s) end.push_back(c.history(s));
  return end;
}

TEST(Split, CutsByTimeFromTheEndInSharesOrSteps) {
  const Catalog c = catalog_of({100, 10});
  const Split shares = split_by_time(c, {0.2, 0.1});
  EXPECT_EQ(shares.train_end, (std::vector<std::int64_t>{70, 7}));
  EXPECT_EQ(shares.valid_end, (std::vector<std::int64_t>{90, 9}));
  EXPECT_EQ(shares.test_end, (std::vector<std::int64_t>{100, 10}));
  const Split steps = split_by_time(c, {7, 7});
  EXPECT_EQ(steps.train_end, (std::vector<std::int64_t>{86, 0}));  // the short one keeps its test
  EXPECT_EQ(steps.valid_end, (std::vector<std::int64_t>{93, 3}));
}

TEST(Split, AnEarlierEndTakesThePlaceOfTheHistorys) {
  const Catalog c = catalog_of({100});
  const std::vector<std::int64_t> end = {60};
  const Split split = split_by_time(c, {10, 0}, end);
  EXPECT_EQ(split.train_end[0], 50);
  EXPECT_EQ(split.test_end[0], 60);
}

TEST(Split, RefusesToLeaveNothingToTrainOn) {
  const Catalog c = catalog_of({10});
  EXPECT_THROW(split_by_time(c, {5, 5}), ConfigError);
  EXPECT_THROW(split_by_time(c, {-1, 0}), ConfigError);
}

TEST(TrainingPlan, HasEveryOriginThatStillHasATargetBeforeTheEnd) {
  const Catalog c = catalog_of({20, 8});
  const std::vector<std::int64_t> end = {15, 8};
  const TrainingPlan plan(c, end, {.T = 5, .K = 3});
  // Origins 4..13 of the first (targets from 5, the last one at 14), 4..6 of the second.
  EXPECT_EQ(plan.size(), 10 + 3);
  EXPECT_EQ(plan.window(0), (Window{4, 0, 0}));
  EXPECT_EQ(plan.window(9), (Window{13, 0, 0}));
  EXPECT_EQ(plan.window(12), (Window{6, 1, 0}));
}

TEST(TrainingPlan, PadsSeriesShorterThanAWindowAndSkipsAndReportsTooShortOnes) {
  const Catalog c = catalog_of({3, 40, 6});
  const TrainingPlan plan(c, histories(c), {.T = 10, .K = 2, .stride = 1, .min_history = 5});
  EXPECT_EQ(plan.series_used(), 2);
  EXPECT_EQ(plan.series_skipped(), 1);
  EXPECT_THAT(plan.skip_note(), HasSubstr("1 of 3 series skipped: fewer than 5 training steps"));
  EXPECT_THAT(plan.skip_note(), HasSubstr("s0, has 3"));
  const Catalog with_new = catalog_of({3, 40, 0, 0});
  EXPECT_EQ(
      TrainingPlan(with_new, histories(with_new), {.T = 10, .K = 2, .min_history = 5}).skip_note(),
      "3 of 4 series skipped: 2 without any target value; the others: fewer than 5 training "
      "steps (the shortest, s0, has 3)");
  EXPECT_EQ(plan.window(plan.size() - 1), (Window{4, 2, 0}));
  try {
    TrainingPlan(c, histories(c), {.T = 10, .K = 2, .stride = 1, .min_history = 99});
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("lower data.min_history"));
  }
}

TEST(TrainingPlan, StrideKeepsTheLatestOrigin) {
  const Catalog c = catalog_of({20});
  const TrainingPlan plan(c, histories(c), {.T = 5, .K = 1, .stride = 4});
  std::vector<std::int64_t> origins;
  for (std::int64_t i = 0; i < plan.size(); ++i) origins.push_back(plan.window(i).origin);
  EXPECT_EQ(origins, (std::vector<std::int64_t>{6, 10, 14, 18}));
}

TEST(EpochOrder, IsABijectionAndAFunctionOfSeedAndEpoch) {
  for (const std::int64_t n : {1, 2, 5, 64, 1000, 4097}) {
    const EpochOrder order(7, 3, n);
    std::set<std::int64_t> seen;
    for (std::int64_t i = 0; i < n; ++i) seen.insert(order(i));
    EXPECT_EQ(static_cast<std::int64_t>(seen.size()), n);
    EXPECT_EQ(*seen.begin(), 0);
    EXPECT_EQ(*seen.rbegin(), n - 1);
  }
  const EpochOrder a(7, 3, 1000), b(7, 3, 1000), other_epoch(7, 4, 1000), other_seed(8, 3, 1000);
  int same_epoch = 0, same_seed = 0, fixed = 0;
  for (std::int64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(a(i), b(i));
    same_epoch += a(i) == other_epoch(i) ? 1 : 0;
    same_seed += a(i) == other_seed(i) ? 1 : 0;
    fixed += a(i) == i ? 1 : 0;
  }
  // About one of a thousand places agrees by chance.
  EXPECT_LT(same_epoch, 12);
  EXPECT_LT(same_seed, 12);
  EXPECT_LT(fixed, 12);
}

TEST(EpochOrder, ReachesBeyondTwoToTheThirtyOne) {
  const std::int64_t n = (std::int64_t{1} << 33) + 5;
  const EpochOrder order(1, 0, n);
  bool beyond = false;
  for (std::int64_t i = n - 20; i < n; ++i) {
    const std::int64_t at = order(i);
    ASSERT_GE(at, 0);
    ASSERT_LT(at, n);
    beyond = beyond || at > (std::int64_t{1} << 31);
  }
  EXPECT_TRUE(beyond);
}

TEST(TrainingPlan, AnEpochTakesEveryWindowOnce) {
  const Catalog c = catalog_of({30, 25, 12});
  const TrainingPlan plan(c, histories(c), {.T = 5, .K = 2});
  std::vector<Window> batch;
  std::map<std::pair<std::int32_t, std::int64_t>, int> count;
  const std::int64_t batches = (plan.size() + 7) / 8;
  for (std::int64_t b = 0; b < batches; ++b) {
    plan.batch(1, 0, b, 8, batch);
    EXPECT_LE(batch.size(), 8u);
    for (const Window& w : batch) ++count[{w.series, w.origin}];
  }
  EXPECT_EQ(static_cast<std::int64_t>(count.size()), plan.size());
  for (const auto& [window, times] : count) EXPECT_EQ(times, 1);
}

TEST(TrainingPlan, SamplingBySeriesDrawsShortAndLongSeriesAlike) {
  const Catalog c = catalog_of({400, 20});
  const TrainingPlan plan(c, histories(c), {.T = 5, .K = 2});
  std::vector<Window> batch;
  int shorter = 0;
  for (std::int64_t step = 0; step < 100; ++step) {
    plan.batch_by_series(1, step, 32, batch);
    for (const Window& w : batch) shorter += w.series == 1 ? 1 : 0;
  }
  // Binomial(3200, 1/2): five standard deviations are 141.
  EXPECT_NEAR(shorter, 1600, 141);
}

TEST(TrainingPlan, CarriedSlotsWalkASeriesWindowAfterWindow) {
  const Catalog c = catalog_of({41, 23, 35});
  const TrainingPlan plan(c, histories(c),
                          {.T = 5, .K = 1, .stride = 1, .min_history = 2, .carry_state = true});
  std::vector<Window> before, now;
  const std::int64_t batches = plan.batches_carried(2);
  std::set<std::pair<std::int32_t, std::int64_t>> seen;
  for (std::int64_t b = 0; b < batches; ++b) {
    plan.batch_carried(3, 0, b, 2, now);
    ASSERT_EQ(now.size(), 2u);
    for (std::size_t n = 0; n < 2; ++n) {
      seen.insert({now[n].series, now[n].origin});
      if (now[n].continues == 0) {
        EXPECT_LT(now[n].origin, 5);
        continue;
      }
      EXPECT_EQ(now[n].series, before[n].series);
      EXPECT_EQ(now[n].origin, before[n].origin + 5);
    }
    before = now;
  }
  EXPECT_EQ(seen.size(), 8u + 4u + 6u);  // all chains, whole windows only
}

TEST(TrainingPlan, CarriedSlotsOfOneSeriesDifferInPhase) {
  const Catalog c = catalog_of({41});
  const TrainingPlan plan(c, histories(c),
                          {.T = 8, .K = 1, .stride = 1, .min_history = 2, .carry_state = true});
  std::vector<Window> batch;
  plan.batch_carried(3, 0, 0, 4, batch);
  std::set<std::int64_t> origins;
  for (const Window& w : batch) origins.insert(w.origin);
  EXPECT_EQ(origins, (std::set<std::int64_t>{7, 9, 11, 13}));
}

TEST(Thinned, KeepsWindowsAtEvenDistances) {
  std::vector<Window> windows;
  for (int origin = 0; origin < 10; ++origin) windows.push_back({.origin = origin});
  const std::vector<Window> four = thinned(windows, 4);
  std::vector<std::int64_t> origins;
  for (const Window& w : four) origins.push_back(w.origin);
  EXPECT_EQ(origins, (std::vector<std::int64_t>{0, 2, 5, 7}));
  EXPECT_EQ(thinned(windows, 10), windows);
  EXPECT_EQ(thinned(windows, 11), windows);
  EXPECT_TRUE(thinned({}, 3).empty());
}

TEST(WindowsAt, LeavesOutSeriesWithoutACutoff) {
  const std::vector<std::int64_t> cutoff = {5, -1, 0, 1};
  const std::vector<Window> windows = windows_at(cutoff);
  EXPECT_EQ(windows, (std::vector<Window>{{4, 0, 0}, {0, 3, 0}}));
}

TEST(DrawPasts, IsAFunctionOfSeedStepAndPlace) {
  std::vector<Window> a(1000), b(1000), c(1000);
  draw_pasts(7, 3, 0.25, a);
  draw_pasts(7, 3, 0.25, b);
  draw_pasts(7, 4, 0.25, c);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  // The standard deviation is 13.7.
  EXPECT_NEAR(static_cast<double>(std::ranges::count_if(a, &Window::drawn)), 250, 70);
  std::vector<Window> fewer(10), none(3), all(3);
  draw_pasts(7, 3, 0.25, fewer);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), a.begin()));
  draw_pasts(7, 3, 0, none);
  EXPECT_EQ(none, std::vector<Window>(3));
  draw_pasts(7, 3, 1, all);
  EXPECT_EQ(std::ranges::count_if(all, &Window::drawn), 3);
}

}  // namespace
}  // namespace sluice
