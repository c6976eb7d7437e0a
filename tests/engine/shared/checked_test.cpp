// Two recurrences on the same batch: what is counted, what is said, and that the first one's
// results are used. The device's form is in tests/cuda/recurrence/checked_test.cpp.
#include "engine/shared/checked.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "engine/cpu/choice.hpp"
#include "engine/fused/recurrence.hpp"
#include "sluice/base/error.hpp"
#include "support/host_recurrence.hpp"
#include "support/recurrence_problem.hpp"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using Floats = std::vector<float>;

constexpr int kT = 4, kN = 3, kC = 2, kH = 5, kL = 2;

/// A recurrence whose results are all times 1 + 2^-10: wrong, if little.
class Wrong final : public Recurrence {
 public:
  explicit Wrong(std::unique_ptr<Recurrence> right) : right_(std::move(right)) {}
  std::string name() const override { return "wrong"; }
  void prepare(int T, int N, bool training) override { right_->prepare(T, N, training); }
  void load(std::span<const float> weights) override { right_->load(weights); }
  void infer(int T, int N, const Input& x, StateIn initial, std::span<float> h,
             StateOut last) override {
    right_->infer(T, N, x, initial, h, last);
    spoil(last.h);
  }
  void forward(int T, int N, const Input& x, StateIn initial, DropoutKey dropout,
               std::span<float> h, StateOut last) override {
    right_->forward(T, N, x, initial, dropout, h, last);
  }
  void backward(std::span<const float> dh, StateIn dlast, std::span<float> dx,
                std::span<float> dweights, StateOut dinitial) override {
    right_->backward(dh, dlast, dx, dweights, dinitial);
    spoil(dweights);
  }

 private:
  static void spoil(std::span<float> values) {
    for (float& value : values) value *= 1 + 0x1p-10f;
  }
  std::unique_ptr<Recurrence> right_;
};

std::unique_ptr<Recurrence> fused() { return make_fused_recurrence(kC, kH, kL); }

Floats numbers(std::size_t size, float scale) {
  Floats out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = scale * static_cast<float>(static_cast<int>(7 * i % 19) - 9) / 9;
  }
  return out;
}

/// Two training batches and an inference, states in place; gives the weights' gradient.
Floats work(Recurrence& recurrence) {
  recurrence.prepare(kT, kN, true);
  recurrence.prepare(kT, kN, false);
  recurrence.load(numbers(static_cast<std::size_t>(recurrence_params(kC, kH, kL)), 0.4f));
  const Floats x = numbers(kT * kN * kC, 1), dh = numbers(kT * kN * kH, 0.5f);
  Floats h(dh.size()), dx(x.size()), state_h(kL * kN * kH), state_c(state_h.size());
  Floats dweights(static_cast<std::size_t>(recurrence_params(kC, kH, kL)));
  for (int batch = 0; batch < 2; ++batch) {
    recurrence.forward(kT, kN, x, {state_h, state_c}, {.rate = 0.25f, .seed = 3, .step = batch}, h,
                       {state_h, state_c});
    Floats last(state_h.size());
    recurrence.infer(kT, kN, x, {}, {}, {last, {}});  // between the halves
    recurrence.backward(dh, {}, dx, dweights, {});
  }
  return dweights;
}

TEST(CheckedRecurrence, TwoOfTheSameShowNoDifference) {
  std::vector<std::string> said;
  Floats checked;
  {
    const auto recurrence = make_checked_recurrence(
        kC, kH, kL, fused(), fused(), [&](std::string_view text) { said.emplace_back(text); });
    EXPECT_EQ(recurrence->name(), "check:fused,fused");
    checked = work(*recurrence);
  }
  EXPECT_EQ(checked, work(*fused()));
  ASSERT_THAT(said, SizeIs(3));  // the first inference, the first training batch, all
  EXPECT_THAT(said[0], HasSubstr("check: fused (used) against fused, first inference\n  h of the "
                                 "last step: 30 numbers, absolute 0 at most, 0 in the mean; "
                                 "relative 0 at most, 0 in the mean: equal 30"));
  EXPECT_THAT(said[1], AllOf(HasSubstr("first training batch\n  h: 60 numbers, absolute 0 at most"),
                             HasSubstr("\n  c of the last step: 30 numbers"),
                             HasSubstr("\n  dx: 24 numbers"), HasSubstr("\n  dweights: ")));
  EXPECT_THAT(said[2], AllOf(HasSubstr("all 2 training batches\n  h: 120 numbers, absolute 0 at"),
                             HasSubstr("all 2 inferences\n  h of the last step: 60 numbers")));
}

