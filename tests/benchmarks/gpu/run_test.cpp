// The whole flow of `sluice-bench gpu` on the stand-in for CUDA: what it queues, checks and
// reports.
#include "gpu/run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "benchmarks/gpu/facts.hpp"
#include "gpu/double_lstm.hpp"
#include "gpu/lines.hpp"
#include "gpu/problem.hpp"
#include "gpu/report.hpp"
#include "recurrence/device_recurrence.hpp"
#include "sluice/base/error.hpp"
#include "spread.hpp"
#include "standin/standin.hpp"
#include "support/reference_lstm.hpp"

namespace sluice::bench {
namespace {

using testing::HasSubstr;

constexpr GpuRunSettings kSettings{.repeat = 2, .sample_seconds = 0};
const GpuShape kTiny{.B = 9, .T = 3, .I = 2, .H = 5, .L = 2};

class GpuRun : public testing::Test {
 protected:
  void SetUp() override {
    standin::reset();
    standin::Device device;
    device.multiprocessors = 1;
    standin::set_device(device);
    standin::set_memory_bytes(128 << 20);
  }
  void TearDown() override {
    standin::finish();
    EXPECT_EQ(standin::live_allocations(), 0);
    EXPECT_EQ(standin::live_handles(), 0);
    standin::reset();
  }

