// From a file to scores, through the functions that main() calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "sluice/base/error.hpp"
#include "sluice/data/simulate.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class Pipeline : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        test_folder() / (std::string("sluice_pipeline_") + info->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string file(const std::string& name) const { return (directory_ / name).string(); }

  static std::string config(const std::string& name) {
    return std::string(SLUICE_SOURCE_DIR "/configs/") + name;
  }
  /// A file of the shared test data, or empty where that is absent.
  static std::string shared(const std::string& name) {
    const std::string path = std::string(SLUICE_SOURCE_DIR "/../shared/data/") + name;
    return std::filesystem::exists(path) ? path : std::string();
  }
  static TrainOptions silent() {
    TrainOptions o;
    o.save = false;
    o.announce = false;
    return o;
  }
  static double rmsse_of(const EvaluationReport& report, std::size_t method) {
    return report.methods[method].total.rmsse;
  }

  std::filesystem::path directory_;
};

TEST_F(Pipeline, BeatsSeasonalNaiveAndTheMeanOnASimulatedCatalogue) {
  SimulateSpec simulated;
  simulated.stores = 3;
  simulated.items = 8;
  simulated.days = 400;
  simulate(simulated, file("sales.csv"));
  const Config c = load_config(config("catalog.toml"), {{"path.data", file("sales.csv")},
                                                        {"path.future", file("sales.future.csv")},
                                                        {"network.hidden_size", "16"},
                                                        {"network.head_hidden", "32"},
                                                        {"network.predict_day", "14"},
                                                        {"data.valid", "14"},
                                                        {"data.test", "14"},
                                                        {"training.batch_size", "32"},
                                                        {"training.steps", "200"},
                                                        {"path.forecast", file("forecast.csv")}});
  const Catalog catalog = read_catalog(catalog_spec(c));
  ASSERT_EQ(catalog.series_count(), 24);
  const Model model = train(c, catalog, silent()).model;
  const EvaluationReport report = backtest(c, catalog, &model).report;
  EXPECT_GT(skill_over_seasonal_naive(report), 0.15);
  EXPECT_LT(report.methods[0].total.mae, 0.95 * report.methods[3].total.mae);
  EXPECT_GT(report.methods[0].total.coverage[0], 0.65);
  EXPECT_LT(report.methods[0].total.coverage[0], 0.95);

  // The real future, from the end of the data, with the prices of the file beside it.
  Forecaster forecaster(model, catalog, c.forecast.levels, c.engine);
  const Forecasts forecasts = forecaster.at(cutoffs_from(catalog, ""));
  write_forecasts(c.path.forecast, catalog, forecasts, c.forecast.levels);
  std::ifstream in(c.path.forecast);
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "unique_id,ds,sluice,sluice-lo-80,sluice-hi-80");
  int rows = 0;
  while (std::getline(in, line)) ++rows;
  EXPECT_EQ(rows, 24 * 14);
}

TEST_F(Pipeline, RefusesToScoreWhatTheModelHasSeenAndTrainsAnewInstead) {
  SimulateSpec simulated;
  simulated.stores = 1;
  simulated.items = 4;
  simulated.days = 200;
  simulate(simulated, file("sales.csv"));
  std::vector<Override> flags = {{"path.data", file("sales.csv")},
                                 {"path.future", file("sales.future.csv")},
                                 {"network.hidden_size", "8"},
                                 {"network.predict_day", "7"},
                                 {"data.valid", "7"},
                                 {"data.test", "7"},
                                 {"training.steps", "30"},
                                 {"evaluate.n_windows", "3"},
                                 {"evaluate.step", "7"}};
  const Config c = load_config(config("catalog.toml"), flags);
  const Catalog catalog = read_catalog(catalog_spec(c));
  const Model model = train(c, catalog, silent()).model;
  try {
    backtest(c, catalog, &model);
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("the model has been trained on data up to"));
    EXPECT_THAT(e.what(), HasSubstr("evaluate.refit"));
  }
  flags.push_back({"evaluate.refit", "2"});
  const Config refit = load_config(config("catalog.toml"), flags);
  const BacktestResult result = backtest(refit, catalog, nullptr);
  EXPECT_EQ(result.report.windows, 12);
  EXPECT_EQ(result.report.cutoffs.size(), 3u);
  EXPECT_EQ(result.figures.size(), 4u);
}

// Rolling origins with refits know nothing of what comes after each refit's first origin.
TEST_F(Pipeline, ARefitSeesOnlyThePastOfItsOrigins) {
  SimulateSpec simulated;
  simulated.stores = 1;
  simulated.items = 3;
  simulated.days = 150;
  simulated.launches = 0;
  simulate(simulated, file("a.csv"));
  std::ifstream in(file("a.csv"));
  std::ofstream out(file("b.csv"));
  std::string line;
  while (std::getline(in, line)) {  // days from 2023-05-27 on: ten times the sales
    const auto ds = line.find(',') + 1, y = line.find(',', ds) + 1;
    if (line.substr(ds, 10) >= "2023-05-27" && line[0] != 'u') line.insert(line.find(',', y), "0");
    out << line << "\n";
  }
  out.close();
  const auto first_window = [&](const std::string& name) {
    const Config c = load_config(config("catalog.toml"), {{"path.data", file(name)},
                                                          {"path.future", ""},
                                                          {"data.future", ""},
                                                          {"network.hidden_size", "8"},
                                                          {"network.predict_day", "7"},
                                                          {"data.valid", "7"},
                                                          {"data.test", "7"},
                                                          {"training.steps", "20"},
                                                          {"evaluate.n_windows", "1"},
                                                          {"evaluate.refit", "1"}});
    const Catalog catalog = read_catalog(catalog_spec(c));
    // The only cutoff is 2023-05-24: the changed days lie in its horizon.
    return backtest(c, catalog, nullptr).figures[0].forecast;
  };
  const std::vector<double> a = first_window("a.csv"), b = first_window("b.csv");
  ASSERT_EQ(a.size(), b.size());
  int compared = 0;
  for (std::size_t t = 0; t < a.size(); ++t) {
    if (std::isnan(a[t])) continue;
    EXPECT_EQ(a[t], b[t]);
    ++compared;
  }
  EXPECT_EQ(compared, 7);
}

