// Every device recurrence against the double-precision reference, forward and backward. Tolerances:
// support/recurrence_problem.hpp. Which recurrences: support/device_recurrence.hpp. A shape that a
// recurrence refuses is passed over; cuDNN may refuse as late as when it is made ready.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "recurrence/gemm/recurrence.hpp"
#include "sluice/base/error.hpp"
#include "support/device_recurrence.hpp"

namespace sluice {
namespace {

using reference::RecurrenceCase;
using reference::RecurrenceProblem;
using testing::DeviceRun;
using testing::download;
using testing::TestedRecurrence;

RecurrenceSpec spec_of(const RecurrenceCase& c, Precision precision) {
  return {.C = c.shape.C,
          .H = c.shape.H,
          .L = c.shape.L,
          .precision = precision,
          .dropout = c.dropout.rate > 0};
}

void check(DeviceContext& context, const RecurrenceCase& c, Precision precision,
           std::unique_ptr<DeviceRecurrence> recurrence) {
  SCOPED_TRACE(::testing::PrintToString(c));
  const RecurrenceProblem problem(c, precision);
  const int T = c.shape.T, L = c.shape.L;
  DeviceRun run(context, problem, std::move(recurrence));
  const auto expect = [&](const char* what, const DeviceBuffer<float>& got, int outer,
                          const reference::Vector& want) {
    problem.expect_near(what, problem.gather(testing::download(got), outer), want);
  };
  run.infer();
  expect("infer h", run.h, T, problem.trace_infer.h());
  expect("infer hT", run.h_last, L, problem.trace_infer.h_last);
  expect("infer cT", run.c_last, L, problem.trace_infer.c_last);

  run.forward();
  expect("h", run.h, T, problem.trace.h());
  expect("hT", run.h_last, L, problem.trace.h_last);
  expect("cT", run.c_last, L, problem.trace.c_last);

  run.backward();
  expect("dx", run.dx, T, problem.gradients.dx);
  problem.expect_weights_near(testing::download(run.dweights));
  expect("dh0", run.dh0, L, problem.gradients.dh0);
  expect("dc0", run.dc0, L, problem.gradients.dc0);
}

/// 1/4 and 1/2 by turns where there are layers to drop between; each third case none.
DropoutKey dropout_of(int L, int count) {
  const float rate = L > 1 && count % 3 != 0 ? 0.25f * static_cast<float>(count % 3) : 0.0f;
  return {.rate = rate, .seed = 0x123456789abcull, .step = count};
}

class ParityTest : public testing::DeviceTest {
 protected:
  /// Runs the cases that are not refused. Skips the test if all are.
  static void check_all(const TestedRecurrence& tested, const std::vector<RecurrenceCase>& cases) {
    const auto [count, refused] = check_those_that_run(tested, cases);
    if (count == 0) GTEST_SKIP() << refused;
  }

