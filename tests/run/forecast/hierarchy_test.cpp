// A hierarchy from data to file and scores.
#include "run/forecast/hierarchy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "data/hierarchy/sums.hpp"
#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/resolve.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

/// Six series of 60 days in two stores and three kinds, with total, store and kind; `change` the
/// series' parts before they are added up.
template <typename Change>
Catalog shops(Change change) {
  CatalogParts parts = testing::daily_parts(testing::weekly_series(6, 60));
  parts.static_categories.push_back({"store", {"unknown", "a", "b"}, {1, 1, 1, 2, 2, 2}});
  parts.static_categories.push_back({"kind", {"unknown", "x", "y", "z"}, {1, 2, 3, 1, 2, 3}});
  change(parts);
  CatalogNotes notes;
  return with_sums(Catalog(std::move(parts)), {"total", "store", "kind"}, notes);
}
Catalog shops() {
  return shops([](CatalogParts&) {});
}

Config config_of(const std::string& reconcile) {
  Config c = testing::quick_config();
  c.training.steps = 40;  // after 5 it is nearly seasonal naive, which adds up by itself
  c.data.groups = {"total", "store", "kind"};
  c.forecast.reconcile = reconcile;
  return c;
}

const OutputColumn& column(const std::vector<OutputColumn>& columns, const std::string& name) {
  const auto found = std::ranges::find(columns, name, &OutputColumn::name);
  EXPECT_NE(found, columns.end()) << name;
  return *found;
}

TEST(Hierarchy, AFileAddsUpWhicheverWayAndSaysWhatLevelARowIsOf) {
  const Catalog catalog = shops();
  const Model model = testing::quick_model(config_of("none"), catalog);
  for (const std::string method : {"bottom_up", "wls_struct", "wls_var"}) {
    const Forecasts f = forecast_series(model, catalog, config_of(method));
    const auto columns = forecast_columns(catalog, {&f, 1}, {80}, ForecastRows::forecasts_alone);
    const OutputColumn &id = column(columns, "unique_id"), &y = column(columns, "sluice"),
                       &level = column(columns, "level");
    EXPECT_EQ(columns.back().name, "level");
    ASSERT_EQ(y.numbers.size(), 12u * 3u);
    std::map<std::string, std::vector<double>> sums;  // by level, over all its rows, per step
    for (std::size_t i = 0; i < y.numbers.size(); ++i) {
      auto& sum = sums[level.text[static_cast<std::size_t>(level.codes[i])]];
      sum.resize(3, 0);
      sum[i % 3] += y.numbers[i];
    }
    ASSERT_EQ(sums.size(), 4u) << method;
    for (const auto& [name, sum] : sums) {
      for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(sum[k] / sums["total"][k], 1, 1e-12) << name;
    }
    EXPECT_EQ(id.text[static_cast<std::size_t>(id.codes[6 * 3])], "total");
  }
}

/// What a CSV has of it: text, which says less than a float holds.
TEST(Hierarchy, AddsUpAsTextToo) {
  const Catalog catalog = shops();
  const Config c = config_of("wls_struct");
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  const std::filesystem::path file = temporary("hierarchy.csv");
  write_forecasts(file, catalog, f, {});
  std::istringstream lines(read_bytes(file));
  std::map<std::string, double> sums;  // by level, of all steps
  std::string line;
  std::getline(lines, line);
  ASSERT_EQ(line, "unique_id,ds,sluice,level");
  while (std::getline(lines, line)) {
    const std::size_t y = line.find(',', line.find(',') + 1) + 1, level = line.rfind(',') + 1;
    sums[line.substr(level)] += std::stod(line.substr(y));
  }
  ASSERT_EQ(sums.size(), 4u);
  for (const auto& [level, sum] : sums) EXPECT_NEAR(sum / sums["total"], 1, 1e-12) << level;
}

TEST(Hierarchy, WithoutReconciliationTheModelsOwnForecastsStand) {
  const Catalog catalog = shops();
  const Config c = config_of("none");
  const Model model = testing::quick_model(c, catalog);
  const Forecasts f = forecast_series(model, catalog, c);
  std::vector<std::int64_t> end(12, 60);
  const Forecasts own = Forecaster(model, catalog, {80}, c.engine).at(end);
  EXPECT_EQ(f.values, own.values);
  double sum = 0;
  for (std::size_t r = 0; r < 6; ++r) sum += f.point(r, 0, 0);
  EXPECT_GT(std::abs(sum - f.point(6, 0, 0)) / sum, 1e-5);
}

