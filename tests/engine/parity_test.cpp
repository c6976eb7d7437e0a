// Every recurrence of the CPU, on every instruction set, against the double-precision reference,
// forward and backward. Tolerances: support/recurrence_problem.hpp. Which
// recurrences: support/host_recurrence.hpp; the reference answers a case once for all of them.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/host_recurrence.hpp"

namespace sluice {
namespace {

using reference::Floats;
using reference::RecurrenceArrays;
using reference::RecurrenceCase;
using reference::RecurrenceProblem;
using testing::Answers;
using testing::answers_of;
using testing::HostRecurrence;

void expect_near(const RecurrenceProblem& problem, const Answers& got) {
  const int T = problem.shape.T, L = problem.shape.L;
  const auto expect = [&](const char* what, const Floats& values, int outer,
                          const reference::Vector& want) {
    problem.expect_near(what, problem.gather(values, outer), want);
  };
  expect("infer h", got.infer_h, T, problem.trace_infer.h());
  expect("infer hT", got.infer_h_last, L, problem.trace_infer.h_last);
  expect("infer cT", got.infer_c_last, L, problem.trace_infer.c_last);
  expect("h", got.h, T, problem.trace.h());
  expect("hT", got.h_last, L, problem.trace.h_last);
  expect("cT", got.c_last, L, problem.trace.c_last);
  expect("dx", got.dx, T, problem.gradients.dx);
  problem.expect_weights_near(got.dweights);
  expect("dh0", got.dh0, L, problem.gradients.dh0);
  expect("dc0", got.dc0, L, problem.gradients.dc0);
}

void check(const RecurrenceCase& c) {
  RecurrenceProblem problem(c);
  const RecurrenceArrays batch = problem.in_batch();
  for (const HostRecurrence& tested : testing::recurrences_to_test()) {
    SCOPED_TRACE(::testing::PrintToString(tested) + " " + ::testing::PrintToString(c));
    problem.tolerance = reference::recurrence_tolerance(problem.shape, tested.precision);
    expect_near(problem, answers_of(tested, batch));
  }
}

constexpr DropoutKey dropout(float rate, int step) {
  return {.rate = rate, .seed = 0x123456789abcull, .step = step};
}

/// The k-th of the cases: L, T and N run through all their combinations in 4 x 7 x 9 of them, as
/// these numbers have no common factor; the longer of T and N is halved until a pass costs the
/// reference at most 2e7 products.
RecurrenceCase nth_case(int k, int H) {
  constexpr int kT[] = {1, 2, 3, 7, 24, 100, 400}, kN[] = {1, 2, 5, 6, 7, 13, 33, 48, 97};
  constexpr int kC[] = {1, 2, 5, 8, 15, 16, 33};
  constexpr float kRate[] = {0, 0.25f, 0.5f, 0.1f, 0.75f};
  RecurrenceCase c{.shape = {.T = kT[k % 7],
                             .N = kN[k % 9],
                             .C = kC[(3 * k + k / 7) % 7],
                             .H = H,
                             .L = k % 4 + 1},
                   .states = k / 4 % 2 == 0};
  RecurrenceShape& s = c.shape;
  if (s.L > 1) c.dropout = dropout(kRate[k % 5], k);
  while (4.0 * H * (std::max(s.C, H) + H) * s.T * s.N * s.L > 2e7) {
    int& longer = s.T > s.N ? s.T : s.N;
    longer /= 2;
  }
  return c;
}

constexpr int kWidths[] = {1,  2,  3,  5,  7,  8,   9,   15,  16,  17,  24,  31,  33,  40,
                           47, 48, 49, 64, 65, 100, 127, 128, 129, 200, 255, 257, 384, 512};

class RecurrenceParity : public ::testing::TestWithParam<int> {};

// Wide ones cost by their weights, whatever their T and N: three cases of them.
TEST_P(RecurrenceParity, ForwardAndBackwardAgreeWithTheReference) {
  const int H = kWidths[GetParam()], count = H < 200 ? 9 : 3;
  for (int i = 0; i < count; ++i) check(nth_case(GetParam() * 9 + i, H));
}

INSTANTIATE_TEST_SUITE_P(All, RecurrenceParity, ::testing::Range(0, int{std::size(kWidths)}),
                         [](const auto& one) { return "H" + std::to_string(kWidths[one.param]); });

TEST(RecurrenceParityOf, LongWindows) {
  check({.shape = {.T = 400, .N = 2, .C = 14, .H = 64, .L = 1}, .states = true});
  check({.shape = {.T = 399, .N = 7, .C = 3, .H = 21, .L = 2}, .dropout = dropout(0.25f, 1)});
}

// Tiles of several series, in more than one chunk, and one step of a model too wide for the caches.
TEST(RecurrenceParityOf, WideModels) {
  check({.shape = {.T = 2, .N = 20, .C = 5, .H = 511, .L = 1}, .states = true});
  check({.shape = {.T = 2, .N = 53, .C = 18, .H = 130, .L = 2}, .dropout = dropout(0.25f, 2)});
}

// Gradients reach nine sequences only, dealt over the batch: the reference's work does not grow
// with it.
TEST(RecurrenceParityOf, SequencesOfALargeBatch) {
  check({.shape = {.T = 1, .N = 9, .C = 15, .H = 64, .L = 1}, .states = true, .batch = 5000});
  check({.shape = {.T = 4, .N = 9, .C = 3, .H = 20, .L = 3},
         .states = true,
         .dropout = dropout(0.25f, 3),
         .batch = 5000});
  check({.shape = {.T = 24, .N = 9, .C = 8, .H = 9, .L = 4},
         .dropout = dropout(0.5f, 4),
         .batch = 997});
}

}  // namespace
}  // namespace sluice