  struct Checked {
    int count = 0;
    std::string refused;  ///< why the last of the others did not run
  };
  static Checked check_those_that_run(const TestedRecurrence& tested,
                                      const std::vector<RecurrenceCase>& cases) {
    DeviceContext context;
    Checked checked;
    for (const RecurrenceCase& c : cases) {
      const RecurrenceSpec spec = spec_of(c, tested.precision);
      const std::string refused = refusal(tested.name, spec, context.info());
      if (!refused.empty()) {
        checked.refused = refused;
        continue;
      }
      try {
        check(context, c, tested.precision, make_device_recurrence(tested.name, spec, context));
        ++checked.count;
      } catch (const NotSupportedError& late) {
        checked.refused = late.what();
      }
    }
    return checked;
  }
};

using Parameter = std::tuple<TestedRecurrence, int>;
class DeviceRecurrenceParity : public ParityTest,
                               public ::testing::WithParamInterface<Parameter> {};

// All of T x N x L, C by turns; states and dropout alternate, so that each size meets each of them.
// The interpreter is slow where H is large: there, each pair of (T, N, L) once.
TEST_P(DeviceRecurrenceParity, ForwardAndBackwardAgreeWithTheReference) {
  if (IsSkipped()) return;
  const auto [tested, H] = GetParam();
  std::vector<RecurrenceCase> cases;
  const int inputs[] = {1, 5, 15};
  int count = H, place = 0;
  const bool slow = H >= 40 && !testing::on_device();
  for (const int L : {1, 2, 4}) {
    for (const int T : {1, 2, 9}) {
      for (const int N : {1, 3, 33}) {
        const RecurrenceShape shape{.T = T, .N = N, .C = inputs[count % 3], .H = H, .L = L};
        const int digits = place + place / 3 + place / 9;  // of base 3: one each of L, T, N
        ++place;
        if (slow && digits % 3 != H % 3) continue;
        cases.push_back(
            {.shape = shape, .states = count % 2 == 0, .dropout = dropout_of(L, count / 2)});
        ++count;
      }
    }
  }
  check_all(tested, cases);
}

// Gradients reach four sequences only, dealt over the batch: so the reference's work does not grow
// with it.
TEST_P(DeviceRecurrenceParity, SequencesOfALargerBatchAgreeWithTheReference) {
  if (IsSkipped()) return;
  const auto [tested, H] = GetParam();
  const RecurrenceShape shape{.T = 3, .N = 4, .C = 5, .H = H, .L = 2};
  check_all(tested, {{.shape = shape, .states = true, .dropout = dropout_of(2, 1), .batch = 70}});
}

INSTANTIATE_TEST_SUITE_P(
    All, DeviceRecurrenceParity,
    ::testing::Combine(::testing::ValuesIn(testing::device_recurrences_to_test()),
                       ::testing::Values(1, 7, 16, 40, 64)),
    [](const auto& tested) {
      return label(std::get<0>(tested.param)) + "_H" + std::to_string(std::get<1>(tested.param));
    });

// The model of cuDNN takes the descriptor of these 300 units and refuses to make them ready.
class CudnnParity : public ParityTest {};

TEST_F(CudnnParity, AShapeRefusedOnlyWhenItIsMadeReadyIsPassedOver) {
  if (IsSkipped()) return;
  if (cudnn_version().empty()) GTEST_SKIP() << "built without cuDNN";
  if (!testing::on_standin()) GTEST_SKIP() << "what cuDNN itself refuses is not known";
  const RecurrenceShape small{.T = 2, .N = 2, .C = 3, .H = 5, .L = 1};
  RecurrenceShape large = small;
  large.H = 300;
  const auto [count, refused] = check_those_that_run({"cudnn_standard", Precision::fp32},
                                                     {{.shape = large}, {.shape = small}});
  EXPECT_EQ(count, 1);
  EXPECT_NE(refused.find("CUDNN_STATUS_NOT_SUPPORTED"), std::string::npos) << refused;
}

class LargeDeviceRecurrence : public ParityTest,
                              public ::testing::WithParamInterface<TestedRecurrence> {};

// Some 20 s of the reference's time a recurrence. L by turns: 1, 2, 4.
TEST_P(LargeDeviceRecurrence, AgreesWithTheReference) {
  if (IsSkipped()) return;
  if (!testing::on_device()) GTEST_SKIP() << "too large for the interpreter: needs a GPU";
  struct Size {
    int T, batch;
  };
  std::vector<RecurrenceCase> cases;
  int count = 0;
  for (const int H : {16, 33, 64, 96, 128, 200, 256, 257, 384, 512}) {
    for (const Size& size : {Size{1, 20'000}, Size{24, 4097}, Size{100, 1000}, Size{400, 33}}) {
      const int L = count % 3 == 2 ? 4 : count % 3 + 1;
      cases.push_back(
          {.shape = {.T = size.T, .N = 2, .C = count % 2 == 0 ? 14 : 15, .H = H, .L = L},
           .states = count % 4 < 2,
           .dropout = dropout_of(L, count / 3),
           .batch = size.batch});
      ++count;
    }
  }
  cases.push_back({.shape = {.T = 400, .N = 2, .C = 14, .H = 64, .L = 1}, .batch = 20'000});
  check_all(GetParam(), cases);
}

INSTANTIATE_TEST_SUITE_P(All, LargeDeviceRecurrence,
                         ::testing::ValuesIn(testing::device_recurrences_to_test()),
                         [](const auto& tested) { return label(tested.param); });

class GemmRecurrenceShares : public testing::DeviceTest {};

// A workspace of one byte: the steps are taken one by one; of two steps of 33 sequences: a share of
// one step is left over.
TEST_F(GemmRecurrenceShares, OfAnyLengthAgreeWithTheReference) {
  if (IsSkipped()) return;
  DeviceContext context;
  int count = 0;
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    for (const std::int64_t workspace : {std::int64_t{1}, std::int64_t{2 * 33 * 4 * 12 * 4}}) {
      for (const int L : {1, 3}) {
        const RecurrenceShape shape{.T = 5, .N = 33, .C = 6, .H = 12, .L = L};
        const RecurrenceCase c{
            .shape = shape, .states = count % 2 == 0, .dropout = dropout_of(L, 1)};
        check(context, c, precision,
              make_gemm_recurrence(spec_of(c, precision), context, workspace));
        ++count;
      }
    }
  }
}

}  // namespace
}  // namespace sluice
