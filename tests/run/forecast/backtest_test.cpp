// What an evaluation scores, and what it says of the rest.
#include "sluice/run/backtest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <thread>

#include "model/simple/methods.hpp"
#include "run/interrupt.hpp"
#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/report.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kMissing;
using testing::quick_config;
using testing::quick_model;

TEST(Backtest, ScoresOnlyWhatCanBeForecastAndNamesTheRest) {
  auto series = testing::weekly_series(5, 60);
  series[1].resize(3);                                      // no longer than the horizon
  series[2].resize(50);                                     // ended
  std::fill(series[3].begin(), series[3].end(), kMissing);  // no history
  CatalogParts parts = testing::daily_parts(series);
  const auto steps = static_cast<std::size_t>(parts.offsets.back());
  parts.channels.push_back({"price", Role::future, std::vector<float>(steps, 2)});
  parts.channels[1].values.back() = kMissing;  // s4, its last step
  parts.ended = {0, 0, 1, 0, 0};
  const Catalog catalog(std::move(parts));
  const Config c = quick_config();
  const Model model = quick_model(c, catalog);
  const EvaluationReport report = backtest(c, catalog, &model).report;
  EXPECT_THAT(report.row_names, ElementsAre("s0"));
  EXPECT_EQ(report.series, 1);
  EXPECT_EQ(report.windows, 1);
  for (const MethodReport& method : report.methods) {
    EXPECT_EQ(method.rows.size(), 1u);
    EXPECT_EQ(method.total.points, 3) << method.name;
  }
  std::vector<std::string> reasons;
  for (const LeftOut& one : report.left_out) reasons.push_back(one.id + ": " + one.reason);
  EXPECT_THAT(reasons, ElementsAre("s1: 3 steps, no more than the horizon",
                                   "s2: ended 2024-02-19, 10 steps before the others",
                                   "s3: no history", "s4: no price for 2024-02-29"));
}

// Theta has no part that another method shares, so its rows are what simple_forecast gives.
TEST(Backtest, PutsTheMethodsAskedForBesideTheModelAtEveryOrigin) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(3, 60))};
  Config c = quick_config();
  c.evaluate.n_windows = 2;
  c.evaluate.methods = {"theta", "ets+theta", "tsb"};
  const Model model = quick_model(c, catalog);
  int rows = 0;
  BacktestOptions options;
  options.scored = [&](const ScoredRow& row) {
    ++rows;
    const auto history = catalog.values(0, row.series).first(static_cast<std::size_t>(row.cutoff));
    const std::vector<double> y(history.begin(), history.end());
    ASSERT_EQ(row.methods.size(), 7u * 3);  // the model, three naive ones, three asked for; 3 steps
    const auto is = [&](std::size_t method, simple::Method asked) {
      const std::vector<double> points = simple::simple_forecast(asked, y, 7, 3).points;
      EXPECT_THAT(row.methods.subspan(method * 3, 3), ::testing::ElementsAreArray(points));
    };
    is(4, simple::Method::theta);
    is(5, simple::Method::ets_theta);
    is(6, simple::Method::tsb);
  };
  const EvaluationReport report = backtest(c, catalog, &model, options).report;
  EXPECT_EQ(rows, 6);
  std::vector<std::string> names;
  for (const MethodReport& method : report.methods) {
    names.push_back(method.name);
    EXPECT_EQ(method.total.points, 18) << method.name;
    EXPECT_EQ(method.processor_seconds > 0, names.size() > 4) << method.name;
  }
  EXPECT_THAT(names, ElementsAre("sluice", "seasonal naive (7)", "last value", "mean of 28",
                                 "Theta", "ETS + Theta", "TSB"));
  EXPECT_GT(report.methods[5].processor_seconds, report.methods[4].processor_seconds)
      << "the mean takes both";
}

TEST(Backtest, WithoutMethodsHasTheNaiveOnesAlone) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(2, 60))};
  Config c = quick_config();
  c.evaluate.methods = {};
  const Model model = quick_model(c, catalog);
  EXPECT_EQ(backtest(c, catalog, &model).report.methods.size(), 4u);
}

