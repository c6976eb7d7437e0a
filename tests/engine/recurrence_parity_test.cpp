// Every recurrence against the double-precision reference, forward and backward. Tolerances:
// support/recurrence_problem.hpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "engine/fused_recurrence.hpp"
#include "engine/recurrence.hpp"
#include "support/recurrence_problem.hpp"

namespace sluice {
namespace {

using reference::Floats;
using reference::RecurrenceCase;
using reference::RecurrenceProblem;

using Factory = std::function<std::unique_ptr<Recurrence>(int C, int H, int L)>;

void check(const Factory& make, const RecurrenceCase& c) {
  SCOPED_TRACE(testing::PrintToString(c));
  const RecurrenceProblem problem(c);
  const RecurrenceShape& s = problem.shape;
  const auto recurrence = make(s.C, s.H, s.L);
  recurrence->prepare(s.T, s.N, false);
  recurrence->prepare(s.T, s.N, true);
  recurrence->load(problem.weights);

  constexpr float kUnset = -77;
  const std::size_t states = problem.trace.h_last.size();
  Floats h(problem.dh.size(), kUnset), h_last(states, kUnset), c_last(states, kUnset);
  const StateIn initial{problem.h0, problem.c0};
  recurrence->infer(s.T, s.N, problem.x, initial, h, {h_last, c_last});
  problem.expect_near("infer h", h, problem.trace_infer.h());
  problem.expect_near("infer hT", h_last, problem.trace_infer.h_last);
  problem.expect_near("infer cT", c_last, problem.trace_infer.c_last);

  std::fill(h.begin(), h.end(), kUnset);
  recurrence->forward(s.T, s.N, problem.x, initial, problem.dropout, h, {h_last, c_last});
  problem.expect_near("h", h, problem.trace.h());
  problem.expect_near("hT", h_last, problem.trace.h_last);
  problem.expect_near("cT", c_last, problem.trace.c_last);

  Floats dx(problem.x.size(), kUnset), dweights(problem.weights.size(), kUnset);
  Floats dh0(states, kUnset), dc0(states, kUnset);
  recurrence->backward(problem.dh, {problem.dh_last, problem.dc_last}, dx, dweights, {dh0, dc0});
  problem.expect_near("dx", dx, problem.gradients.dx);
  problem.expect_weights_near(dweights);
  problem.expect_near("dh0", dh0, problem.gradients.dh0);
  problem.expect_near("dc0", dc0, problem.gradients.dc0);
}

struct Named {
  const char* name;
  Factory make;
};

void PrintTo(const Named& named, std::ostream* out) { *out << named.name; }

std::string name_of(const testing::TestParamInfo<std::tuple<Named, int>>& info) {
  return std::string(std::get<0>(info.param).name) + "_H" + std::to_string(std::get<1>(info.param));
}

class RecurrenceParity : public testing::TestWithParam<std::tuple<Named, int>> {};

// All of C x T x N x L while a case costs the reference under 1e7 products; of the larger ones
// those with C = 5. States and dropout alternate, so that each size meets each of them.
TEST_P(RecurrenceParity, ForwardAndBackwardAgreeWithTheReference) {
  const auto& [named, H] = GetParam();
  int count = 0;
  for (const int L : {1, 2, 4}) {
    for (const int T : {1, 2, 24, 100}) {
      for (const int N : {1, 3, 33}) {
        for (const int C : {1, 5, 15}) {
          const double products = 4.0 * H * (C + H) * T * N * L;
          if (products > 1e7 && C != 5) continue;
          if (products > 1e8) continue;
          const float rate = L > 1 && count % 3 != 0 ? 0.25f * static_cast<float>(count % 3) : 0.0f;
          check(named.make, {.shape = {.T = T, .N = N, .C = C, .H = H, .L = L},
                             .states = count % 2 == 0,
                             .dropout = {.rate = rate, .seed = 0x123456789abcull, .step = count}});
          ++count;
        }
      }
    }
  }
  EXPECT_GT(count, 60);
}

std::unique_ptr<Recurrence> make_fused(int C, int H, int L) {
  return make_fused_recurrence(C, H, L);
}

std::unique_ptr<Recurrence> make_fused_dealt(int C, int H, int L) {
  return make_sharded_recurrence(C, H, L, 3, [=] { return make_fused_recurrence(C, H, L); });
}

/// As the engine uses it: sequences dealt to three threads, uneven shares included.
std::unique_ptr<Recurrence> make_dealt(int C, int H, int L) {
  return make_sharded_recurrence(C, H, L, 3, [=] { return make_onednn_recurrence(C, H, L); });
}

class WideRecurrenceParity : public RecurrenceParity {};

// Widths whose weights leave a core's caches.
TEST_P(WideRecurrenceParity, AgreesInASmallBatch) {
  const auto& [named, H] = GetParam();
  const int L = H < 512 ? 2 : 1;
  check(named.make, {.shape = {.T = 3, .N = 20, .C = 5, .H = H, .L = L}, .states = true});
}

INSTANTIATE_TEST_SUITE_P(All, RecurrenceParity,
                         testing::Combine(testing::Values(Named{"onednn", make_onednn_recurrence},
                                                          Named{"dealt", make_dealt},
                                                          Named{"fused", make_fused},
                                                          Named{"fused_dealt", make_fused_dealt}),
                                          testing::Values(1, 7, 16, 40, 64, 100)),
                         name_of);

INSTANTIATE_TEST_SUITE_P(All, WideRecurrenceParity,
                         testing::Combine(testing::Values(Named{"onednn", make_onednn_recurrence},
                                                          Named{"fused", make_fused},
                                                          Named{"fused_dealt", make_fused_dealt}),
                                          testing::Values(128, 200, 512)),
                         name_of);

}  // namespace
}  // namespace sluice
