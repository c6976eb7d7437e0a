// Every recurrence against the double-precision reference, forward and backward.
//
// Tolerance. u = 2^-24 is fp32's unit round-off. With weights within 1/sqrt(H) and |x|, |h| of
// order 1 the terms of a pre-activation's sum of K = C + H + 1 products have a root mean square of
// 1/(3 sqrt(H)), so the sum rounds by about u sqrt(K) times its own size of order 1; exp and tanh
// add a few u. That error enters c_t, decays with the forget gate (f ~ 1/2) and passes R, whose
// gain at these weights is below 1: over T steps and L layers the error stays of the order of one
// step's, times a small constant. Gradients are sums of T N such terms of random sign, whose errors
// grow like the sums themselves. So
//   tolerance = 16 u (4 + sqrt(K)) sqrt(L)     of an array's size
// with 16 for the largest of up to 1e5 errors (4 standard deviations) and four gates' worth of
// them. An array's size is its largest element; where all of few elements happen to cancel or decay
// (H = 1, T = 100), it is what their terms are: gradients of order 1 come in and a gate passes some
// 0.1 of them, so 0.1, times sqrt(T N) for sums over all steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "engine/recurrence.hpp"
#include "sluice/base/rng.hpp"
#include "support/reference_lstm.hpp"

namespace sluice {
namespace {

using reference::LstmGradients;
using reference::LstmInput;
using reference::LstmShape;
using reference::LstmTrace;

using Floats = std::vector<float>;

struct Case {
  RecurrenceShape shape;
  bool states = false;  // initial states and gradients of the last states
  DropoutKey dropout = {};
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << "T=" << c.shape.T << " N=" << c.shape.N << " C=" << c.shape.C << " H=" << c.shape.H
       << " L=" << c.shape.L << (c.states ? " states" : "") << " dropout=" << c.dropout.rate;
}

Floats uniform(std::mt19937& random, std::size_t size, double range) {
  std::uniform_real_distribution<float> value(static_cast<float>(-range),
                                              static_cast<float>(range));
  Floats out(size);
  for (float& v : out) v = value(random);
  return out;
}

reference::Vector widen(const Floats& values) { return {values.begin(), values.end()}; }

LstmShape reference_shape(const RecurrenceShape& s) {
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  return {.T = size(s.T), .N = size(s.N), .C = size(s.C), .H = size(s.H), .L = size(s.L)};
}

/// The masks as the contract words them, from Philox itself.
std::vector<reference::Vector> documented_masks(const RecurrenceShape& s, const DropoutKey& key) {
  std::vector<reference::Vector> masks;
  for (int l = 0; l + 1 < s.L; ++l) {
    reference::Vector mask(static_cast<std::size_t>(s.T) * static_cast<std::size_t>(s.N * s.H));
    const std::uint64_t stream = static_cast<std::uint64_t>(key.step) * 65536 +
                                 static_cast<std::uint64_t>(l) * 256 +
                                 static_cast<std::uint64_t>(RandomUse::dropout);
    for (std::size_t e = 0; e < mask.size(); ++e) {
      const float number = to_uniform(philox(key.seed, e / 4, stream).v[e % 4]);
      mask[e] = number >= key.rate ? 1.0 / (1.0 - static_cast<double>(key.rate)) : 0.0;
    }
    masks.push_back(mask);
  }
  return masks;
}

/// One case's arrays, and the reference's answers to them.
struct Problem {
  RecurrenceShape shape;
  DropoutKey dropout;
  Floats x, weights, h0, c0, dh, dh_last, dc_last;
  LstmTrace trace;          // with dropout
  LstmTrace trace_infer;    // without
  LstmGradients gradients;  // with dropout