TEST(Backtest, ScoresMediansBesidePointsThatAreMeans) {
  const Catalog catalog(testing::daily_parts(testing::weekly_series(4, 60)));
  for (const char* loss : {"quantile", "gaussian"}) {
    Config c = quick_config();
    c.training.loss = loss;
    c.training.partners = {"none"};
    double sum = 0, points = 0;
    BacktestOptions options;
    options.receive = [&](const Forecasts& made) {
      for (std::size_t r = 0; r < made.series.size(); ++r) {
        for (std::size_t k = 0; k < static_cast<std::size_t>(made.K); ++k, ++points) {
          const auto t = static_cast<std::size_t>(made.cutoff[r]) + k;
          const float actual = catalog.values(0, made.series[r])[t];
          sum += std::abs(made.y(r, k, 0, made.median()) - static_cast<double>(actual));
        }
      }
    };
    const Model model = quick_model(c, catalog);
    const auto methods = backtest(c, catalog, &model, options).report.methods;
    const bool has_means = std::string(loss) == "gaussian";
    ASSERT_EQ(methods.back().name == kMedianName, has_means);
    if (!has_means) continue;
    EXPECT_NEAR(methods.back().total.mae, sum / points, 1e-5);
    EXPECT_GT(std::abs(methods[0].total.mae - sum / points), 1e-4);  // in log space means are larger
  }
}

// What each window forecasts, and leaves out, is its own, however many share the engine's batch.
TEST(Backtest, OriginsThatAreForecastTogetherAreWhatTheyAreOneByOne) {
  auto series = testing::weekly_series(4, 60);
  for (std::size_t t = 0; t < 55; ++t) series[1][t] = kMissing;  // begins after the first origins
  CatalogParts parts = testing::daily_parts(series);
  const auto steps = static_cast<std::size_t>(parts.offsets.back());
  parts.channels.push_back({"price", Role::future, std::vector<float>(steps, 2)});
  parts.channels[1].values.back() = kMissing;  // s3 is not in the last window
  const Catalog catalog(std::move(parts));
  for (const char* loss : {"quantile", "tweedie"}) {
    Config c = quick_config();
    c.training.loss = loss;
    c.training.partners = {"ets"};
    c.training.seeds = 2;
    c.evaluate.n_windows = 4;
    c.evaluate.step = 1;
    const Model model = quick_model(c, catalog);
    const auto windows_of = [&](int batch) {
      std::vector<Forecasts> windows;
      BacktestOptions options;
      options.receive = [&](const Forecasts& window) { windows.push_back(window); };
      Config one = c;
      one.engine.forecast_batch = batch;
      backtest(one, catalog, &model, options);
      return windows;
    };
    const std::vector<Forecasts> alone = windows_of(1), together = windows_of(1024);
    ASSERT_EQ(alone.size(), 4u);
    ASSERT_EQ(together.size(), 4u);
    EXPECT_EQ(alone[0].series.size(), 3u);
    EXPECT_EQ(alone[3].series.size(), 3u);
    for (std::size_t w = 0; w < 4; ++w) {
      EXPECT_EQ(together[w].series, alone[w].series);
      EXPECT_EQ(together[w].cutoff, alone[w].cutoff);
      EXPECT_EQ(together[w].values, alone[w].values) << loss << " " << w;
      EXPECT_EQ(together[w].mean, alone[w].mean);
      EXPECT_EQ(together[w].nonnegative, alone[w].nonnegative);
      EXPECT_EQ(together[w].left_out.size(), alone[w].left_out.size());
    }
  }
}

