#include "gpu/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "gpu/lines.hpp"

namespace sluice::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

const GpuShape kShape{.B = 1000, .T = 28, .I = 8, .H = 50, .L = 1};

GpuRow row(const std::string& method, Number number, std::vector<double> graph) {
  GpuRow r;
  r.name = "recurrence/" + method;
  r.section = "recurrence", r.method = method, r.number = number, r.phase = Phase::train;
  r.shape = kShape;
  r.demand = demand_of(kShape, Phase::train, number);
  r.error = 1e-3, r.tolerance = 1e-2;
  r.samples.graph = graph;
  for (const double s : graph) r.samples.stream.push_back(2 * s);
  return r;
}

GpuReport report() {
  GpuReport out;
  out.machine.device.name = "NVIDIA H100 80GB HBM3";
  out.machine.device.compute_capability = 90;
  out.peaks = known_peaks(out.machine.device.name);
  out.rates = {{"tanh.approx", "op", 1e9, {}, {{1e-3, 1e-3, 2e-3}, {1e-3}, {}}}};
  out.rows = {row("fused_mma", Number::bf16, {1e-3, 1e-3, 1.1e-3}),
              row("cudnn_standard", Number::bf16, {4e-3}),
              row("cudnn_persist_static_small_h", Number::fp16, {2e-3}),
              row("cudnn_standard", Number::fp32, {8e-3})};
  GpuRow refused = row("cudnn_persist_static", Number::bf16, {});
  refused.refused =
      "cuDNN has no persistent kernel for bf16 (CUDNN_STATUS_NOT_SUPPORTED); take "
      "cudnn_standard, or fp16 where the engine has it";
  out.rows.push_back(refused);
  GpuRow failed = row("gemm", Number::bf16, {});
  failed.failed = "differs from double precision by 0.5; 0.02 is allowed";
  out.rows.push_back(failed);
  return out;
}

TEST(GpuRows, BestIsTheSmallerMedian) {
  EXPECT_DOUBLE_EQ((Samples{{3, 1, 2}, {9, 9}, {}}).best(), 2);
  EXPECT_DOUBLE_EQ((Samples{{3, 1, 2}, {1}, {}}).best(), 1);
}

TEST(GpuRows, RatioIsToTheBestCudnnOfAnySixteenBitTypeAndOfTheSameType) {
  const GpuReport r = report();
  const Ratios ratios = ratios_of(r.rows[0], r.rows);
  EXPECT_DOUBLE_EQ(ratios.half.value(), 2);
  EXPECT_DOUBLE_EQ(ratios.same.value(), 4);
  EXPECT_DOUBLE_EQ(ratios_of(r.rows[3], r.rows).half.value(), 0.25);
  EXPECT_DOUBLE_EQ(ratios_of(r.rows[3], r.rows).same.value(), 1);
}

TEST(GpuRows, OtherShapesAndPhasesAreNotCompared) {
  GpuReport r = report();
  for (GpuRow& other : r.rows) {
    if (other.method != "fused_mma") other.shape.B = 7;
  }
  EXPECT_FALSE(ratios_of(r.rows[0], r.rows).half.has_value());
  r = report();
  for (GpuRow& other : r.rows) {
    if (other.method != "fused_mma") other.phase = Phase::forward;
  }
  EXPECT_FALSE(ratios_of(r.rows[0], r.rows).same.has_value());
}

TEST(GpuRows, AWholeEngineIsComparedWithWholeEnginesOnly) {
  GpuReport r = report();
  r.rows[0].section = "engine";
  EXPECT_FALSE(ratios_of(r.rows[0], r.rows).half.has_value());
  r.rows[1].section = "engine";
  EXPECT_DOUBLE_EQ(ratios_of(r.rows[0], r.rows).half.value(), 4);
}

TEST(GpuRows, RatesAreFoundByName) {
  EXPECT_DOUBLE_EQ(measured_rates(report().rates).tanh, 1e12);
  EXPECT_DOUBLE_EQ(measured_rates(report().rates).copy_bytes, 0);
}