  static std::vector<GpuRow> run(const std::vector<GpuCase>& cases) {
    return run(cases, kSettings, {});
  }
  static std::vector<GpuRow> run(const std::vector<GpuCase>& cases, const GpuRunSettings& settings,
                                 const ReadClocks& read_clocks) {
    DeviceContext context;
    std::vector<GpuRow> rows;
    for (const GpuCase& c : cases) rows.push_back(run_case(c, context, settings, read_clocks));
    return rows;
  }
};

GpuCase made_up(std::function<GpuWork(DeviceContext&)> make) {
  return {"recurrence", "made_up", Number::fp32, Phase::forward, kTiny, std::move(make)};
}

TEST_F(GpuRun, EveryRecurrenceIsCheckedAndTimedInBothWaysOrSaysWhyNot) {
  const std::vector<GpuCase> cases = recurrence_cases_of(kTiny);
  const auto ours = std::ranges::count_if(
      device_recurrences(), [](const std::string& name) { return !name.starts_with("cudnn"); });
  EXPECT_EQ(cases.size(), 9 * device_recurrences().size() + 9 * static_cast<std::size_t>(ours));
  int measured = 0;
  for (const GpuRow& row : run(cases)) {
    EXPECT_EQ(row.failed, "") << row.name;
    if (!row.refused.empty()) continue;
    ++measured;
    EXPECT_EQ(row.samples.no_graph, "") << row.name;
    EXPECT_EQ(row.samples.stream.size(), 2u) << row.name;
    EXPECT_EQ(row.samples.graph.size(), 2u) << row.name;
    EXPECT_GT(row.error.value(), 0) << row.name;
    EXPECT_LE(row.error.value(), row.tolerance) << row.name;
  }
  EXPECT_GE(measured, 9);
}

TEST_F(GpuRun, EveryRecurrenceIsComparedAsAWholeWithAndWithoutDxAndH) {
  DeviceContext context;
  int compared = 0;
  for (const GpuCase& c : recurrence_cases_of(kTiny)) {
    std::vector<Fact> facts;
    try {
      facts = c.make(context).facts();
    } catch (const DeviceError&) {
      continue;  // refused, as another test has it
    }
    ++compared;
    EXPECT_EQ(text(facts, "same bits"), "yes") << name_of(c);
    EXPECT_GT(number(facts, "kernel nodes"), 0) << name_of(c);
    EXPECT_LT(number(facts, "h max rel"), 0.05) << name_of(c);
    EXPECT_EQ(has(facts, "dW max rel"), c.phase != Phase::forward) << name_of(c);
    EXPECT_EQ(has(facts, "dx max rel"), c.phase != Phase::forward && !c.method.ends_with(".nodx"))
        << name_of(c);
    EXPECT_TRUE(c.number != Number::fp32 || !c.method.starts_with("gemm") ||
                number(facts, "h max abs") == 0)
        << name_of(c);
  }
  EXPECT_GE(compared, 36);
}

TEST_F(GpuRun, TheWholeReportIsMade) {
  GpuReport report;
  {
    DeviceContext context;
    report.machine.device = context.info();
    for (const RateCase& rate : rate_cases(context.info())) {
      report.rates.push_back(run_rate(rate, context, kSettings));
      EXPECT_EQ(report.rates.back().failed, "") << rate.name;
    }
  }
  std::vector<GpuCase> cases = recurrence_cases_of(kTiny);
  std::erase_if(cases, [](const GpuCase& c) { return c.phase != Phase::train; });
  report.rows = run(cases, kSettings, [] { return ClockReading{1980, 2619}; });
  report.peaks = with_measured(known_peaks("x"), measured_rates(report.rates));
  EXPECT_THAT(table(report), HasSubstr("Stand-in for an NVIDIA H100"));
  EXPECT_EQ(to_json(report).at("results").size(), report.rows.size());
  EXPECT_EQ(to_json(report).at("results").at(0).at("clocks").at("memory_mhz"), 2619);
}

TEST_F(GpuRun, AnErrorAboveTheToleranceIsAFailedRowAndIsNotTimed) {
  const auto rows = run({made_up([](DeviceContext&) {
    GpuWork work;
    work.run = [] { FAIL() << "was timed"; };
    work.error = [] { return 0.5; };
    work.tolerance = 0.1;
    return work;
  })});
  EXPECT_THAT(rows.at(0).failed, HasSubstr("differs from double precision by 0.5; 0.1 is allowed"));
  EXPECT_TRUE(rows.at(0).samples.empty());
}

TEST_F(GpuRun, NaNIsAFailedRow) {
  const auto rows = run({made_up([](DeviceContext&) {
    GpuWork work;
    work.run = [] {};
    work.error = [] { return std::nan(""); };
    work.tolerance = 1;
    return work;
  })});
  EXPECT_NE(rows.at(0).failed, "");
}

TEST_F(GpuRun, ARefusalIsARowAndTheNextCaseGoesOn) {
  const auto rows =
      run({made_up([](DeviceContext&) -> GpuWork { throw NotSupportedError("needs more"); }),
           made_up([](DeviceContext&) {
             GpuWork work;
             work.run = [] {};
             return work;
           })});
  EXPECT_EQ(rows.at(0).refused, "needs more");
  EXPECT_FALSE(rows.at(1).samples.empty());
}

TEST_F(GpuRun, OnlyWhatIsNotSupportedIsRefused) {
  const auto rows =
      run({made_up([](DeviceContext&) -> GpuWork { throw DeviceError("out of memory"); }),
           made_up([](DeviceContext&) -> GpuWork { throw InternalError("a bug"); }),
           made_up([](DeviceContext&) -> GpuWork { throw std::bad_alloc(); }),
           made_up([](DeviceContext&) {
             GpuWork work;
             work.run = [] {};
             work.error = []() -> double { throw NotSupportedError("not in prepare()"); };
             return work;
           })});
  EXPECT_EQ(rows.at(0).failed, "out of memory");
  EXPECT_EQ(rows.at(1).failed, "a bug");
  EXPECT_NE(rows.at(2).failed, "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rows.at(static_cast<std::size_t>(i)).refused, "");
  EXPECT_EQ(rows.at(3).refused, "not in prepare()");
  EXPECT_EQ(rows.at(3).failed, "");
}

TEST_F(GpuRun, FactsAreAskedForOnceAfterTheErrorAndKept) {
  std::string order;
  const auto rows = run({made_up([&](DeviceContext&) {
    GpuWork work;
    work.run = [] {};
    work.error = [&] { return order += "error ", 0.0; };
    work.facts = [&] {
      order += "facts ";
      return std::vector<Fact>{{"kernel", std::string("mma")}, {"apart", 0.5}};
    };
    return work;
  })});
  EXPECT_EQ(order, "error facts ");
  const Line line = case_line(rows.at(0));
  EXPECT_EQ(line.at("facts"), (Line{{"kernel", "mma"}, {"apart", 0.5}}));
}

TEST_F(GpuRun, GraphOnlyTimesTheStreamOnlyWhereThereIsNoGraph) {
  GpuRunSettings settings = kSettings;
  settings.graph_only = true;
  const auto work = [](bool capturable) {
    return made_up([capturable](DeviceContext&) {
      GpuWork made;
      made.run = [] {};
      made.capturable = capturable;
      return made;
    });
  };
  const auto rows = run({work(true), work(false)}, settings, {});
  EXPECT_TRUE(rows.at(0).samples.stream.empty());
  EXPECT_EQ(rows.at(0).samples.graph.size(), 2u);
  EXPECT_EQ(rows.at(1).samples.stream.size(), 2u);
  EXPECT_EQ(rows.at(1).samples.no_graph, "cannot be captured");
}

TEST_F(GpuRun, WhatCannotBeCapturedIsTimedAsAStreamOnly) {
  const auto rows = run({made_up([](DeviceContext&) {
    GpuWork work;
    work.run = [] {};
    work.capturable = false;
    return work;
  })});
  EXPECT_EQ(rows.at(0).samples.stream.size(), 2u);
  EXPECT_TRUE(rows.at(0).samples.graph.empty());
  EXPECT_NE(rows.at(0).samples.no_graph, "");
}

TEST_F(GpuRun, AProblemSeesAWrongResultInAProbeAndAWrongWeightGradient) {
  DeviceContext context;
  Problem problem(kTiny, Phase::train, context);
  DeviceBuffer<float> h(context.memory(), kTiny.T * kTiny.B * kTiny.H, "h");
  DeviceBuffer<float> dweights(context.memory(), weight_count(kTiny), "dweights");
  const auto spec = RecurrenceSpec{.C = kTiny.I, .H = kTiny.H, .L = kTiny.L};
  const auto recurrence = make_device_recurrence("gemm", spec, context);
  recurrence->prepare(kTiny.T, kTiny.B, true);
  recurrence->load(problem.weights());
  const auto train = [&] {
    recurrence->forward(kTiny.T, kTiny.B, problem.x(), {}, {}, h.span(), {});
    recurrence->backward(problem.dh(), {}, {}, dweights.span(), {});
  };
  EXPECT_LT(problem.gradient_error(train, {}, dweights.span()), 1e-5);
  EXPECT_LT(problem.forward_error(h.span()), 1e-5);
  const auto train_wrong = [&] {
    train();
    set_zero(dweights.span().subspan(weight_count(kTiny) - 1, 1), context.stream());
  };
  EXPECT_GT(problem.gradient_error(train_wrong, {}, dweights.span()), 1e-3);
  set_zero(h.span().subspan(h.size() - 1, 1), context.stream());
  EXPECT_GT(problem.forward_error(h.span()), 1e-3);
}

// The benchmark cannot include tests/, so it has its own double-precision LSTM; here the two meet.
TEST(DoubleLstm, AgreesWithTheReferenceOfTheTests) {
  const GpuShape shape{.B = 3, .T = 4, .I = 2, .H = 3, .L = 2};
  const auto wave = [](std::int64_t size, double phase) {
    std::vector<double> v(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = std::sin(phase + 0.7 * static_cast<double>(i));
    return v;
  };
  const reference::LstmShape s{.T = 4, .N = 3, .C = 2, .H = 3, .L = 2};
  reference::LstmInput in;
  in.x = wave(4 * 3 * 2, 1), in.weights = wave(weight_count(shape), 2);
  in.h0.assign(2 * 3 * 3, 0), in.c0 = in.h0;
  const auto dh = wave(4 * 3 * 3, 3);
  const auto trace = reference::lstm_forward(s, in);
  const auto expected = reference::lstm_backward(s, in, trace, dh, in.h0, in.c0);
  const DoubleLstm ours = double_lstm(shape, 3, in.weights, in.x, dh);
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    EXPECT_THAT(a, testing::Pointwise(testing::DoubleNear(1e-13), b));
  };
  near(ours.h, trace.h());
  near(ours.dx, expected.dx);
  near(ours.dweights, expected.dweights);
}

TEST(Spread, IsLowestMedianHighest) {
  EXPECT_DOUBLE_EQ(spread({3, 1, 2}).median, 2);
  EXPECT_DOUBLE_EQ(spread({4, 1, 2, 3}).median, 2.5);
  EXPECT_DOUBLE_EQ(spread({4, 1, 2, 3}).low, 1);
  EXPECT_DOUBLE_EQ(spread({4, 1, 2, 3}).high, 4);
}

}  // namespace
}  // namespace sluice::bench
