// The CPU's fused recurrence on every instruction set that this machine has: its sigmoid and tanh
// over the floats, each set against the double-precision reference, and the same bits however the
// series are dealt.
#include "engine/fused_kernels.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/fused_recurrence.hpp"
#include "support/recurrence_problem.hpp"

namespace sluice {
namespace {

using reference::Floats;
using reference::RecurrenceProblem;

/// Every 4,099th float, both signs, denormals and infinities included: about a million.
Floats all_over() {
  Floats out;
  for (std::uint64_t bits = 0; bits <= 0x7f800000u; bits += 4099) {
    const float v = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    out.push_back(v);
    out.push_back(-v);
  }
  for (float v = 0; v < 100; v += 0x1p-10f) {  // where they bend
    out.push_back(v);
    out.push_back(-v);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float v : {infinity, -infinity, 0x1p-149f, -0x1p-149f, 0x1.fffffep127f}) {
    out.push_back(v);
  }
  return out;
}

class OnEverySet : public testing::TestWithParam<const FusedKernels<float>*> {};

TEST_P(OnEverySet, SigmoidIsWithinItsErrorOverAllFloats) {
  const Floats in = all_over();
  Floats out(in.size());
  GetParam()->sigmoid(in.data(), static_cast<std::int64_t>(in.size()), out.data());
  double absolute = 0, relative = 0, far = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double x = static_cast<double>(in[i]), got = static_cast<double>(out[i]);
    const double want = 1 / (1 + std::exp(-x)), error = std::abs(got - want);
    ASSERT_TRUE(std::isfinite(got)) << x;
    absolute = std::max(absolute, error);
    if (x > -86) relative = std::max(relative, error / want / (3 + std::abs(x < 0 ? x : 0.0)));
    if (x <= -86) far = std::max(far, error);
  }
  EXPECT_LE(absolute, 2e-7);
  EXPECT_LE(relative, 0x1p-23);
  EXPECT_LE(far, 0x1p-123);
}

TEST_P(OnEverySet, TanhIsWithinItsErrorOverAllFloats) {
  const Floats in = all_over();
  Floats out(in.size());
  GetParam()->tanh(in.data(), static_cast<std::int64_t>(in.size()), out.data());
  double relative = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double want = std::tanh(static_cast<double>(in[i]));
    const double error = std::abs(static_cast<double>(out[i]) - want);
    ASSERT_TRUE(std::isfinite(out[i])) << in[i];
    if (error > 1e-37) relative = std::max(relative, error / std::abs(want));
  }
  EXPECT_LE(relative, 4e-7);
}

TEST_P(OnEverySet, NanStaysNan) {
  const Floats in(5, std::numeric_limits<float>::quiet_NaN());
  Floats sigmoid(5), tanh(5);
  GetParam()->sigmoid(in.data(), 5, sigmoid.data());
  GetParam()->tanh(in.data(), 5, tanh.data());
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(std::isnan(sigmoid[i]) && std::isnan(tanh[i])) << i;
  }
}

/// Everything that a training step and an inference give.
struct Answers {
  Floats infer, h, h_last, c_last, dx, dweights, dh0, dc0;
};

Answers run(Recurrence& recurrence, const RecurrenceProblem& p) {
  const RecurrenceShape& s = p.shape;
  const Floats states(p.trace.h_last.size());
  Answers a{p.dh, p.dh, states, states, p.x, p.weights, states, states};
  recurrence.prepare(s.T, s.N, false);
  recurrence.prepare(s.T, s.N, true);
  recurrence.load(p.weights);
  const StateIn initial{p.h0, p.c0};
  recurrence.infer(s.T, s.N, p.x, initial, a.infer, {});
  recurrence.forward(s.T, s.N, p.x, initial, p.dropout, a.h, {a.h_last, a.c_last});
  recurrence.backward(p.dh, {p.dh_last, p.dc_last}, a.dx, a.dweights, {a.dh0, a.dc0});
  return a;
}