  explicit Problem(const Case& c) : shape(c.shape), dropout(c.dropout) {
    const LstmShape s = reference_shape(shape);
    std::mt19937 random(static_cast<std::mt19937::result_type>(
        shape.T * 7 + shape.N * 11 + shape.C * 13 + shape.H * 17 + shape.L * 19));
    x = uniform(random, s.T * s.N * s.C, 1.5);
    weights = uniform(random, s.weights(), 1 / std::sqrt(shape.H));
    dh = uniform(random, s.T * s.N * s.H, 1);
    const std::size_t states = s.L * s.N * s.H;
    LstmInput in;
    in.x = widen(x);
    in.weights = widen(weights);
    in.h0.assign(states, 0);
    in.c0.assign(states, 0);
    reference::Vector dh_end(states, 0), dc_end(states, 0);
    if (c.states) {
      h0 = uniform(random, states, 1);
      c0 = uniform(random, states, 1);
      dh_last = uniform(random, states, 1);
      dc_last = uniform(random, states, 1);
      in.h0 = widen(h0);
      in.c0 = widen(c0);
      dh_end = widen(dh_last);
      dc_end = widen(dc_last);
    }
    trace_infer = lstm_forward(s, in);
    if (dropout.rate > 0) in.mask = documented_masks(shape, dropout);
    trace = lstm_forward(s, in);
    gradients = lstm_backward(s, in, trace, widen(dh), dh_end, dc_end);
  }

  double tolerance() const {
    const double products = std::max(shape.C, shape.H) + shape.H + 1;
    return 16 * 0x1p-24 * (4 + std::sqrt(products)) * std::sqrt(shape.L);
  }

  /// `terms`: how many products each element sums, beyond those of a step.
  void expect_near(const char* what, const Floats& got, const reference::Vector& want,
                   double terms = 1) const {
    ASSERT_EQ(got.size(), want.size()) << what;
    double largest = 0.1 * std::sqrt(terms), worst = 0;
    for (std::size_t e = 0; e < want.size(); ++e) {
      largest = std::max(largest, std::abs(want[e]));
      const double error = std::abs(static_cast<double>(got[e]) - want[e]);
      if (!(error <= worst)) worst = error;  // takes NaN, too
    }
    EXPECT_LE(worst, tolerance() * largest) << what;
    printf("%-8s %.3f  rel %.2e\n", what, worst / (tolerance() * largest), worst / largest);
  }

  void expect_weights_near(const Floats& got) const {
    std::size_t offset = 0;
    const LstmShape s = reference_shape(shape);
    for (std::size_t l = 0; l < s.L; ++l) {
      const std::size_t sizes[] = {4 * s.H * s.inputs(l), 4 * s.H * s.H, 4 * s.H};
      const char* names[] = {"dW", "dR", "db"};
      for (int k = 0; k < 3; ++k) {
        const auto begin = static_cast<std::ptrdiff_t>(offset);
        const auto end = static_cast<std::ptrdiff_t>(offset + sizes[k]);
        expect_near(names[k], {got.begin() + begin, got.begin() + end},
                    {gradients.dweights.begin() + begin, gradients.dweights.begin() + end},
                    static_cast<double>(shape.T) * shape.N);
        offset += sizes[k];
      }
    }
  }
};

using Factory = std::function<std::unique_ptr<Recurrence>(int C, int H, int L)>;

void check(const Factory& make, const Case& c) {
  SCOPED_TRACE(testing::PrintToString(c));
  const Problem problem(c);
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

/// As the engine uses it: sequences dealt to three threads, uneven shares included.
std::unique_ptr<Recurrence> make_dealt(int C, int H, int L) {
  return make_sharded_recurrence(C, H, L, 3, [=] { return make_onednn_recurrence(C, H, L); });
}

INSTANTIATE_TEST_SUITE_P(All, RecurrenceParity,
                         testing::Combine(testing::Values(Named{"onednn", make_onednn_recurrence},
                                                          Named{"dealt", make_dealt}),
                                          testing::Values(1, 7, 16, 40, 64, 100)),
                         name_of);

}  // namespace
}  // namespace sluice
