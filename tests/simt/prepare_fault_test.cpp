// Recurrences whose prepare() fails half-way: only the stand-in can make any of its calls fail.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "sluice/base/error.hpp"
#include "standin/standin.hpp"
#include "support/device_recurrence.hpp"

namespace sluice {
namespace {

using reference::RecurrenceProblem;
using testing::DeviceRun;
using testing::TestedRecurrence;

class PrepareFaults : public testing::DeviceTest,
                      public ::testing::WithParamInterface<TestedRecurrence> {};

// What a smaller batch then computes shows whether memory that was got, but not filled, is taken
// for ready.
TEST_P(PrepareFaults, WhicheverCallFailsASmallerBatchThenTrainsAsOnAFreshRecurrence) {
  const TestedRecurrence tested = GetParam();
  DeviceContext context;
  const RecurrenceProblem problem(
      {.shape = {.T = 3, .N = 5, .C = 3, .H = 12, .L = 2}, .states = true}, tested.precision);
  const RecurrenceShape& s = problem.shape;
  const auto make = [&] {
    return make_device_recurrence(
        tested.name,
        {.C = s.C, .H = s.H, .L = s.L, .precision = tested.precision, .dropout = false}, context);
  };
  const auto results = [&](std::unique_ptr<DeviceRecurrence> recurrence) {
    DeviceRun run(context, problem, std::move(recurrence));
    run.forward();
    run.backward();
    return run.results();
  };
  const auto want = results(make());
  for (const bool training : {false, true}) {
    bool failed = true;
    for (int n = 1; failed; ++n) {
      auto recurrence = make();
      standin::fail_after(n, cudaErrorLaunchFailure);
      try {
        recurrence->prepare(s.T + 2, problem.batch + 4, training);
        failed = false;
      } catch (const DeviceError&) {
      }
      standin::fail_after(0, cudaSuccess);
      EXPECT_EQ(results(std::move(recurrence)), want) << "call " << n << ", training " << training;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PrepareFaults,
                         ::testing::ValuesIn(testing::device_recurrences_to_test()),
                         [](const auto& tested) { return label(tested.param); });

}  // namespace
}  // namespace sluice