TEST(Backtest, SaysTheCutoffsOfEveryWindow) {
  auto series = testing::weekly_series(3, 60);
  series[0].resize(50);
  const Catalog catalog{testing::daily_parts(series)};
  Config c = quick_config();
  c.evaluate.n_windows = 2;
  const Model model = quick_model(c, catalog);
  const EvaluationReport report = backtest(c, catalog, &model).report;
  ASSERT_EQ(report.cutoffs.size(), 2u);
  EXPECT_EQ(report.cutoffs[0].last, "2024-02-23");  // 60 - 2 x 3 steps from 2024-01-01
  EXPECT_EQ(report.cutoffs[0].first, "2024-02-13");
  EXPECT_EQ(report.cutoffs[1].last, "2024-02-26");
  EXPECT_EQ(report.cutoffs[1].series, 3);
  EXPECT_EQ(report.cutoffs[1].at_last, 2);
}

// A series that ended on the 50th of 60 days: a refit before day 42 knows its first 42 days, and no
// later one.
TEST(Backtest, ARefitTrainsOnSeriesThatWereLiveThen) {
  Config c = quick_config();
  c.evaluate.n_windows = 6;  // of 3 days: the first one begins after 42
  c.evaluate.refit = 6;
  const auto score = [&](std::size_t from, std::size_t to) {
    auto series = testing::weekly_series(4, 60);
    series[3].resize(50);
    for (std::size_t t = from; t < to; ++t) series[3][t] *= 1.0f + 0.5f * static_cast<float>(t % 3);
    CatalogParts parts = testing::daily_parts(series);
    parts.ended = {0, 0, 0, 1};
    const EvaluationReport report = backtest(c, Catalog(std::move(parts)), nullptr).report;
    EXPECT_THAT(report.row_names, ElementsAre("s0", "s1", "s2"));
    return report.methods[0].total.mae;
  };
  const double as_it_is = score(0, 0);
  EXPECT_NE(score(0, 30), as_it_is);
  EXPECT_EQ(score(42, 50), as_it_is);
}

// Errors belong to the stored values, shares to the values of the file.
volatile std::sig_atomic_t not_noted = 0;

// Whether a signal is noted by a training or by what lies between them: it ends the evaluation, or,
// before its beginning and after its end, the process, which this test counts instead.
TEST(Backtest, ASignalAtAnyTimeOfAnEvaluationThatTrainsIsObeyed) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(20, 80))};
  Config c = quick_config();
  c.data.valid = 30;
  c.training.steps = 1;  // most of the time is after it, in the validation and for the residuals
  c.training.loss = "mae";
  c.evaluate.n_windows = 3;
  c.evaluate.refit = 1;
  const auto seconds = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch());
  };
  std::signal(SIGINT, [](int) { not_noted = 1; });
  backtest(c, catalog, nullptr);
  const auto begin = seconds();
  backtest(c, catalog, nullptr);
  const auto whole = seconds() - begin;
  constexpr int kPoints = 60;
  int ended = 0;
  for (int i = 0; i < kPoints; ++i) {
    not_noted = 0;
    bool told = false;
    std::jthread sender([&] {
      std::this_thread::sleep_for(whole * i / kPoints);
      std::raise(SIGINT);
    });
    try {
      backtest(c, catalog, nullptr);
    } catch (const Interrupted& e) {
      told = true;
      EXPECT_THAT(e.what(), HasSubstr("the evaluation is not complete"));
    }
    sender.join();
    EXPECT_TRUE(told || not_noted) << "at " << i << " of " << kPoints;
    ended += told ? 1 : 0;
  }
  std::signal(SIGINT, SIG_DFL);
  EXPECT_GT(ended, 0);
}

TEST(Backtest, ARefitGoesOnFromNoModelThatKnowsWhatIsEvaluated) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(3, 60))};
  Config c = quick_config();
  c.data.test = 2;
  const auto path = temporary("earlier.safetensors");
  save_model(path, quick_model(c, catalog));  // of 58 days
  c.training.init_from = path;
  c.evaluate.refit = 1;
  try {
    backtest(c, catalog, nullptr);  // of the last three
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("series 's0': the evaluation begins after 2024-02-26, and " +
                                    path.string() +
                                    " has been trained on data up to 2024-02-27; evaluate "
                                    "without going on from it (training.init_from"));
    EXPECT_THAT(e.what(), ::testing::EndsWith("or train that model with --data.test 3"));
  }
  c.data.test = 3;
  c.training.init_from.clear();
  save_model(path, quick_model(c, catalog));
  c.training.init_from = path;
  EXPECT_EQ(backtest(c, catalog, nullptr).report.series, 3);
}