TEST(Hierarchy, ASeriesWithoutAForecastTakesItsSumsWithItAndIsNamed) {
  const Catalog catalog = shops([](CatalogParts& parts) {
    parts.channels.push_back({"price", Role::future, {}});
    for (std::size_t i = 0; i < parts.channels[0].values.size(); ++i) {
      // Of s4 no price is known of the last days, which are to be forecast.
      parts.channels[1].values.push_back(
          i >= 4 * 60 + 57 && i < 5 * 60 ? testing::kMissing : 1 + static_cast<float>(i % 5));
    }
    parts.history.assign(6, 57);
  });
  Config c = config_of("wls_struct");
  const Model model = testing::quick_model(c, catalog);
  const Forecasts f = forecast_series(model, catalog, c);
  std::map<std::string, std::string> reasons;
  for (const LeftOut& one : f.left_out) reasons[one.id] = one.reason;
  ASSERT_EQ(reasons.size(), 4u);
  EXPECT_THAT(reasons["s4"], HasSubstr("price"));
  for (const char* id : {"total", "store=b", "kind=y"}) {
    EXPECT_EQ(reasons[id], "1 of its series has no forecast: s4") << id;
  }
  c.forecast.strict = true;
  EXPECT_THROW(forecast_series(model, catalog, c), DataError);
}

TEST(Hierarchy, PastErrorsAreThoseBeforeTheCutoffAlone) {
  const Catalog catalog = shops();
  const Catalog changed = shops([](CatalogParts& parts) {
    for (int s = 0; s < 6; ++s) {
      for (int t = 50; t < 60; ++t)
        parts.channels[0].values[static_cast<std::size_t>(60 * s + t)] *= 5;
    }
  });
  Config c = config_of("wls_var");
  const Model model = testing::quick_model(c, catalog);
  c.forecast.from = "2024-02-20";  // step 50
  const Forecasts f = forecast_series(model, catalog, c), g = forecast_series(model, changed, c);
  EXPECT_EQ(f.cutoff[0], 50);
  EXPECT_EQ(f.coherent, g.coherent);
  c.forecast.reconcile = "wls_struct";
  EXPECT_NE(f.coherent, forecast_series(model, catalog, c).coherent);
}

TEST(Hierarchy, WithoutAnyPastErrorItAddsUpByWhatTheForecastsAre) {
  const Catalog catalog = shops();
  for (const char* method : {"wls_var", "mint_shrink"}) {
    Config c = config_of(method);
    const Model model = testing::quick_model(c, catalog);
    c.forecast.from = "2024-01-04";  // step 3: no origin lies a horizon before it
    const Forecasts f = forecast_series(model, catalog, c);
    ASSERT_FALSE(f.coherent.empty()) << method;
    EXPECT_TRUE(std::ranges::all_of(f.coherent, [](auto y) { return std::isfinite(y); })) << method;
  }
}

TEST(Hierarchy, AnEvaluationScoresLevelByLevelBesideBaseAndBottomUp) {
  const Catalog catalog = shops();
  Config c = config_of("wls_struct");
  c.evaluate.methods.clear();
  c.evaluate.n_windows = 2;
  const Model model = testing::quick_model(c, catalog);
  std::vector<Forecasts> windows;
  BacktestOptions options;
  options.receive = [&](const Forecasts& f) { windows.push_back(f); };
  const EvaluationReport report = backtest(c, catalog, &model, options).report;
  ASSERT_EQ(report.methods.size(), 6u);
  EXPECT_EQ(report.methods[4].name, "sluice base");
  EXPECT_EQ(report.methods[5].name, "sluice bottom-up");
  ASSERT_EQ(report.hierarchy.size(), 4u);
  EXPECT_EQ(report.hierarchy[1].name, "store");
  EXPECT_EQ(report.hierarchy[1].series, 2);
  EXPECT_EQ(report.hierarchy[3].name, "series");
  EXPECT_EQ(report.hierarchy[3].series, 6);
  // WAPE of the stores by hand, reconciled and bottom-up.
  double error = 0, bottom_up_error = 0, actual = 0;
  for (const Forecasts& f : windows) {
    for (std::size_t r = 7; r < 9; ++r) {
      for (std::size_t k = 0; k < 3; ++k) {
        const auto t = static_cast<std::size_t>(f.cutoff[r]) + k;
        const auto y = static_cast<double>(catalog.values(0, f.series[r])[t]);
        double bottom_up = 0;
        for (std::size_t s = 3 * (r - 7); s < 3 * (r - 7) + 3; ++s) {
          bottom_up += f.y(s, k, 0, 1) - (f.point(s, k, 0) - f.beside[0].points[f.cell(s, k, 0)]);
        }
        error += std::abs(f.point(r, k, 0) - y);
        bottom_up_error += std::abs(bottom_up - y);
        actual += y;
      }
    }
  }
  EXPECT_NEAR(report.hierarchy[1].totals[0].wape, error / actual, 1e-9);
  EXPECT_NEAR(report.hierarchy[1].totals[5].wape, bottom_up_error / actual, 1e-5);
  // At the bottom nothing is added up, but written with a float's digits.
  EXPECT_NEAR(report.hierarchy[3].totals[4].wape, report.hierarchy[3].totals[5].wape, 1e-6);
  // WRMSSE of the stores: weighted by the sales of the 28 days before each window.
  double weighted = 0, weights = 0;
  for (std::size_t r = 7; r < 9; ++r) {
    double sold = 0;
    for (const Forecasts& f : windows) {
      const auto history =
          catalog.values(0, f.series[r]).first(static_cast<std::size_t>(f.cutoff[r]));
      for (const float y : history.last(28)) sold += static_cast<double>(y);
    }
    weighted += sold * report.methods[0].rows[r].rmsse;
    weights += sold;
  }
  EXPECT_NEAR(report.hierarchy[1].wrmsse[0], weighted / weights, 1e-9);
  EXPECT_GT(std::abs(report.hierarchy[1].wrmsse[0] - report.hierarchy[1].totals[0].rmsse), 1e-6);
  const std::string table = hierarchy_table(report);
  EXPECT_THAT(table,
              HasSubstr("RMSSE by level          series      sluice        base   bottom-up"));
  EXPECT_THAT(table, HasSubstr("\nWRMSSE by level"));
  EXPECT_THAT(table, HasSubstr("\nkind                         3"));
  EXPECT_THAT(table, HasSubstr("\nmean of the levels"));
  EXPECT_THAT(report_table(report), HasSubstr(table));
}

