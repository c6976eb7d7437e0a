// Every device recurrence against the double-precision reference, forward and backward. Tolerances:
// support/recurrence_problem.hpp. Which recurrences: support/device_recurrence.hpp. A shape that a
// recurrence refuses is passed over.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "recurrence/gemm_recurrence.hpp"
#include "support/device_recurrence.hpp"

namespace sluice {
namespace {

using reference::RecurrenceCase;
using reference::RecurrenceProblem;
using testing::DeviceRun;
using testing::download;
using testing::gather;
using testing::TestedRecurrence;

RecurrenceSpec spec_of(const RecurrenceShape& shape, Precision precision) {
  return {.C = shape.C, .H = shape.H, .L = shape.L, .precision = precision};
}

void check(DeviceContext& context, const RecurrenceCase& c, Precision precision,
           std::unique_ptr<DeviceRecurrence> recurrence) {
  SCOPED_TRACE(::testing::PrintToString(c));
  const RecurrenceProblem problem(c, precision);
  const int batch = c.batch == 0 ? c.shape.N : c.batch, T = c.shape.T, L = c.shape.L;
  DeviceRun run(context, problem, batch, std::move(recurrence));
  const auto expect = [&](const char* what, const DeviceBuffer<float>& got, int outer,
                          const reference::Vector& want) {
    problem.expect_near(what, testing::gather(problem, batch, testing::download(got), outer), want);
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

double products(const RecurrenceShape& s) { return 4.0 * s.H * (s.C + s.H) * s.T * s.N * s.L; }

using Parameter = std::tuple<TestedRecurrence, int>;

class DeviceRecurrenceParity : public testing::DeviceTest,
                               public ::testing::WithParamInterface<Parameter> {
 protected:
  /// Runs the cases that are not refused. Skips the test if all are.
  void check_all(const std::vector<RecurrenceCase>& cases) {
    const TestedRecurrence tested = std::get<0>(GetParam());
    DeviceContext context;
    std::string refused;
    int count = 0;
    for (const RecurrenceCase& c : cases) {
      const RecurrenceSpec spec = spec_of(c.shape, tested.precision);
      refused = refusal(tested.name, spec, context.info());
      if (!refused.empty()) continue;
      check(context, c, tested.precision, make_device_recurrence(tested.name, spec, context));
      ++count;
    }
    if (count == 0) GTEST_SKIP() << refused;
  }
};

// All of T x N x L, C by turns; states and dropout alternate, so that each size meets each of them.
TEST_P(DeviceRecurrenceParity, ForwardAndBackwardAgreeWithTheReference) {
  if (IsSkipped()) return;
  std::vector<RecurrenceCase> cases;
  const int inputs[] = {1, 5, 15};
  int count = std::get<1>(GetParam());
  for (const int L : {1, 2, 4}) {
    for (const int T : {1, 2, 9}) {
      for (const int N : {1, 3, 33}) {
        const RecurrenceShape shape{
            .T = T, .N = N, .C = inputs[count % 3], .H = std::get<1>(GetParam()), .L = L};
        if (products(shape) > 5e6) continue;
        cases.push_back(
            {.shape = shape, .states = count % 2 == 0, .dropout = dropout_of(L, count / 2)});
        ++count;
      }
    }
  }
  check_all(cases);
}

// Gradients reach four sequences only, dealt over the batch: so the reference's work does not grow
// with it.
TEST_P(DeviceRecurrenceParity, SequencesOfALargerBatchAgreeWithTheReference) {
  if (IsSkipped()) return;
  const int H = std::get<1>(GetParam());
  std::vector<RecurrenceCase> cases;
  int count = H;
  const auto add = [&](int T, int C, int L, int batch) {
    const RecurrenceShape shape{.T = T, .N = 4, .C = C, .H = H, .L = L};
    const double bytes = 4.0 * T * batch * (2.0 * C + (6.0 * L + 3) * H + 4.0 * H);
    if (products(shape) > 5e8 || bytes > 3e10) return;
    cases.push_back({.shape = shape,
                     .states = count % 2 == 0,
                     .dropout = dropout_of(L, count),
                     .batch = batch});
    ++count;
  };
  add(3, 5, 2, 70);
  if (testing::on_device()) {
    for (const int L : {1, 2, 4}) {
      for (const int T : {1, 24, 100, 400}) {
        for (const int batch : {32, 1000, 4097, 20000}) add(T, 14, L, batch);
      }
    }
  }
  check_all(cases);
}

std::string name_of(const ::testing::TestParamInfo<Parameter>& info) {
  return label(std::get<0>(info.param)) + "_H" + std::to_string(std::get<1>(info.param));
}

std::vector<int> sizes() {
  std::vector<int> sizes{1, 7, 16, 40, 64};
  if (testing::on_device()) sizes.insert(sizes.end(), {32, 33, 96, 128, 200, 256, 257, 384, 512});
  return sizes;
}

INSTANTIATE_TEST_SUITE_P(All, DeviceRecurrenceParity,
                         ::testing::Combine(::testing::ValuesIn(testing::kDeviceRecurrences),
                                            ::testing::ValuesIn(sizes())),
                         name_of);

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
        check(context, {.shape = shape, .states = count % 2 == 0, .dropout = dropout_of(L, 1)},
              precision, make_gemm_recurrence(spec_of(shape, precision), context, workspace));
        ++count;
      }
    }
  }
}

}  // namespace
}  // namespace sluice
