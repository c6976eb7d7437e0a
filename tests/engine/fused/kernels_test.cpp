// The CPU's fused recurrence on every instruction set that this machine has: its sigmoid and tanh
// over the floats, and a cell of all kinds of gates and states.
#include "engine/fused/kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/shared/aligned_array.hpp"
#include "support/all_floats.hpp"

namespace sluice {
namespace {

using reference::all_floats;
using Floats = std::vector<float>;

class OnEverySet : public testing::TestWithParam<const FusedKernels<float>*> {};

TEST_P(OnEverySet, SigmoidIsWithinItsErrorOverAllFloats) {
  const Floats in = all_floats();
  Floats out(in.size());
  GetParam()->sigmoid(in.data(), static_cast<std::int64_t>(in.size()), out.data());
  double absolute = 0, relative = 0, far = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double x = static_cast<double>(in[i]), got = static_cast<double>(out[i]);
    const double want = 1 / (1 + std::exp(-x)), error = std::abs(got - want);
    ASSERT_TRUE(std::isfinite(got)) << x;
    absolute = std::max(absolute, error);
    if (x > -20) relative = std::max(relative, error / want / (3 + std::abs(x < 0 ? x : 0.0)));
    if (x <= -20) far = std::max(far, error);
  }
  EXPECT_LE(absolute, 2e-7);
  EXPECT_LE(relative, 0x1p-23);
  EXPECT_LE(far, 0x1p-30);
}

TEST_P(OnEverySet, TanhIsWithinItsErrorOverAllFloats) {
  const Floats in = all_floats();
  Floats out(in.size());
  GetParam()->tanh(in.data(), static_cast<std::int64_t>(in.size()), out.data());
  double relative = 0, absolute = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double want = std::tanh(static_cast<double>(in[i]));
    const double error = std::abs(static_cast<double>(out[i]) - want);
    ASSERT_TRUE(std::isfinite(out[i])) << in[i];
    absolute = std::max(absolute, error);
    if (error > 1e-37) relative = std::max(relative, error / std::abs(want));
  }
  EXPECT_LE(relative, 8e-7);
  EXPECT_LE(absolute, 2e-7);
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

struct Cell {
  float i, f, g, o, c;  ///< pre-activations, and c of the step before
};

/// Pre-activations from the least to infinity beside each other and beside all kinds of c.
std::vector<Cell> all_kinds_of_cells() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kMost = std::numeric_limits<float>::max();
  const Floats a = {0,   0.3f, -2,    15,     -15,       21,         -21,
                    -90, 1000, kMost, -kMost, kInfinity, -kInfinity, 0x1p-149f};
  std::vector<Cell> cells;
  for (const float c : {0.0f, 1.0f, -2.5f, 1e-40f, 300.0f, -1e6f, 1e18f, kInfinity, -kInfinity}) {
    for (const float i : a) {
      for (const float f : a) {
        // o meets no gate but c: each of its values comes once with each c.
        for (const float g : a) cells.push_back({i, f, g, a[cells.size() % a.size()], c});
      }
    }
  }
  return cells;
}

/// h and c after one step from zeros for x and h.
struct AfterStep {
  Floats h, c;
};