TEST(Hierarchy, PointsWithoutQuantilesAreThoseWithThem) {
  const Catalog catalog = shops();
  const std::vector<std::int64_t> end(12, 60);
  for (const char* loss : {"gaussian", "quantile"}) {
    Config c = config_of("none");
    c.training.loss = loss;
    const Model model = testing::quick_model(c, catalog);
    Forecaster forecaster(model, catalog, {80}, c.engine);
    const Forecasts whole = forecaster.at(end), points = forecaster.points_at(end);
    for (std::size_t r = 0; r < 12; ++r) EXPECT_EQ(points.point(r, 1, 0), whole.point(r, 1, 0));
    EXPECT_EQ(forecaster.at(end).values, whole.values) << loss;  // and the next one has them again
    EXPECT_EQ(points.y(0, 0, 0, 2) == 0, loss == std::string("gaussian"));
  }
}

TEST(Hierarchy, NoSumIsAnExampleForANewItem) {
  const Catalog catalog = shops([](CatalogParts& parts) {
    // s5 has no history, and of its kind there are s0, s3 and their sum.
    std::fill(parts.channels[0].values.end() - 60, parts.channels[0].values.end(),
              testing::kMissing);
    parts.history = {60, 60, 60, 60, 60, 0};
    parts.static_categories[0] = {"store", {"unknown", "a", "b", "c"}, {1, 1, 1, 2, 2, 3}};
    parts.static_categories[1].codes = {1, 2, 3, 1, 2, 1};
  });
  Config c = config_of("none");
  c.training.steps = 5;
  const Forecasts f = forecast_series(testing::quick_model(c, catalog), catalog, c);
  const auto row = static_cast<std::size_t>(std::ranges::find(f.series, 5) - f.series.begin());
  ASSERT_LT(row, f.series.size());
  for (std::size_t k = 0; k < 3; ++k) {
    const double mean = (f.point(0, k, 0) + f.point(3, k, 0)) / 2;
    EXPECT_NEAR(f.point(row, k, 0), mean, 0.1 * mean);
  }
}

/// `shops` whose s4 and s5 have no history and are of a kind of their own, in both stores.
Catalog shops_with_a_new_kind() {
  return shops([](CatalogParts& parts) {
    std::fill(parts.channels[0].values.end() - 2 * 60, parts.channels[0].values.end(),
              testing::kMissing);
    parts.history = {60, 60, 60, 60, 0, 0};
    parts.static_categories[0].codes = {1, 1, 2, 2, 1, 2};
    parts.static_categories[1] = {"kind", {"unknown", "x", "y", "new"}, {1, 2, 1, 2, 3, 3}};
  });
}

