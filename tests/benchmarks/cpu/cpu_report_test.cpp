#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cpu/report.hpp"

namespace sluice::bench {
namespace {

Result result(const std::string& kind, std::vector<double> seconds) {
  Result r;
  r.benchmark.group = "engine/hourly/train";
  r.benchmark.kind = kind;
  r.benchmark.unit = "windows/s";
  r.benchmark.work = r.benchmark.items = 32;
  r.benchmark.recurrence = "fused";
  r.seconds = std::move(seconds);
  return r;
}

std::vector<Result> results() {
  std::vector<Result> all = {result("whole", {0.01, 0.02, 0.01}),
                             result("recurrence", {0.004, 0.009, 0.006}),
                             result("products", {0.002, 0.003, 0.004})};
  all[0].benchmark.recipe_items = 64'000;
  return all;
}

TEST(Shares, AreOfSamplesTakenTogether) {
  EXPECT_EQ(shares(results()), "engine/hourly/train (fused): parts / whole 0.60 (0.60..1.00)\n");
}

TEST(Shares, NeedAllParts) {
  std::vector<Result> r = results();
  r.pop_back();
  EXPECT_EQ(shares(r), "");
}

TEST(Recipes, TakeAsLongAsTheirSteps) {
  EXPECT_EQ(recipes(results()),
            "engine/hourly/train/whole: 64000 windows in 20.0 s (20.0..40.0)\n");
}

TEST(Table, HasTheRatesOfMedianAndRange) {
  std::vector<Result> r = {result("whole", {0.01, 0.02, 0.04}), result("products", {1e-6, 2e-6})};
  r[0].benchmark.work = 10;
  EXPECT_EQ(table_header() + table_row(r[0]) + table_row(r[1]),
            "benchmark, work a second                     median lowest..highest\n"
            "engine/hourly/train/whole                     500.0 250.0..1000\n"
            "engine/hourly/train/products                 21.3 M 16.0 M..32.0 M\n");
}

TEST(Table, HasAtMostEightyColumns) {
  std::vector<Result> fast = results();
  fast[1].seconds = {1e-9, 2e-9, 3e-9};
  fast[1].benchmark.group = "engine/opennn/forecast";
  std::string text = table_header();
  for (const Result& r : fast) text += table_row(r);
  std::istringstream lines(text + shares(results()) + recipes(results()));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(Json, KeepsEverySampleAndTheMachine) {
  const auto file = std::filesystem::path(testing::TempDir()) / "cpu.json";
  write_json(file, results(), {.repeat = 3},
             {.torch = R"({"torch": "2.15.0"})", .load_before = 0.5});
  const nlohmann::json j = nlohmann::json::parse(std::ifstream(file));
  EXPECT_EQ(j.at("machine").at("torch").at("torch"), "2.15.0");
  EXPECT_EQ(j.at("machine").at("load_before"), 0.5);
  EXPECT_GE(j.at("machine").at("threads"), 1);
  EXPECT_EQ(j.at("settings").at("repeat"), 3);
  EXPECT_EQ(j.at("results").at(1).at("name"), "engine/hourly/train/recurrence");
  EXPECT_EQ(j.at("results").at(1).at("recurrence"), "fused");
  EXPECT_EQ(j.at("results").at(1).at("seconds"), (std::vector<double>{0.004, 0.009, 0.006}));
  write_json(file, results(), {}, {});
  EXPECT_TRUE(nlohmann::json::parse(std::ifstream(file)).at("machine").at("torch").is_null());
}

TEST(Json, LinesSayTheMachineEveryResultAndTheEnd) {
  const nlohmann::json machine = nlohmann::json::parse(machine_line({.repeat = 3}, {}));
  EXPECT_EQ(machine.at("kind"), "machine");
  EXPECT_EQ(machine.at("settings").at("repeat"), 3);
  EXPECT_GE(machine.at("machine").at("threads"), 1);
  const nlohmann::json line = nlohmann::json::parse(result_line(results().at(1)));
  EXPECT_EQ(line.at("kind"), "result");
  EXPECT_EQ(line.at("result").at("name"), "engine/hourly/train/recurrence");
  EXPECT_EQ(line.at("result").at("seconds"), (std::vector<double>{0.004, 0.009, 0.006}));
  const RunFacts facts{.torch = R"({"torch": "2.15.0"})"};
  const nlohmann::json end = nlohmann::json::parse(end_line(3, facts));
  EXPECT_EQ(end.at("done"), 3);
  EXPECT_EQ(end.at("machine").at("torch").at("torch"), "2.15.0");
}

TEST(Run, SaysHowLongItTakesBySamplesAndRepeats) {
  const std::vector<Benchmark> ten(10);
  EXPECT_EQ(estimate(ten, {.repeat = 8, .sample_seconds = 0.05}), "10 benchmarks, about 10 s");
}

TEST(Run, ResultsAreToldAtTheirGroupsEndSoThatALaterFaultDoesNotTakeThem) {
  const auto made = [](const std::string& group, const std::string& kind, Timer timer) {
    Benchmark b;
    b.group = group, b.kind = kind;
    b.make = [timer] { return timer; };
    return b;
  };
  const Timer works = [](int) { return 1.0; };
  const Timer breaks = [](int) -> double { throw std::runtime_error("cut"); };
  std::vector<std::string> told;
  EXPECT_THROW(run_benchmarks(
                   {made("a", "x", works), made("b", "x", breaks), made("a", "y", works)},
                   {.repeat = 2}, [](const std::string&) {},
                   [&](const Result& r) {
                     EXPECT_EQ(r.seconds.size(), 2u);
                     told.push_back(r.benchmark.name());
                   }),
               std::runtime_error);
  EXPECT_EQ(told, (std::vector<std::string>{"a/x", "a/y"}));
}

}  // namespace
}  // namespace sluice::bench
