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
// Long windows and large batches stay within it. T itself enters only through the decay above. A
// sum of n = T N gradients one after another in fp32 rounds each partial sum, of the order of
// sqrt(k) after k of them, by u/sqrt(3) of itself at random: together u n/sqrt(6), so u sqrt(n)/2.4
// of the sum's own sqrt(n). The largest of many such errors is 4 times that where the largest of as
// many sums is 3 times theirs: 110 u of an array's size for the 40,000 steps of the largest case
// here, beside 16 u (4 + sqrt(K)) = 130 u at K = 16; and n is smaller by the groups and blocks that
// a recurrence sums apart. Measured: a third of the tolerance for db, a fifth for dW and dR, a
// twentieth for dx and h.
//
// In tf32 and bf16 the inputs of a product are rounded by up to u = 2^-11 or 2^-9 of themselves, at
// random, so a sum of products by about u of its own size whatever K is; in bf16 h and the kept
// gates are rounded, too. A handful of such errors comes together in an element: 4 u = 2e-3 of an
// array's size is allowed in tf32, 10 u = 2e-2 in bf16, times sqrt(L). fused_mma's tanh adds an
// error of the same u = 2^-11 at most to each gate and to tanh(c). It is independent of those of
// the products, so what comes together grows by sqrt(2) at most, and no more is allowed: with
// results rounded to that error, fused_mma comes to 0.62 of the tolerance in tf32 where gemm, whose
// tanh is exact, comes to 0.57.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ostream>
#include <random>
#include <span>
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
                                            int batch, const std::vector<std::size_t>& places) {
  const LstmShape s = reference_shape(shape);
  std::vector<Vector> masks;
  for (std::size_t l = 0; l + 1 < s.L; ++l) {
    Vector mask;
    const std::uint64_t stream = static_cast<std::uint64_t>(key.step) * 65536 + l * 256 +
                                 static_cast<std::uint64_t>(RandomUse::dropout);
    for (std::size_t row = 0; row < s.T * s.N; ++row) {
      const std::size_t in_batch = row / s.N * static_cast<std::size_t>(batch) + places[row % s.N];
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

/// Each element of `got` within tolerance x size of that of `want`. `terms`: how many products each
/// element sums, beyond those of a step.
inline void expect_near(const char* what, std::span<const float> got, std::span<const double> want,
                        double tolerance, double terms = 1) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double largest = 0.2 * std::sqrt(terms), worst = 0;
  for (std::size_t e = 0; e < want.size(); ++e) {
    largest = std::max(largest, std::abs(want[e]));
    const double error = std::abs(static_cast<double>(got[e]) - want[e]);
    if (!(error <= worst)) worst = error;  // takes NaN, too
  }
  EXPECT_LE(worst, tolerance * largest) << what;
}

/// dW, dR and db of each layer, summed over `rows` sequences and steps.
inline void expect_weights_near(const RecurrenceShape& shape, const Floats& got, const Vector& want,
                                double tolerance, double rows) {
  const LstmShape s = reference_shape(shape);
  ASSERT_EQ(got.size(), want.size());
  std::size_t offset = 0;
  for (std::size_t l = 0; l < s.L; ++l) {
    const std::size_t sizes[] = {4 * s.H * s.inputs(l), 4 * s.H * s.H, 4 * s.H};
    const char* names[] = {"dW", "dR", "db"};
    for (int k = 0; k < 3; ++k) {
      expect_near(names[k], std::span(got).subspan(offset, sizes[k]),
                  std::span(want).subspan(offset, sizes[k]), tolerance, rows);
      offset += sizes[k];
    }
  }
}

/// What goes into a recurrence; states are empty where a case has none.
struct RecurrenceArrays {
  RecurrenceShape shape;
  DropoutKey dropout;
  Floats x, weights, dh, h0, c0, dh_last, dc_last;

  explicit RecurrenceArrays(const RecurrenceCase& c) : shape(c.shape), dropout(c.dropout) {
    const LstmShape s = reference_shape(shape);
    std::mt19937 random(static_cast<std::mt19937::result_type>(
        shape.T * 7 + shape.N * 11 + shape.C * 13 + shape.H * 17 + shape.L * 19));
    x = uniform(random, s.T * s.N * s.C, 1.5);
    weights = uniform(random, s.weights(), 1 / std::sqrt(shape.H));
    dh = uniform(random, s.T * s.N * s.H, 1);
    if (!c.states) return;
    for (Floats* state : {&h0, &c0, &dh_last, &dc_last}) {
      *state = uniform(random, s.L * s.N * s.H, 1);
    }
  }
};

/// One case's arrays, and the reference's answers to them.
struct RecurrenceProblem : RecurrenceArrays {
  double tolerance;
  int batch;                        // sequences of the batch that the N are dealt over
  std::vector<std::size_t> places;  // of the N sequences in the batch, from first to last
  LstmTrace trace;                  // with dropout
  LstmTrace trace_infer;            // without
  LstmGradients gradients;          // with dropout

  explicit RecurrenceProblem(const RecurrenceCase& c, Precision precision = Precision::fp32)
      : RecurrenceArrays(c),
        tolerance(recurrence_tolerance(c.shape, precision)),
        batch(c.batch == 0 ? c.shape.N : c.batch) {
    const LstmShape s = reference_shape(shape);
    const auto last = static_cast<std::size_t>(batch - 1);
    for (std::size_t n = 0; n < s.N; ++n) {
      places.push_back(s.N == 1 ? 0 : n * last / (s.N - 1));
    }
    const auto state = [&](const Floats& values) {
      return values.empty() ? Vector(s.L * s.N * s.H) : widen(values);
    };
    LstmInput in{
        .x = widen(x), .weights = widen(weights), .h0 = state(h0), .c0 = state(c0), .mask = {}};
    trace_infer = lstm_forward(s, in);
    trace = trace_infer;
    if (dropout.rate > 0 && s.L > 1) {
      in.mask = documented_masks(shape, dropout, batch, places);
      trace = lstm_forward(s, in);
    }
    gradients = lstm_backward(s, in, trace, widen(dh), state(dh_last), state(dc_last));
  }

  /// The batch: between the problem's sequences others, whose gradients are zero, so that the
  /// weights' gradients are the problem's.
  RecurrenceArrays in_batch() const {
    RecurrenceArrays all = *this;
    all.shape.N = batch;
    if (batch == shape.N) return all;
    all.x = spread(x, shape.T, 1);
    for (Floats* state : {&all.h0, &all.c0}) *state = spread(*state, shape.L, 1);
    all.dh = spread(dh, shape.T, 0);
    for (Floats* state : {&all.dh_last, &all.dc_last}) *state = spread(*state, shape.L, 0);
    return all;
  }

  /// The problem's sequences out of a batch's array [outer, batch, width].
  Floats gather(const Floats& values, int outer) const {
    if (batch == shape.N) return values;
    const auto N = static_cast<std::size_t>(batch);
    const std::size_t width = values.size() / (static_cast<std::size_t>(outer) * N);
    Floats out;
    for (std::size_t k = 0; k < static_cast<std::size_t>(outer); ++k) {
      for (const std::size_t place : places) {
        const auto from = (k * N + place) * width;
        out.insert(out.end(), values.begin() + static_cast<std::ptrdiff_t>(from),
                   values.begin() + static_cast<std::ptrdiff_t>(from + width));
      }
    }
    return out;
  }

  void expect_near(const char* what, const Floats& got, const Vector& want) const {
    reference::expect_near(what, got, want, tolerance);
  }
  void expect_weights_near(const Floats& got) const {
    reference::expect_weights_near(shape, got, gradients.dweights, tolerance,
                                   static_cast<double>(shape.T) * shape.N);
  }

 private:
  /// [outer, N, width] of the problem as [outer, batch, width], with values up to `range` between.
  Floats spread(const Floats& values, int outer, double range) const {
    if (values.empty()) return values;
    const auto rows = static_cast<std::size_t>(outer) * places.size();
    const auto N = static_cast<std::size_t>(batch);
    const std::size_t width = values.size() / rows;
    std::mt19937 random(99);
    Floats out(static_cast<std::size_t>(outer) * N * width);
    if (range > 0) out = uniform(random, out.size(), range);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t to = row / places.size() * N + places[row % places.size()];
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(row * width), width,
                  out.begin() + static_cast<std::ptrdiff_t>(to * width));
    }
    return out;
  }
};

}  // namespace sluice::reference