// Widths round the vectors', batches round the tiles'.
TEST_P(OnEverySet, AgreesWithTheReference) {
  for (const int H : {5, 24, 33, 130}) {
    for (const int N : {2, 7, 53}) {
      const RecurrenceProblem p({.shape = {.T = 5, .N = N, .C = 18, .H = H, .L = 2},
                                 .states = true,
                                 .dropout = {.rate = 0.25f, .seed = 3, .step = 4}});
      SCOPED_TRACE(testing::Message() << "H=" << H << " N=" << N);
      const Answers a = run(*make_fused_recurrence(18, H, 2, *GetParam()), p);
      p.expect_near("infer", a.infer, p.trace_infer.h());
      p.expect_near("h", a.h, p.trace.h());
      p.expect_near("c", a.c_last, p.trace.c_last);
      p.expect_near("dx", a.dx, p.gradients.dx);
      p.expect_near("dh0", a.dh0, p.gradients.dh0);
      p.expect_near("dc0", a.dc0, p.gradients.dc0);
      p.expect_weights_near(a.dweights);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fused, OnEverySet, testing::ValuesIn(all_fused_kernels()),
                         [](const auto& set) { return std::string(set.param->target); });

TEST(FusedRecurrence, GivesTheSameBitsForAnyNumberOfThreads) {
  const RecurrenceProblem p({.shape = {.T = 4, .N = 205, .C = 3, .H = 20, .L = 2},
                             .states = true,
                             .dropout = {.rate = 0.5f, .seed = 3, .step = 4}});
  const int threads = omp_get_max_threads();
  std::vector<Answers> all;
  for (const int count : {1, 2, 5}) {
    omp_set_num_threads(count);
    all.push_back(run(*make_fused_recurrence(3, 20, 2), p));
  }
  omp_set_num_threads(threads);
  for (const Answers& a : all) {
    EXPECT_EQ(a.infer, all[0].infer);
    EXPECT_EQ(a.h, all[0].h);
    EXPECT_EQ(a.dx, all[0].dx);
    EXPECT_EQ(a.dweights, all[0].dweights);
    EXPECT_EQ(a.dc0, all[0].dc0);
  }
}

TEST(FusedRecurrence, GivesASeriesTheSameBitsInAnyBatch) {
  const RecurrenceProblem p({.shape = {.T = 3, .N = 61, .C = 3, .H = 20, .L = 1}});
  const auto recurrence = make_fused_recurrence(3, 20, 1);
  const Floats all = run(*recurrence, p).infer;
  recurrence->prepare(3, 1, false);
  for (const std::size_t n : {0u, 5u, 6u, 60u}) {
    Floats x, h(3 * 20);
    for (std::size_t t = 0; t < 3; ++t) {
      for (std::size_t k = 0; k < 3; ++k) x.push_back(p.x[(t * 61 + n) * 3 + k]);
    }
    recurrence->infer(3, 1, x, {}, h, {});
    for (std::size_t t = 0; t < 3; ++t) {
      for (std::size_t j = 0; j < 20; ++j) {
        ASSERT_EQ(h[t * 20 + j], all[(t * 61 + n) * 20 + j]) << n << ' ' << t << ' ' << j;
      }
    }
  }
}

// As a carried state is handed on: backward needs the states that forward overwrote.
TEST(FusedRecurrence, LastStatesMayOverwriteInitialOnes) {
  const RecurrenceProblem p({.shape = {.T = 3, .N = 8, .C = 3, .H = 20, .L = 2}, .states = true});
  const auto recurrence = make_fused_recurrence(3, 20, 2);
  const Answers want = run(*recurrence, p);
  Floats h_state = p.h0, c_state = p.c0, h = want.h, dweights = want.dweights;
  recurrence->forward(3, 8, p.x, {h_state, c_state}, p.dropout, h, {h_state, c_state});
  recurrence->backward(p.dh, {p.dh_last, p.dc_last}, {}, dweights, {});
  EXPECT_EQ(h_state, want.h_last);
  EXPECT_EQ(dweights, want.dweights);
}

}  // namespace
}  // namespace sluice
