#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "sluice/base/error.hpp"
#include "sluice/run/report.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

TEST(RowScores, AreALineForEachRowAndMethod) {
  Metrics m;
  m.points = 5;
  m.mae = 1.5;
  m.mase = std::numeric_limits<double>::quiet_NaN();
  m.coverage = {0.75};
  EvaluationReport report;
  report.row_names = {"A", "下单, 金额"};
  report.levels = {80};
  report.methods = {{"sluice", m, {m, m}}, {"last value", m, {m, m}}};
  report.methods[1].rows[1].mae = 2.5;
  report.methods[1].rows[1].coverage.clear();
  const fs::path path = fs::path(testing::TempDir()) / "sluice-row-scores.csv";
  write_row_scores(report, path);
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  fs::remove(path);
  EXPECT_THAT(
      lines,
      testing::ElementsAre(
          "row,method,points,mae,rmse,smape,mase,rmsse,wape,bias,wql,nmse,coverage_80",
          "A,sluice,5,1.5,0,0,,0,0,0,0,0,0.75", "\"下单, 金额\",sluice,5,1.5,0,0,,0,0,0,0,0,0.75",
          "A,last value,5,1.5,0,0,,0,0,0,0,0,0.75",
          "\"下单, 金额\",last value,5,2.5,0,0,,0,0,0,0,0,"));
}

TEST(RowScores, OfUnequalLengthAreRefused) {
  EvaluationReport report;
  report.row_names = {"A"};
  report.methods = {{"sluice", {}, {}}};
  EXPECT_THROW(write_row_scores(report, "never.csv"), InternalError);
}

}  // namespace
}  // namespace sluice