TEST(Hierarchy, ASumThatOnlyNewItemsHaveIsTheSumOfTheirForecasts) {
  const Catalog catalog = shops_with_a_new_kind();
  for (const char* loss : {"quantile", "gaussian"}) {
    Config c = config_of("none");
    c.training.loss = loss;
    c.forecast.strict = true;
    const Model model = testing::quick_model(c, catalog);
    for (const char* method : {"none", "bottom_up", "wls_struct", "wls_var", "mint_shrink"}) {
      c.forecast.reconcile = method;
      const Forecasts f = forecast_series(model, catalog, c);
      const auto row_of = [&](const std::string& id) {
        std::size_t row = 0;
        while (row < f.series.size() && catalog.id(f.series[row]) != id) ++row;
        return row;
      };
      ASSERT_EQ(f.series.size(), 12u) << method;
      const std::size_t sum = row_of("kind=new"), one = row_of("s4"), two = row_of("s5");
      ASSERT_LT(sum, f.series.size()) << method;
      EXPECT_EQ(f.new_item[sum], 1);
      EXPECT_EQ(catalog.date(f.series[sum], f.cutoff[sum]),
                catalog.date(f.series[one], f.cutoff[one]));
      double kinds = 0, total = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        for (std::size_t j = 0; j < 3; ++j) {
          EXPECT_FLOAT_EQ(static_cast<float>(f.y(sum, k, 0, j)),
                          static_cast<float>(f.y(one, k, 0, j) + f.y(two, k, 0, j)));
        }
        EXPECT_NEAR(f.point(sum, k, 0), f.point(one, k, 0) + f.point(two, k, 0),
                    1e-5 * f.point(sum, k, 0));
        for (const char* kind : {"kind=x", "kind=y", "kind=new"})
          kinds += f.point(row_of(kind), k, 0);
        total += f.point(row_of("total"), k, 0);
      }
      if (method != std::string("none")) {
        EXPECT_NEAR(kinds / total, 1, 1e-12) << method;
      }
      const auto columns = forecast_columns(catalog, {&f, 1}, {80}, ForecastRows::forecasts_alone);
      const OutputColumn& level = column(columns, "level");
      EXPECT_EQ(level.text[static_cast<std::size_t>(level.codes[3 * sum])], "kind");
    }
  }
}

TEST(Hierarchy, ASumThatOnlyNewItemsHaveIsNamedWhereItHasNoForecast) {
  const auto reason_of = [](const Forecasts& f, const std::string& id) {
    const auto found = std::ranges::find(f.left_out, id, &LeftOut::id);
    return found == f.left_out.end() ? std::string("not named") : found->reason;
  };
  const Catalog catalog = shops_with_a_new_kind();
  Config c = config_of("wls_struct");
  c.forecast.new_items = false;
  EXPECT_EQ(reason_of(forecast_series(testing::quick_model(c, catalog), catalog, c), "kind=new"),
            "no history; forecast.new_items = false");
  const Catalog priced = shops([](CatalogParts& parts) {
    const std::size_t rows = parts.channels[0].values.size();
    parts.channels.push_back({"price", Role::future, std::vector<float>(rows, 2)});
    // s5 has no history, is alone of its kind, and no price of it is known.
    std::fill(parts.channels[0].values.end() - 60, parts.channels[0].values.end(),
              testing::kMissing);
    std::fill(parts.channels[1].values.end() - 60, parts.channels[1].values.end(),
              testing::kMissing);
    parts.history = {57, 57, 57, 57, 57, 0};
    parts.static_categories[1] = {"kind", {"unknown", "x", "y", "z"}, {1, 2, 1, 2, 1, 3}};
  });
  c.forecast.new_items = true;
  c.forecast.reconcile = "none";
  const Forecasts f = forecast_series(testing::quick_model(c, priced), priced, c);
  EXPECT_THAT(reason_of(f, "s5"), HasSubstr("price"));
  EXPECT_EQ(reason_of(f, "kind=z"), "1 of its series has no forecast: s5");
}

TEST(Hierarchy, ErrorsThatMintShrinkIsNotMadeForAreRefusedBeforeATraining) {
  Config c = config_of("mint_shrink");
  c.network.predict_day = 10'000;
  c.evaluate.refit = 1;
  c.data.groups = {"total"};
  CatalogNotes notes;
  const Catalog catalog =
      with_sums(Catalog(testing::daily_parts(testing::weekly_series(3200, 3))), {"total"}, notes);
  try {
    backtest(c, catalog, nullptr);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("the 40000 past errors of 3,201 series and sums would take"));
  }
  c.forecast.reconcile = "wls_var";
  EXPECT_NO_THROW(check_reconciliation(catalog, c, c.network.predict_day));
}

TEST(Hierarchy, EndsOfTheirOwnAreRefused) {
  Config c = config_of("wls_struct");
  c.path.data = {"sales.csv"};
  EXPECT_EQ(catalog_spec(c).end, "common");
  c.data.end = "2024-02-01";
  EXPECT_EQ(catalog_spec(c).end, "2024-02-01");
  c.data.end = "series";
  try {
    catalog_spec(c);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("set data.end = \"common\""));
  }
}

}  // namespace
}  // namespace sluice
