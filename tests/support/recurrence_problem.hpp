// One case of a recurrence, its arrays, the double-precision reference's answers to them, and how
// near to these an answer must be. For the CPU's recurrences and the device's.
//
// Tolerance in fp32. u = 2^-24 is its unit round-off. With weights within 1/sqrt(H) and |x|, |h| of
// order 1 the terms of a pre-activation's sum of K = C + H + 1 products have a root mean square of
// 1/(3 sqrt(H)), so the sum rounds by about u sqrt(K) times its own size of order 1; exp and tanh
// add a few u. That error enters c_t, decays with the forget gate (f ~ 1/2) and passes R, whose
// gain at these weights is below 1: over T steps and L layers the error stays of the order of one
// step's, times a small constant. Gradients are sums of T N such terms of random sign, whose errors
// grow like the sums themselves. So
//   tolerance = 16 u (4 + sqrt(K)) sqrt(L)     of an array's size
// with 16 for the largest of up to 1e5 errors (4 standard deviations) and four gates' worth of
// them. An array's size is its largest element; where all of few elements happen to cancel or decay
// (H = 1, T = 100), it is what their terms are: up to three gradients of order 1 come in (dh,
// dh_last, dc_last) and a gate passes some 0.1 of each, so 0.2, times sqrt(T N) for sums over all
// steps.
//
// In tf32 and bf16 the inputs of a product are rounded by up to u = 2^-11 or 2^-9 of themselves, at
// random, so a sum of products by about u of its own size whatever K is; in bf16 h and the kept
// gates are rounded, too. A handful of such errors comes together in an element: 4 u = 2e-3 of an
// array's size is allowed in tf32, 10 u = 2e-2 in bf16, times sqrt(L).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ostream>
#include <random>
#include <vector>

#include "engine/recurrence.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/model/precision.hpp"
#include "support/reference_lstm.hpp"

namespace sluice::reference {

using Floats = std::vector<float>;

struct RecurrenceCase {
  RecurrenceShape shape;
  bool states = false;  // initial states and gradients of the last states
  DropoutKey dropout = {};
  int batch = 0;  // the N sequences are dealt over a batch of so many; 0: they are the batch
};

inline void PrintTo(const RecurrenceCase& c, std::ostream* out) {
  *out << "T=" << c.shape.T << " N=" << c.shape.N << " C=" << c.shape.C << " H=" << c.shape.H
       << " L=" << c.shape.L << (c.states ? " states" : "") << " dropout=" << c.dropout.rate;
  if (c.batch != 0) *out << " batch=" << c.batch;
}

inline Floats uniform(std::mt19937& random, std::size_t size, double range) {
  std::uniform_real_distribution<float> value(static_cast<float>(-range),
                                              static_cast<float>(range));
  Floats out(size);
  for (float& v : out) v = value(random);
  return out;
}

inline Vector widen(const Floats& values) { return {values.begin(), values.end()}; }

inline LstmShape reference_shape(const RecurrenceShape& s) {
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  return {.T = size(s.T), .N = size(s.N), .C = size(s.C), .H = size(s.H), .L = size(s.L)};
}

/// The masks as the contract words them, from Philox itself. Sequence n is sequence `places[n]` of
/// a batch of `batch`.
inline std::vector<Vector> documented_masks(const RecurrenceShape& shape, const DropoutKey& key,
                                            std::size_t batch,
                                            const std::vector<std::size_t>& places) {
  const LstmShape s = reference_shape(shape);
  std::vector<Vector> masks;
  for (std::size_t l = 0; l + 1 < s.L; ++l) {
    Vector mask;
    const std::uint64_t stream = static_cast<std::uint64_t>(key.step) * 65536 + l * 256 +
                                 static_cast<std::uint64_t>(RandomUse::dropout);
    for (std::size_t row = 0; row < s.T * s.N; ++row) {
      const std::size_t in_batch = row / s.N * batch + places[row % s.N];
      for (std::size_t e = in_batch * s.H; e < (in_batch + 1) * s.H; ++e) {
        const float number = to_uniform(philox(key.seed, e / 4, stream).v[e % 4]);
        mask.push_back(number >= key.rate ? 1.0 / (1.0 - static_cast<double>(key.rate)) : 0.0);
      }
    }
    masks.push_back(mask);
  }
  return masks;
}

/// Of an array's size; derived above.
inline double recurrence_tolerance(const RecurrenceShape& shape, Precision precision) {
  const double layers = std::sqrt(shape.L);
  if (precision == Precision::tf32) return 2e-3 * layers;
  if (precision == Precision::bf16) return 2e-2 * layers;
  const double products = std::max(shape.C, shape.H) + shape.H + 1;
  return 16 * 0x1p-24 * (4 + std::sqrt(products)) * layers;
}

/// One case's arrays, and the reference's answers to them.
struct RecurrenceProblem {
  RecurrenceShape shape;
  DropoutKey dropout;
  double tolerance;
  std::vector<std::size_t> places;  // of the N sequences in the batch, from first to last
  Floats x, weights, h0, c0, dh, dh_last, dc_last;
  LstmTrace trace;          // with dropout
  LstmTrace trace_infer;    // without
  LstmGradients gradients;  // with dropout

  explicit RecurrenceProblem(const RecurrenceCase& c, Precision precision = Precision::fp32)
      : shape(c.shape), dropout(c.dropout), tolerance(recurrence_tolerance(c.shape, precision)) {
    const auto batch = static_cast<std::size_t>(c.batch == 0 ? shape.N : c.batch);
    const auto N = static_cast<std::size_t>(shape.N);
    for (std::size_t n = 0; n < N; ++n) places.push_back(N == 1 ? 0 : n * (batch - 1) / (N - 1));
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
    Vector dh_end(states, 0), dc_end(states, 0);
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
    if (dropout.rate > 0) in.mask = documented_masks(shape, dropout, batch, places);
    trace = lstm_forward(s, in);
    gradients = lstm_backward(s, in, trace, widen(dh), dh_end, dc_end);
  }

  /// `terms`: how many products each element sums, beyond those of a step.
  void expect_near(const char* what, const Floats& got, const Vector& want,
                   double terms = 1) const {
    ASSERT_EQ(got.size(), want.size()) << what;
    double largest = 0.2 * std::sqrt(terms), worst = 0;
    for (std::size_t e = 0; e < want.size(); ++e) {
      largest = std::max(largest, std::abs(want[e]));
      const double error = std::abs(static_cast<double>(got[e]) - want[e]);
      if (!(error <= worst)) worst = error;  // takes NaN, too
    }
    EXPECT_LE(worst, tolerance * largest) << what;
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

}  // namespace sluice::reference