TEST_F(Pipeline, TheArticlesFileTrainsForecastsAndScores) {
  const std::string data = shared("shop_ops_seed/Data.csv.zst");
  if (data.empty()) GTEST_SKIP() << "the shared test data is not here";
  const Config c =
      load_config(config("article.toml"), {{"path.data", data}, {"training.epochs", "3"}});
  const Catalog catalog = read_catalog(catalog_spec(c));
  ASSERT_EQ(catalog.series_count(), 1);
  EXPECT_EQ(catalog.target(0).name, "下单商品件数");
  EXPECT_EQ(catalog.count(Role::past), 13);
  EXPECT_EQ(catalog.history(0), 400);
  const Model model = train(c, catalog, silent()).model;
  EXPECT_EQ(model.spec.inputs(), 14);
  EXPECT_EQ(model.spec.L, 4);
  const BacktestResult result = backtest(c, catalog, &model);
  EXPECT_TRUE(std::isfinite(result.report.methods[0].total.nmse));
  Forecaster forecaster(model, catalog, c.forecast.levels, c.engine);
  const Forecasts forecasts = forecaster.at(cutoffs_from(catalog, ""));
  EXPECT_EQ(forecasts.K, 5);
  EXPECT_EQ(catalog.date(0, forecasts.cutoff[0]), "2023-02-05");
}

TEST_F(Pipeline, TheShopsColumnsAsSeriesBeatPersistence) {
  const std::string data = shared("shop_ops_seed/Data.csv.zst");
  if (data.empty()) GTEST_SKIP() << "the shared test data is not here";
  const Config c = load_config(config("shop.toml"), {{"path.data", data},
                                                     {"training.seeds", "1"},
                                                     {"evaluate.n_windows", "40"},
                                                     {"evaluate.refit", "40"}});
  const Catalog catalog = read_catalog(catalog_spec(c));
  ASSERT_EQ(catalog.series_count(), 14);
  const EvaluationReport report = backtest(c, catalog, nullptr).report;
  EXPECT_LT(report.methods[0].total.wape, report.methods[2].total.wape);
}

TEST_F(Pipeline, WalmartsFoodsBeatTheMeanOfFourWeeks) {
  const std::string data = shared("m5/sales_train_evaluation.CA_1_FOODS.csv.zst");
  if (data.empty()) GTEST_SKIP() << "the shared test data is not here";
  const Config c = load_config(config("walmart.toml"), {{"path.data", data},
                                                        {"network.hidden_size", "16"},
                                                        {"network.head_hidden", "32"},
                                                        {"training.steps", "120"},
                                                        {"training.final_fit", "false"}});
  const Catalog catalog = read_catalog(catalog_spec(c));
  ASSERT_EQ(catalog.series_count(), 1437);
  EXPECT_EQ(catalog.date(0, catalog.history(0) - 28), "2016-04-25");
  const Model model = train(c, catalog, silent()).model;
  const EvaluationReport report = backtest(c, catalog, &model).report;
  EXPECT_NEAR(rmsse_of(report, 1), 0.983, 0.001);  // published references of this file
  EXPECT_NEAR(rmsse_of(report, 3), 0.780, 0.001);
  EXPECT_LT(rmsse_of(report, 0), rmsse_of(report, 3));
}

TEST_F(Pipeline, M4HourlyBeatsSeasonalNaiveAfterASmallShareOfTheTraining) {
  const std::string data = shared("m4/m4_hourly_dataset.tsf.zst");
  if (data.empty()) GTEST_SKIP() << "the shared test data is not here";
  const Config c = load_config(config("hourly.toml"), {{"path.data", data},
                                                       {"network.hidden_size", "24"},
                                                       {"network.head_hidden", "48"},
                                                       {"training.steps", "150"},
                                                       {"training.final_fit", "false"}});
  const Catalog catalog = read_catalog(catalog_spec(c));
  ASSERT_EQ(catalog.series_count(), 414);
  const Model model = train(c, catalog, silent()).model;
  const EvaluationReport report = backtest(c, catalog, &model).report;
  EXPECT_NEAR(report.methods[1].total.smape, 13.912,
              0.001);  // the official figures of seasonal naive
  EXPECT_NEAR(report.methods[1].total.mase, 1.193, 0.001);
  EXPECT_LT(report.methods[0].total.smape, 12.0);
  EXPECT_LT(report.methods[0].total.mase, 1.1);
}

}  // namespace
}  // namespace sluice