TEST(GpuTable, HasAtMostEightyColumns) {
  std::istringstream lines(table(report()));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(GpuTable, RowsSayTimesRatesShareAndRatios) {
  const std::string text = table(report());
  EXPECT_THAT(text, HasSubstr("recurrence train: B 1000, T 28, I 8, H 50, L 1\n"));
  // 3 * 8 * 50 * 58 * 28,000 FLOP in 1 ms; 898 bytes a series and step.
  EXPECT_THAT(
      text,
      HasSubstr(
          "fused_mma         bf16    1000.0    2000.0  10.0     1.9     25   1%m  2.00 4.00\n"));
}

TEST(GpuTable, RefusalsAndFailuresAreRowsWithTheReason) {
  const std::string text = table(report());
  EXPECT_THAT(text, HasSubstr("cudnn_persist_static\n"));
  EXPECT_THAT(text, HasSubstr("refused: cuDNN has no persistent kernel"));
  EXPECT_THAT(text, HasSubstr("FAILED: differs from double precision by 0.5;"));
}

TEST(GpuTable, PeaksSayWhereTheyAreFrom) {
  EXPECT_THAT(table(report()), HasSubstr("989.40 TFLOP/s  nominal\n"));
  GpuReport unknown = report();
  unknown.peaks = {};
  EXPECT_THAT(table(unknown), HasSubstr("not known\n"));
  EXPECT_THAT(table(unknown), Not(HasSubstr("nominal")));
}

TEST(GpuLines, ComeBackAsTheyWere) {
  GpuReport r = report();
  r.machine.driver = "580.65.06", r.machine.commit = "abc", r.machine.compiler = "g++";
  r.machine.highest_clocks = {1980, 2619};
  const Line machine = machine_line(r.machine, r.settings);
  EXPECT_EQ(machine_line(machine_of(machine), r.settings), machine);
  r.rows[0].facts = {{"kernel", std::string("x")}, {"apart", 0.5}};
  r.rows[0].clocks = ClockReading{1980, 2619};
  for (const GpuRow& one : r.rows) {
    const Line line = Line::parse(text_of(case_line(one)));
    EXPECT_EQ(case_line(case_of(line)), line);
    EXPECT_EQ(line.at("kind"), "case");
  }
  const Line rate = rate_line(r.rates.at(0));
  EXPECT_EQ(rate_line(rate_of(rate)), rate);
}

TEST(GpuLines, AMessageThatIsNoUtf8IsStillALine) {
  EXPECT_THAT(text_of(lost_line("case", "driver says \xff")), HasSubstr("driver says "));
}

TEST(GpuTable, RowsOfABlockStandTogetherThoughMeasuredApart) {
  GpuReport r = report();
  GpuRow other = r.rows[1];
  other.section = "cudnn";
  r.rows.insert(r.rows.begin() + 1, other);
  const std::string text = table(r);
  const std::string title = "recurrence train: ";
  EXPECT_EQ(text.find(title), text.rfind(title));
}

TEST(GpuJson, KeepsEverySampleReasonAndRatio) {
  const nlohmann::json j = to_json(report());
  const nlohmann::json& first = j.at("results").at(0);
  EXPECT_EQ(first.at("graph_seconds"), (std::vector<double>{1e-3, 1e-3, 1.1e-3}));
  EXPECT_EQ(first.at("stream_seconds").size(), 3u);
  EXPECT_DOUBLE_EQ(first.at("times_as_fast_as_cudnn").at("best_16_bit"), 2);
  EXPECT_EQ(first.at("parameters").at("H"), 50);
  EXPECT_EQ(first.at("roof").at("binding"), "memory");
  EXPECT_THAT(j.at("results").at(4).at("refused"), HasSubstr("no persistent kernel"));
  EXPECT_THAT(j.at("results").at(5).at("failed"), HasSubstr("differs"));
  EXPECT_TRUE(j.at("results").at(0).at("refused").is_null());
  EXPECT_EQ(j.at("machine").at("device"), "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(j.at("peaks").at("16_bit").at("source"), "nominal");
  EXPECT_EQ(j.at("rates").at(0).at("stream_seconds").size(), 3u);
}

}  // namespace
}  // namespace sluice::bench
