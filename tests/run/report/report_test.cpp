#include "sluice/run/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.hpp"

namespace sluice {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Metrics metrics(double mae, double wql = kNan, double coverage = kNan) {
  Metrics m;
  m.points = 28;
  m.mae = mae;
  m.rmse = 1234.4;
  m.smape = 18.3834;
  m.mase = 0.751;
  m.rmsse = 0.8;
  m.wape = 0.1234;
  m.bias = -0.0312;
  m.wql = wql;
  m.nmse = kNan;
  m.coverage = {coverage};
  return m;
}

EvaluationReport example() {
  EvaluationReport report;
  report.data = "sales.parquet";
  report.frequency = "D";
  report.model = "LSTM 64 x 1, 24,000 parameters";
  report.series = 3;
  report.windows = 2;
  report.K = 28;
  report.season = 7;
  report.row_names = {"A", "B", "下单商品件数"};
  report.levels = {80};
  report.cutoffs = {{"2023-01-01", "2023-01-01", 3, 3}, {"2023-01-29", "2023-01-29", 3, 3}};
  report.methods = {{"sluice", metrics(6, 0.1, 0.789), {metrics(1), metrics(6), metrics(1)}},
                    {"seasonal naive (7)", metrics(8), {metrics(2), metrics(4), metrics(0)}},
                    {"last value", metrics(9), {metrics(4), metrics(3), metrics(2)}}};
  return report;
}

TEST(Skill, ComparesPooledErrorsWithSeasonalNaive) {
  EXPECT_NEAR(skill_over_seasonal_naive(example()), 0.25, 1e-12);
  EvaluationReport alone = example();
  alone.methods.resize(1);
  EXPECT_TRUE(std::isnan(skill_over_seasonal_naive(alone)));
}

TEST(Skill, TakesTheBetterNaiveOfEachRowAndLeavesOutPerfectOnes) {
  // 1 - 1/2, 1 - 6/3; the third row's better naive has no error at all.
  const RowSkill skill = skill_over_better_naive(example());
  EXPECT_NEAR(skill.mean, (0.5 - 1) / 2, 1e-12);
  EXPECT_EQ(skill.above_zero, 1);
  EXPECT_EQ(skill.rows, 2);
}

TEST(ReportTable, SaysWhatWasScoredAndTheSkill) {
  const std::string text = report_table(example());
  EXPECT_THAT(text, HasSubstr("3 series, frequency D, season 7, 2 windows of 28 steps"));
  EXPECT_THAT(text, HasSubstr("cutoffs   2023-01-01, 2023-01-29\n"));
  EXPECT_THAT(text, HasSubstr("sluice                      6.000     1234    18.38    0.751    "
                              "0.800    12.3%"));
  EXPECT_THAT(text, HasSubstr("sluice                      -3.1%    0.100    78.9%"));
  EXPECT_THAT(text, HasSubstr("seasonal naive (7)          -3.1%        -        -"));
  EXPECT_THAT(text, HasSubstr("skill over seasonal naive +25.0 % (better in 1 of 3 series)"));
  EXPECT_THAT(text, HasSubstr("skill over the better naive of each, mean -25.0 % (above 0 in 1 "
                              "of 2)"));
  EXPECT_THAT(text, Not(HasSubstr("nMSE")));  // no method has it
  EXPECT_THAT(text, Not(HasSubstr("different numbers of points")));
}

TEST(ReportTable, SaysWhatTheMethodsTookThatAreFitted) {
  EvaluationReport report = example();
  EXPECT_THAT(report_table(report), Not(HasSubstr("methods   ")));
  report.methods.push_back({"ETS", metrics(7), {metrics(2), metrics(2), metrics(2)}, 1.26});
  report.methods.push_back({"Theta", metrics(7), {metrics(2), metrics(2), metrics(2)}, 0.5});
  EXPECT_THAT(report_table(report), HasSubstr("methods   ETS 1.3 s, Theta 0.5 s of a processor\n"));
}

TEST(ReportTable, SaysEveryCutoffAndWhatIsBehindTheOthers) {
  EvaluationReport report = example();
  report.cutoffs = {{"2023-01-01", "2023-01-01", 1, 1},
                    {"2022-06-30", "2023-01-29", 3, 2},
                    {"2023-02-26", "2023-02-26", 3, 3}};
  report.left_out = {{"C", "ended 2021-03-31, 640 steps before the others"}};
  const std::string text = report_table(report);
  EXPECT_THAT(text, HasSubstr("cutoffs   2023-01-01 (1 series), 2023-01-29 (1 of 3 series ends"));
  EXPECT_THAT(text, HasSubstr("others, from 2022-06-30)\n          2023-02-26 (3 series)\n"));
  EXPECT_THAT(text,
              HasSubstr("          1 series left out: C (ended 2021-03-31, 640 steps before"));
}

TEST(ReportTable, CutsNothingWhereTheWholeIsAskedFor) {
  EvaluationReport report = example();
  report.data = std::string(100, 'x');
  EXPECT_THAT(report_table(report), Not(HasSubstr(report.data)));
  EXPECT_THAT(report_table(report, true), HasSubstr("data      " + report.data + "\n"));
}

TEST(ReportTable, LeavesABlankBetweenNumbersHoweverLargeOneIs) {
  EvaluationReport report = example();
  Metrics& total = report.methods[0].total;
  total.mase = 0.0035811, total.wape = 119731.22, total.bias = -119731.22;
  const std::string text = report_table(report);
  EXPECT_THAT(text, HasSubstr(" 1.2e+07%\n"));
  EXPECT_THAT(text, HasSubstr(" -1e+07%    0.100"));
}

TEST(ReportTable, IsAtMostEightyColumnsWide) {
  EvaluationReport report = example();
  report.data = std::string(100, 'x');
  report.model = "一个很长的模型名字一个很长的模型名字一个很长的模型名字一个很长的模型名字";
  report.methods[2].name = "a method with a name that is far too long for the table";
  report.methods[0].total.mae = 1.5e12;
  report.methods[0].total.bias = 123.4;
  report.levels = {50, 80, 90, 95, 97.5, 99};
  for (auto& method : report.methods) method.total.coverage.assign(6, 0.5);
  std::istringstream lines(report_table(report));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_LE(display_width(line), 80) << line;
  EXPECT_GT(count, 15);
}

TEST(Skill, OfMeansIsBySquaredErrorsAndNotOfMedians) {
  EvaluationReport report = example();
  report.methods[0].total.rmsse = 0.6;
  report.methods[1].total.rmsse = 0.8;
  EXPECT_TRUE(std::isnan(skill_of_means(report)));
  EXPECT_THAT(report_table(report), ::testing::Not(HasSubstr("points are means")));
  report.methods.push_back({std::string(kMedianName), metrics(5), {}});
  EXPECT_DOUBLE_EQ(skill_of_means(report), 0.25);
  EXPECT_THAT(report_table(report), HasSubstr("by RMSSE, since the points are means, +25.0 %"));
  EXPECT_DOUBLE_EQ(json::parse(report_json(report))["skill"]["of_means"].get<double>(), 0.25);
}

TEST(ReportTable, WarnsWhereMethodsWereScoredOnDifferentPoints) {
  EvaluationReport report = example();
  report.methods[1].total.points = 27;
  EXPECT_THAT(report_table(report), HasSubstr("scored on different numbers of points"));
}

TEST(ReportJson, HoldsTotalsRowsAndSkillWithNanAsNull) {
  const json out = json::parse(report_json(example()));
  EXPECT_EQ(out["series"], 3);
  EXPECT_EQ(out["horizon"], 28);
  EXPECT_DOUBLE_EQ(out["skill"]["over_seasonal_naive"].get<double>(), 0.25);
  EXPECT_EQ(out["skill"]["over_better_naive"]["rows"], 2);
  EXPECT_EQ(out["methods"][0]["name"], "sluice");
  EXPECT_DOUBLE_EQ(out["methods"][0]["total"]["coverage"]["80"].get<double>(), 0.789);
  EXPECT_TRUE(out["methods"][0]["total"]["nmse"].is_null());
  EXPECT_TRUE(out["methods"][1]["total"]["wql"].is_null());
  EXPECT_EQ(out["methods"][2]["rows"][2]["name"], "下单商品件数");
  EXPECT_DOUBLE_EQ(out["methods"][2]["rows"][1]["mae"].get<double>(), 3);
}

TEST(ReportJson, HoldsTheSecondsOfThoseMethodsThatAreFitted) {
  EvaluationReport report = example();
  report.methods[2].processor_seconds = 1.25;
  const json out = json::parse(report_json(report));
  EXPECT_EQ(out["methods"][2]["processor_seconds"], 1.25);
  EXPECT_FALSE(out["methods"][1].contains("processor_seconds"));
}

TEST(ReportJson, HoldsCutoffsAndWhatWasLeftOut) {
  EvaluationReport report = example();
  report.cutoffs = {{"2022-06-30", "2023-01-29", 3, 2}};
  report.left_out = {{"C", "no history"}};
  const json out = json::parse(report_json(report));
  EXPECT_EQ(out["cutoffs"], json::parse(R"([{"first": "2022-06-30", "last": "2023-01-29",
                                            "series": 3, "at_last": 2}])"));
  EXPECT_EQ(out["left_out"],
            json::parse(R"({"count": 1, "series": [{"id": "C", "reason": "no history"}]})"));
}

TEST(ReportJson, LeavesOutTheRowsOfLargeCatalogues) {
  EvaluationReport report = example();
  report.row_names.assign(10'000, "a");
  for (auto& method : report.methods) method.rows.assign(10'000, metrics(1));
  EXPECT_EQ(json::parse(report_json(report))["methods"][0]["rows"].size(), 10'000u);
  report.row_names.assign(10'001, "a");
  for (auto& method : report.methods) method.rows.assign(10'001, metrics(1));
  EXPECT_FALSE(json::parse(report_json(report))["methods"][0].contains("rows"));
}

TEST(ReportJson, TakesNamesThatAreNotUtf8) {
  EvaluationReport report = example();
  report.row_names[0] = "caf\xe9";
  EXPECT_EQ(json::parse(report_json(report))["methods"][0]["rows"][0]["name"], "caf\uFFFD");
}

}  // namespace
}  // namespace sluice