TEST(Backtest, ScoresTheNumbersOfTheFile) {
  auto series = testing::weekly_series(2, 60);
  const Catalog plain{testing::daily_parts(series)};
  CatalogParts parts = testing::daily_parts(series);
  parts.value_offset = {1e9, 1e9};
  const Catalog moved(std::move(parts));
  const Config c = quick_config();
  const Model model = quick_model(c, plain);
  const auto a = backtest(c, plain, &model), b = backtest(c, moved, &model);
  // Last value: no model in it. 0.25 is what a float of 1e9 would be off by 64.
  const Metrics &small = a.report.methods[2].total, &large = b.report.methods[2].total;
  ASSERT_GT(small.mae, 0.1);
  EXPECT_NEAR(large.mae, small.mae, 1e-6);
  EXPECT_NEAR(large.mase, small.mase, 1e-6);
  EXPECT_NEAR(large.wape, small.mae / 1e9, 1e-12);
  const auto real = std::find_if(b.figures[0].actual.begin(), b.figures[0].actual.end(),
                                 [](double y) { return y == y; });
  EXPECT_NEAR(*real, 1e9, 100);
}

TEST(Backtest, WhatTheModelHasSeenIsKnownByItsTimesNotByItsSteps) {
  const auto all = testing::weekly_series(2, 90);
  auto last = all;
  for (auto& series : last) series.erase(series.begin(), series.begin() + 30);
  CatalogParts parts = testing::daily_parts(last);
  for (auto& first : parts.first) first += 30;  // the same days without the first 30
  const Catalog whole(testing::daily_parts(all)), later(std::move(parts));
  Config c = quick_config();
  c.evaluate.n_windows = 2;  // 6 days, as many as the test part has
  const Model early = quick_model(c, whole);
  EXPECT_EQ(backtest(c, later, &early).report.series, 2);
  Model late = quick_model(c, later);
  EXPECT_EQ(backtest(c, whole, &late).report.series, 2);
  c.evaluate.n_windows = 3;  // 3 of the 9 days were seen
  EXPECT_THROW(backtest(c, later, &early), DataError);
  EXPECT_THROW(backtest(c, whole, &late), DataError);
  late.first.clear();  // as in a file of an earlier program, which knows steps only
  EXPECT_EQ(backtest(c, whole, &late).report.series, 2);
}

TEST(Backtest, FiguresSpeakTheLanguageOfTheDataUnlessOneIsGiven) {
  const auto title = [](const std::string& target, const std::string& id,
                        const std::string& language) {
    CatalogParts parts = testing::daily_parts(testing::weekly_series(2, 60));
    parts.channels[0].name = target;
    parts.ids[0] = id;
    const Catalog catalog(std::move(parts));
    Config c = quick_config();
    c.path.figure_language = language;
    const Model model = quick_model(c, catalog);
    const BacktestResult result = backtest(c, catalog, &model);
    for (const Figure& figure : result.figures) {
      EXPECT_EQ(figure.chinese, figure.title.ends_with("预测图")) << figure.title;
    }
    return result.figures[0].title;
  };
  EXPECT_EQ(title("y", "A", "auto"), "A: actual and forecast");
  EXPECT_EQ(title("y", "店", "auto"), "店预测图");
  EXPECT_EQ(title("件数", "A", "auto"), "A预测图");
  EXPECT_EQ(title("件数", "A", "en"), "A: actual and forecast");
  EXPECT_EQ(title("y", "A", "zh"), "A预测图");
}

}  // namespace
}  // namespace sluice
