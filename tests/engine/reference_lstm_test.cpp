// The reference of the parity tests is itself compared with central differences of its own forward
// pass: a gradient formula that is wrong there would otherwise certify the same error in an engine.
#include "support/reference_lstm.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sluice::reference {
namespace {

Vector uniform(std::mt19937_64& random, std::size_t size, double range) {
  std::uniform_real_distribution<double> value(-range, range);
  Vector out(size);
  for (double& v : out) v = value(random);
  return out;
}

/// A small problem in which every input and every gradient is at work.
struct Problem {
  LstmShape shape{.T = 4, .N = 2, .C = 3, .H = 3, .L = 3};
  LstmInput input;
  Vector dh, dh_last, dc_last;

  Problem() {
    std::mt19937_64 random(5);
    const std::size_t states = shape.L * shape.N * shape.H;
    const std::size_t rows = shape.T * shape.N * shape.H;
    input.x = uniform(random, shape.T * shape.N * shape.C, 2);
    input.weights = uniform(random, shape.weights(), 1);
    input.h0 = uniform(random, states, 1);
    input.c0 = uniform(random, states, 1);
    for (std::size_t l = 0; l + 1 < shape.L; ++l) {
      input.mask.push_back(uniform(random, rows, 1));
      for (double& factor : input.mask.back()) factor = factor < -0.4 ? 0.0 : 1.25;
    }
    dh = uniform(random, rows, 1);
    dh_last = uniform(random, states, 1);
    dc_last = uniform(random, states, 1);
  }

  double objective() const {
    const LstmTrace trace = lstm_forward(shape, input);
    double sum = 0;
    for (std::size_t e = 0; e < dh.size(); ++e) sum += dh[e] * trace.h()[e];
    for (std::size_t e = 0; e < dh_last.size(); ++e) {
      sum += dh_last[e] * trace.h_last[e] + dc_last[e] * trace.c_last[e];
    }
    return sum;
  }

  /// Largest difference between `gradient` and central differences with respect to `values`.
  /// Step 1e-5: truncation ~ step^2 = 1e-10, rounding ~ 1e-15 * |objective| / step = 1e-9.
  double worst_difference(Vector& values, const Vector& gradient) const {
    constexpr double kStep = 1e-5;
    double worst = 0;
    for (std::size_t e = 0; e < values.size(); ++e) {
      const double value = values[e];
      values[e] = value + kStep;
      const double above = objective();
      values[e] = value - kStep;
      const double below = objective();
      values[e] = value;
      worst = std::max(worst, std::abs((above - below) / (2 * kStep) - gradient[e]));
    }
    return worst;
  }
};

TEST(ReferenceLstm, GradientsAreThoseOfCentralDifferences) {
  Problem problem;
  const LstmTrace trace = lstm_forward(problem.shape, problem.input);
  const LstmGradients gradients = lstm_backward(problem.shape, problem.input, trace, problem.dh,
                                                problem.dh_last, problem.dc_last);
  // Gradients are of order 1; see worst_difference for the sum of both errors.
  constexpr double kTolerance = 1e-8;
  EXPECT_LT(problem.worst_difference(problem.input.x, gradients.dx), kTolerance);
  EXPECT_LT(problem.worst_difference(problem.input.weights, gradients.dweights), kTolerance);
  EXPECT_LT(problem.worst_difference(problem.input.h0, gradients.dh0), kTolerance);
  EXPECT_LT(problem.worst_difference(problem.input.c0, gradients.dc0), kTolerance);
}

TEST(ReferenceLstm, OneUnitFollowsTheFormulaByHand) {
  const LstmShape shape{.T = 1, .N = 1, .C = 1, .H = 1, .L = 1};
  LstmInput input;
  input.x = {0.5};
  input.weights = {1, 2, 3, 4, 0.1, 0.2, 0.3, 0.4, -1, -2, -3, -4};  // W, R, b of i, f, g, o
  input.h0 = {0.25};
  input.c0 = {2};
  const LstmTrace trace = lstm_forward(shape, input);
  const double i = 1 / (1 + std::exp(0.475)), f = 1 / (1 + std::exp(0.95));
  const double g = std::tanh(-1.425), o = 1 / (1 + std::exp(1.9));
  EXPECT_DOUBLE_EQ(trace.c_last[0], f * 2 + i * g);
  EXPECT_DOUBLE_EQ(trace.h_last[0], o * std::tanh(f * 2 + i * g));
}

}  // namespace
}  // namespace sluice::reference