AfterStep step(const FusedKernels<float>& kernels, std::span<const Cell> cells, bool keep) {
  const auto V = static_cast<std::size_t>(kernels.lanes);
  AfterStep out{Floats(cells.size()), Floats(cells.size())};
  AlignedArray<float> array;
  array.reserve(static_cast<std::int64_t>((4 * (1 + V) + 4 + 1 + 4 + 1) * V));
  for (std::size_t first = 0; first < cells.size(); first += V) {
    std::fill_n(array.data(), array.size(), 0.0f);
    float* bias = array.data() + 4 * (1 + V) * V;
    Floats c0(V), zeros(V), h(V), c(V);
    for (std::size_t lane = 0; lane < V && first + lane < cells.size(); ++lane) {
      const Cell& cell = cells[first + lane];
      bias[lane] = cell.i * FusedScale::sigmoid;
      bias[V + lane] = cell.f * FusedScale::sigmoid;
      bias[2 * V + lane] = cell.g * FusedScale::tanh;
      bias[3 * V + lane] = cell.o * FusedScale::sigmoid;
      c0[lane] = cell.c;
    }
    FusedForward<float> walk{};
    walk.T = walk.n = walk.C = walk.x_steps = walk.h_steps = 1;
    walk.H = kernels.lanes;
    walk.x = walk.zeros = zeros.data();
    walk.weights = array.data();
    walk.bias = bias;
    walk.c0 = c0.data();
    walk.c = bias + 4 * V;
    walk.gates = keep ? bias + 5 * V : nullptr;
    walk.cells = keep ? bias + 9 * V : nullptr;
    walk.kept_rows = 1;
    walk.h = h.data();
    walk.c_last = c.data();
    kernels.forward(walk);
    for (std::size_t lane = 0; lane < V && first + lane < cells.size(); ++lane) {
      out.h[first + lane] = h[lane];
      out.c[first + lane] = c[lane];
    }
  }
  return out;
}

/// Relative errors of sigmoid and tanh as promised, the error where sigmoid ends at 2^-30 instead
/// of 0, and a few roundings. Where the exact c is NaN (0 times infinity), anything goes.
TEST_P(OnEverySet, CellIsWithinItsErrorForAllKindsOfGatesAndStates) {
  const std::vector<Cell> cells = all_kinds_of_cells();
  const auto sigmoid = [](double a) { return 1 / (1 + std::exp(-a)); };
  const auto relative = [](double a) { return (8 + std::min(std::abs(a), 21.0)) * 0x1p-23; };
  for (const bool keep : {false, true}) {
    const AfterStep got = step(*GetParam(), cells, keep);
    for (std::size_t n = 0; n < cells.size(); ++n) {
      const Cell& cell = cells[n];
      const double i = cell.i, f = cell.f, g = cell.g, o = cell.o, c_prev = cell.c;
      const double fc = sigmoid(f) * c_prev, ig = sigmoid(i) * std::tanh(g), c = fc + ig;
      if (std::isnan(c)) continue;
      SCOPED_TRACE(testing::Message() << "keep=" << keep << " i=" << i << " f=" << f << " g=" << g
                                      << " o=" << o << " c=" << c_prev);
      if (std::isinf(c)) {
        ASSERT_EQ(static_cast<double>(got.c[n]), c);
      } else {
        const double limit = std::ldexp(1.001 * std::abs(c_prev) + 2, -30);
        ASSERT_NEAR(got.c[n], c, std::abs(fc) * relative(f) + std::abs(ig) * relative(i) + limit);
      }
      const double h = sigmoid(o) * std::tanh(static_cast<double>(got.c[n]));
      ASSERT_NEAR(got.h[n], h, std::abs(h) * relative(o) + 0x1p-29);
    }
  }
}

TEST_P(OnEverySet, CellHandsNanOn) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Cell> cells = {{kNan, 1, 1, 1, 1},
                                   {1, kNan, 1, 1, 1},
                                   {1, 1, kNan, 1, 1},
                                   {1, 1, 1, 1, kNan},
                                   {1, 1, 1, kNan, 1}};
  for (const bool keep : {false, true}) {
    const AfterStep got = step(*GetParam(), cells, keep);
    for (std::size_t n = 0; n < cells.size(); ++n) {
      EXPECT_TRUE(std::isnan(got.h[n])) << keep << ' ' << n;
      EXPECT_EQ(std::isnan(got.c[n]), n != 4) << keep << ' ' << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fused, OnEverySet, testing::ValuesIn(all_fused_kernels()),
                         [](const auto& set) { return std::string(set.param->target); });

}  // namespace
}  // namespace sluice
