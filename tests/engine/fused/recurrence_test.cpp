// What the CPU's fused recurrence promises beyond its numbers (recurrence_parity_test), on every
// instruction set: the same bits however the series are dealt, padding that nothing feels, and
// series that do not feel each other.
#include "engine/fused/recurrence.hpp"

#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/host_recurrence.hpp"

namespace sluice {
namespace {

using reference::Floats;
using reference::RecurrenceArrays;
using testing::Answers;
using testing::answers_of;
using testing::HostRecurrence;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class FusedRecurrence : public ::testing::TestWithParam<HostRecurrence> {};

INSTANTIATE_TEST_SUITE_P(All, FusedRecurrence, ::testing::ValuesIn(testing::fused_recurrences()),
                         [](const auto& tested) { return tested.param.name; });

/// Sequences [first, first + count) of an array [outer, N, width].
Floats part(const Floats& values, int outer, int N, int first, int count) {
  const auto all = static_cast<std::ptrdiff_t>(values.size()) / outer, width = all / N;
  Floats out;
  for (auto row = values.begin(); row != values.end(); row += all) {
    out.insert(out.end(), row + first * width, row + (first + count) * width);
  }
  return out;
}

/// The first n sequences as a batch of their own.
RecurrenceArrays first_of(RecurrenceArrays in, int n) {
  const RecurrenceShape s = in.shape;
  for (Floats* values : {&in.x, &in.dh}) *values = part(*values, s.T, s.N, 0, n);
  for (Floats* values : {&in.h0, &in.c0, &in.dh_last, &in.dc_last}) {
    *values = part(*values, s.L, s.N, 0, n);
  }
  in.shape.N = n;
  return in;
}

/// The same bits for sequences [first, first + count) of a batch of N and of one of at least
/// first + count.
void expect_same_sequences(const RecurrenceShape& shape, const Answers& want, int N,
                           const Answers& got, int first, int count) {
  const auto expect = [&](const char* what, int outer, const Floats& a, const Floats& b) {
    EXPECT_EQ(part(b, outer, N, first, count), part(a, outer, shape.N, first, count)) << what;
  };
  const int T = shape.T, L = shape.L;
  expect("infer h", T, want.infer_h, got.infer_h);
  expect("infer hT", L, want.infer_h_last, got.infer_h_last);
  expect("infer cT", L, want.infer_c_last, got.infer_c_last);
  expect("h", T, want.h, got.h);
  expect("hT", L, want.h_last, got.h_last);
  expect("cT", L, want.c_last, got.c_last);
  expect("dx", T, want.dx, got.dx);
  expect("dh0", L, want.dh0, got.dh0);
  expect("dc0", L, want.dc0, got.dc0);
}

void expect_same(const RecurrenceShape& shape, const Answers& want, const Answers& got) {
  expect_same_sequences(shape, want, shape.N, got, 0, shape.N);
  EXPECT_EQ(got.dweights, want.dweights);
}

// One series, one tile of them or less, one chunk more or less a series, several groups of the
// gradient's sum.
TEST_P(FusedRecurrence, GivesTheSameBitsForAnyNumberOfThreads) {
  const int threads = omp_get_max_threads();
  for (const int N : {1, 5, 7, 47, 49, 205, 5000}) {
    SCOPED_TRACE(N);
    const RecurrenceArrays in({.shape = {.T = 3, .N = N, .C = 3, .H = 20, .L = 2},
                               .states = true,
                               .dropout = {.rate = 0.5f, .seed = 3, .step = 4}});
    omp_set_num_threads(1);
    const Answers one = answers_of(GetParam(), in);
    for (const int count : {2, 5}) {
      omp_set_num_threads(count);
      expect_same(in.shape, one, answers_of(GetParam(), in));
    }
    omp_set_num_threads(threads);
    Answers shards = answers_of(dealt(GetParam()), in);
    shards.dweights = one.dweights;  // shards are summed in another order
    expect_same(in.shape, one, shards);
  }
}

// Every size of a last tile, and chunks of all lengths about the longest.
TEST_P(FusedRecurrence, GivesASeriesTheSameBitsInAnyBatch) {
  const RecurrenceArrays in({.shape = {.T = 3, .N = 101, .C = 3, .H = 20, .L = 2}, .states = true});
  const Answers all = answers_of(GetParam(), in);
  for (const int n : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 47, 48, 49, 95, 96, 97}) {
    SCOPED_TRACE(n);
    expect_same_sequences(in.shape, all, n, answers_of(GetParam(), first_of(in, n)), 0, n);
  }
}

// As a carried state is handed on: backward needs the states that forward overwrote.
TEST_P(FusedRecurrence, LastStatesMayOverwriteInitialOnes) {
  const RecurrenceArrays in({.shape = {.T = 3, .N = 8, .C = 3, .H = 20, .L = 2}, .states = true});
  const Answers want = answers_of(GetParam(), in);
  const auto recurrence = GetParam().make(3, 20, 2);
  recurrence->prepare(3, 8, true);
  recurrence->load(in.weights);
  Floats h_state = in.h0, c_state = in.c0, h = want.h, dweights = want.dweights;
  recurrence->forward(3, 8, in.x, {h_state, c_state}, in.dropout, h, {h_state, c_state});
  recurrence->backward(in.dh, {in.dh_last, in.dc_last}, {}, dweights, {});
  EXPECT_EQ(h_state, want.h_last);
  EXPECT_EQ(dweights, want.dweights);
}

// A unit of weights 0 has c = h = 0, as padding has; what it would feed others is not zero.
TEST_P(FusedRecurrence, PaddingIsLikeUnitsThatNothingReaches) {
  constexpr int kC = 3, kT = 3, kN = 7, kL = 2, kMore = 32;
  for (const int H : {17, 20, 31}) {
    SCOPED_TRACE(H);
    const RecurrenceArrays in({.shape = {.T = kT, .N = kN, .C = kC, .H = H, .L = kL}});
    RecurrenceArrays more({.shape = {.T = kT, .N = kN, .C = kC, .H = kMore, .L = kL}});
    more.x = in.x;
    std::vector<std::size_t> places;  // of the weights of `in` among those of `more`
    std::size_t offset = 0;
    for (int l = 0; l < kL; ++l) {
      for (const int width : {l == 0 ? kC : H, H, 1}) {
        const auto wide = static_cast<std::size_t>(width == H ? kMore : width);
        for (std::size_t row = 0; row < 4 * kMore; ++row) {
          const bool dead = row % kMore >= static_cast<std::size_t>(H);
          for (std::size_t k = 0; k < wide; ++k) {
            if (dead) more.weights[offset + row * wide + k] = 0;
            if (!dead && k < static_cast<std::size_t>(width)) {
              places.push_back(offset + row * wide + k);
            }
          }
        }
        offset += 4 * kMore * wide;
      }
    }
    ASSERT_EQ(places.size(), in.weights.size());
    for (std::size_t e = 0; e < places.size(); ++e) more.weights[places[e]] = in.weights[e];
    for (std::size_t row = 0; row < kT * kN; ++row) {
      for (std::size_t j = 0; j < kMore; ++j) {
        const auto at = row * static_cast<std::size_t>(H) + j;
        more.dh[row * kMore + j] = j < static_cast<std::size_t>(H) ? in.dh[at] : 1.0f;
      }
    }
    const Answers want = answers_of(GetParam(), in), got = answers_of(GetParam(), more);
    for (std::size_t row = 0; row < kT * kN; ++row) {
      for (std::size_t j = 0; j < kMore; ++j) {
        const auto at = row * static_cast<std::size_t>(H) + j;
        const float h = j < static_cast<std::size_t>(H) ? want.h[at] : 0.0f;
        ASSERT_EQ(got.h[row * kMore + j], h) << row << ' ' << j;
      }
    }
    EXPECT_EQ(got.dx, want.dx);
    for (std::size_t e = 0; e < places.size(); ++e) {
      ASSERT_EQ(got.dweights[places[e]], want.dweights[e]) << e;
    }
  }
}

// Two tiles and a series: each place of a NaN in a tile, the last series alone in its own.
TEST_P(FusedRecurrence, ANanStaysInItsSeries) {
  constexpr int kT = 4, kN = 13, kC = 3;
  const RecurrenceArrays in(
      {.shape = {.T = kT, .N = kN, .C = kC, .H = 20, .L = 2}, .states = true});
  const Answers clean = answers_of(GetParam(), in);
  for (int n = 0; n < kN; ++n) {
    SCOPED_TRACE(n);
    RecurrenceArrays bad = in;
    bad.x[static_cast<std::size_t>((kN + n) * kC + 1)] = kNan;  // of step 1
    const Answers got = answers_of(GetParam(), bad);
    expect_same_sequences(in.shape, clean, kN, got, 0, n);
    expect_same_sequences(in.shape, clean, kN, got, n + 1, kN - n - 1);
    const auto is_nan = [](float v) { return std::isnan(v); };
    const Floats h = part(got.h, kT, kN, n, 1), dx = part(got.dx, kT, kN, n, 1);
    EXPECT_EQ(std::count_if(h.begin(), h.end(), is_nan), 3 * 20) << "h from step 1 on";
    EXPECT_EQ(std::count_if(dx.begin(), dx.end(), is_nan), kT * kC) << "dx of all steps";
    EXPECT_EQ(std::count_if(got.dweights.begin(), got.dweights.end(), is_nan),
              std::ssize(got.dweights))
        << "what the engine reports";
  }
}

// Arrays between the walks are used again, padding included.
TEST_P(FusedRecurrence, ABatchOfNansLeavesNothingBehind) {
  const RecurrenceArrays in({.shape = {.T = 3, .N = 50, .C = 3, .H = 20, .L = 2}, .states = true});
  const RecurrenceArrays few = first_of(in, 7);
  const auto recurrence = GetParam().make(3, 20, 2);
  for (const int N : {50, 7}) {
    recurrence->prepare(3, N, false);
    recurrence->prepare(3, N, true);
  }
  RecurrenceArrays bad = in;
  for (Floats* values : {&bad.x, &bad.h0, &bad.c0, &bad.dh, &bad.dh_last, &bad.dc_last}) {
    std::fill(values->begin(), values->end(), kNan);
  }
  recurrence->load(Floats(in.weights.size(), kNan));
  answers_of(*recurrence, bad);
  recurrence->load(in.weights);
  expect_same(few.shape, answers_of(GetParam(), few), answers_of(*recurrence, few));
  expect_same(in.shape, answers_of(GetParam(), in), answers_of(*recurrence, in));
}

// What a cell is for: forget gate open, input gate shut.
TEST_P(FusedRecurrence, AnOpenForgetGateKeepsTheCellToTheBit) {
  constexpr int kT = 400, kN = 7, kH = 20;
  RecurrenceArrays in({.shape = {.T = kT, .N = kN, .C = 1, .H = kH, .L = 1}, .states = true});
  std::fill(in.weights.begin(), in.weights.end(), 0.0f);
  const auto bias = in.weights.end() - 4 * kH;
  std::fill(bias, bias + kH, -100.0f);
  std::fill(bias + kH, bias + 2 * kH, 100.0f);
  std::fill(in.dh.begin(), in.dh.end(), 0.0f);
  std::fill(in.dh_last.begin(), in.dh_last.end(), 0.0f);
  const Answers got = answers_of(GetParam(), in);
  EXPECT_EQ(got.infer_c_last, in.c0);
  EXPECT_EQ(got.c_last, in.c0);
  EXPECT_EQ(got.dc0, in.dc_last);
}

}  // namespace
}  // namespace sluice
