// Two device recurrences on the same batches: what is said of them, that the first one's results
// are used, and an engine that runs so. What is counted: tests/engine/shared/checked_test.cpp.
#include "recurrence/checked.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sluice/base/error.hpp"
#include "support/device_recurrence.hpp"
#include "support/engine_world.hpp"

namespace sluice {
namespace {

using reference::RecurrenceProblem;
using ::testing::AllOf;
using testing::DeviceRun;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

constexpr RecurrenceShape kShape{.T = 4, .N = 5, .C = 3, .H = 8, .L = 2};
constexpr RecurrenceSpec kSpec{.C = 3, .H = 8, .L = 2};

/// gemm with the weights of another model: wrong.
class Wrong final : public DeviceRecurrence {
 public:
  explicit Wrong(DeviceContext& context)
      : context_(context), right_(make_device_recurrence("gemm", kSpec, context)) {}
  std::string name() const override { return "wrong"; }
  void prepare(int T, int N, bool training) override { right_->prepare(T, N, training); }
  void load(DeviceSpan<const float> weights) override {
    zeros_ = DeviceBuffer<float>(context_.memory(), weights.size(), "a test");
    set_zero(zeros_.span(), context_.stream());
    right_->load(zeros_.span());
  }
  void infer(int T, int N, const RecurrenceInput& input, DeviceStateIn initial, DeviceSpan<float> h,
             DeviceStateOut last) override {
    right_->infer(T, N, input, initial, h, last);
  }
  void forward(int T, int N, DeviceSpan<const float> x, DeviceStateIn initial,
               DeviceDropout dropout, DeviceSpan<float> h, DeviceStateOut last) override {
    right_->forward(T, N, x, initial, dropout, h, last);
  }
  void backward(DeviceSpan<const float> dh, DeviceStateIn dlast, DeviceSpan<float> dx,
                DeviceSpan<float> dweights, DeviceStateOut dinitial) override {
    right_->backward(dh, dlast, dx, dweights, dinitial);
  }

 private:
  DeviceContext& context_;
  std::unique_ptr<DeviceRecurrence> right_;
  DeviceBuffer<float> zeros_;
};

class CheckedDevice : public testing::DeviceTest {
 protected:
  /// An inference and a training batch of a check of these two; `said` afterwards.
  std::vector<reference::Floats> work(DeviceContext& context,
                                      std::unique_ptr<DeviceRecurrence> used,
                                      std::unique_ptr<DeviceRecurrence> other) {
    DeviceRun run(context, problem_,
                  make_checked_device_recurrence(
                      kSpec, std::move(used), std::move(other), context,
                      [this](std::string_view text) { said_.emplace_back(text); }));
    run.infer();
    run.forward();
    run.backward();
    return run.results();
  }
  std::vector<reference::Floats> plain(DeviceContext& context) {
    DeviceRun run(context, problem_, make_device_recurrence("gemm", kSpec, context));
    run.forward();
    run.backward();
    return run.results();
  }

  const RecurrenceProblem problem_{
      {.shape = kShape, .states = true, .dropout = {.rate = 0.25f, .seed = 7, .step = 3}},
      Precision::fp32};
  std::vector<std::string> said_;
};

TEST_F(CheckedDevice, TwoOfTheSameShowNoDifference) {
  if (IsSkipped()) return;
  DeviceContext context;
  const auto results = work(context, make_device_recurrence("gemm", kSpec, context),
                            make_device_recurrence("gemm", kSpec, context));
  EXPECT_EQ(results, plain(context));
  ASSERT_THAT(said_, SizeIs(3));
  EXPECT_THAT(said_[0], HasSubstr("check: gemm (used) against gemm, first inference\n  h: 160 "
                                  "numbers, absolute 0 at most"));
  for (const char* name : {"h", "h of the last step", "c of the last step", "dx", "dweights",
                           "dh of the first step", "dc of the first step"}) {
    EXPECT_THAT(said_[1], HasSubstr(std::string("\n  ") + name + ": "));
  }
  for (const std::string& text : said_) EXPECT_THAT(text, Not(HasSubstr("1e")));
}

TEST_F(CheckedDevice, AWrongOneIsReportedAndTheOtherOnesResultsAreUsed) {
  if (IsSkipped()) return;
  DeviceContext context;
  const auto results = work(context, make_device_recurrence("gemm", kSpec, context),
                            std::make_unique<Wrong>(context));
  EXPECT_EQ(results, plain(context));
  ASSERT_THAT(said_, SizeIs(3));
  EXPECT_THAT(said_[1], AllOf(HasSubstr("gemm (used) against wrong"), HasSubstr(">=1e-1")));
}

TEST_F(CheckedDevice, AnEngineTrainsAndForecastsAsWithTheFirstAlone) {
  if (IsSkipped()) return;
  testing::World world(true);
  const testing::Outcome expected = run(world, *world.engine(), 4);
  world.recurrence = "check:gemm,fused";
  const auto engine = world.engine();
  EXPECT_EQ(engine->recurrence(), "check:gemm,fused_simt (fp32, cuda:0)");
  EXPECT_EQ(run(world, *engine, 4), expected);
}

TEST_F(CheckedDevice, WhatCannotBeCheckedIsRefusedWithTheRemedy) {
  if (IsSkipped()) return;
  testing::World world(false);
  const auto make = [&](const char* name) {
    world.recurrence = name;
    world.engine();
  };
  EXPECT_THAT([&] { make("check:gemm,gem"); },
              ThrowsMessage<ConfigError>(HasSubstr("\"gem\": there is no such recurrence on a GPU; "
                                                   "choose auto, fused, cudnn, gemm")));
  EXPECT_THAT([&] { make("check:gemm,onednn"); },
              ThrowsMessage<ConfigError>(HasSubstr("no such recurrence on a GPU")));
  EXPECT_THAT([&] { make("check:gemm,check:gemm,fused"); },
              ThrowsMessage<ConfigError>(HasSubstr("a check cannot check a check")));
  EXPECT_THAT([&] { make("check:gemm,fused_mma"); },
              ThrowsMessage<DeviceError>(HasSubstr("fused_mma needs tf32 or bf16, not fp32")));
}

}  // namespace
}  // namespace sluice