TEST(CheckedRecurrence, AWrongOneIsReportedAndTheOtherOnesResultsAreUsed) {
  std::vector<std::string> said;
  Floats checked;
  {
    const auto recurrence =
        make_checked_recurrence(kC, kH, kL, fused(), std::make_unique<Wrong>(fused()),
                                [&](std::string_view text) { said.emplace_back(text); });
    checked = work(*recurrence);
  }
  EXPECT_EQ(checked, work(*fused()));
  ASSERT_THAT(said, SizeIs(3));
  // 2^-10 = 0.00098 relative, which is below 1e-3, of each number; the rest agrees.
  EXPECT_THAT(said[0], AllOf(HasSubstr("fused (used) against wrong"),
                             HasSubstr("relative 0.00098 at most, 0.00098 in the mean: <1e-3 30")));
  EXPECT_THAT(said[1], AllOf(HasSubstr("h: 60 numbers, absolute 0 at most"),
                             HasSubstr("relative 0.00098 at most")));
}

TEST(CheckedRecurrence, NoBatchSaysNothing) {
  std::vector<std::string> said;
  make_checked_recurrence(kC, kH, kL, fused(), fused(),
                          [&](std::string_view text) { said.emplace_back(text); });
  EXPECT_THAT(said, IsEmpty());
}

TEST(CheckedRecurrence, IsMadeOfTwoNamesWithTheirPrecision) {
  const auto make = [](const char* name) {
    return make_cpu_engine_recurrence(name, Precision::fp32, kC, kH, kL, 1)->name();
  };
  EXPECT_EQ(make("check:fused,onednn"), "check:fused,onednn");
  EXPECT_EQ(make("fused"), "fused");
  EXPECT_THAT([&] { make("check:fused,gem"); },
              ThrowsMessage<ConfigError>(
                  "engine.recurrence = \"gem\" does not exist on the CPU; choose auto, fused or "
                  "onednn"));
  EXPECT_THAT(
      [&] { make("check:fused,check:fused,onednn"); },
      ThrowsMessage<ConfigError>(HasSubstr("a check cannot check a check; write check:A,B")));
  for (const char* name :
       {"check:", "check:fused", "check:fused,", "check:,fused", "check:fused,onednn,fused"}) {
    EXPECT_THAT([&] { make(name); },
                ThrowsMessage<ConfigError>(HasSubstr("a check needs two recurrences")))
        << name;
  }
}

TEST(Differences, AreCountedByDecadeOfTheRelativeOne) {
  Differences d;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Floats a = {0, -0.0f, 1, 1, 1, 2, 0, nan, 1};
  const Floats b = {0, 0, 1, 1 + 0x1p-23f, 1.0005f, 1, 5, 1, nan};
  d.add(a, b);
  EXPECT_EQ(d.count, 7);
  EXPECT_EQ(d.not_finite, 2);
  // 0 three times; 1.2e-7; 5e-4; 0.5 and 1.
  EXPECT_THAT(d.histogram, ::testing::ElementsAre(3, 0, 1, 0, 0, 1, 0, 0, 2));
  EXPECT_EQ(d.largest_absolute, 5);
  EXPECT_EQ(d.largest_relative, 1);
  EXPECT_THAT(d.text("h"), AllOf(HasSubstr("h: 7 numbers, absolute 5 at most"),
                                 HasSubstr("equal 3, <1e-6 1, <1e-3 1, >=1e-1 2"),
                                 HasSubstr("; 2 are not finite in one or both")));
  Differences twice = d;
  twice.add(d);
  EXPECT_EQ(twice.count, 14);
  EXPECT_EQ(twice.not_finite, 4);
  EXPECT_THAT(twice.histogram, ::testing::ElementsAre(6, 0, 2, 0, 0, 2, 0, 0, 4));
  EXPECT_EQ(twice.largest_absolute, 5);
}

TEST(DifferencesText, ZerosAreNotShownAsAgreement) {
  Differences d;
  d.add(std::vector<float>{0, 0}, std::vector<float>{0, 0});
  EXPECT_EQ(d.text("dweights"), "dweights: 2 numbers, all of them zero in both");
  d.add(std::vector<float>{0}, std::vector<float>{1e-30f});
  EXPECT_THAT(d.text("dweights"), HasSubstr("3 numbers, absolute 1e-30 at most"));
}

}  // namespace
}  // namespace sluice
