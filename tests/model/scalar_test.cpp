// The scalar mathematics that CPU and GPU share: cell, losses, optimizer.
#include <gtest/gtest.h>

#include <cmath>

#include "sluice/model/cell.hpp"
#include "sluice/model/loss.hpp"
#include "sluice/model/optimizer.hpp"

namespace sluice {
namespace {

TEST(Cell, FollowsTheFormula) {
  const auto gate = gate_values(0.5, -0.25, 0.75, 1.5);
  const double i = 1 / (1 + std::exp(-0.5)), f = 1 / (1 + std::exp(0.25)), g = std::tanh(0.75),
               o = 1 / (1 + std::exp(-1.5));
  const auto out = cell_forward(gate, 0.3);
  const double c = f * 0.3 + i * g;
  EXPECT_DOUBLE_EQ(out.c, c);
  EXPECT_DOUBLE_EQ(out.h, o * std::tanh(c));
}

TEST(Cell, GradientAgreesWithCentralDifferences) {
  const double a[5] = {0.5, -0.25, 0.75, 1.5, 0.3};  // four pre-activations and c_prev
  const double dh = 0.7, dc = -0.4;
  const auto objective = [&](const double* p) {
    const auto out = cell_forward(gate_values(p[0], p[1], p[2], p[3]), p[4]);
    return dh * out.h + dc * out.c;
  };
  const auto gate = gate_values(a[0], a[1], a[2], a[3]);
  const auto out = cell_forward(gate, a[4]);
  const auto d = cell_backward(gate, out.c, a[4], dh, dc);
  const double analytic[5] = {d.a_i, d.a_f, d.a_g, d.a_o, d.c_prev};
  for (int k = 0; k < 5; ++k) {
    double up[5], down[5];
    std::copy(a, a + 5, up);
    std::copy(a, a + 5, down);
    up[k] += 1e-6;
    down[k] -= 1e-6;
    // Central differences: error of order 1e-12 from the third derivative, 1e-10 from rounding.
    EXPECT_NEAR(analytic[k], (objective(up) - objective(down)) / 2e-6, 1e-9) << k;
  }
}

TEST(Loss, GradientIsTheSlopeAwayFromTheKinks) {
  for (const Loss loss : {Loss::mse, Loss::mae, Loss::huber, Loss::quantile}) {
    for (const float e : {-3.0f, -0.4f, 0.3f, 2.5f}) {
      const float parameter = loss == Loss::quantile ? 0.9f : 1.0f;
      const float slope = (loss_value(loss, e + 0.01f, parameter).value -
                           loss_value(loss, e - 0.01f, parameter).value) /
                          0.02f;
      EXPECT_NEAR(loss_value(loss, e, parameter).gradient, slope, 1e-3f);
    }
  }
}

TEST(Loss, QuantileChargesUnderForecastsByQAndOverForecastsByOneMinusQ) {
  EXPECT_FLOAT_EQ(loss_value(Loss::quantile, -1, 0.9f).value, 1.8f);
  EXPECT_FLOAT_EQ(loss_value(Loss::quantile, 1, 0.9f).value, 0.2f);
  EXPECT_FLOAT_EQ(loss_value(Loss::quantile, 2, 0.5f).value, 2.0f);  // |error| at the median
}

TEST(AdamW, FirstStepMovesByTheLearningRateAndDecaysTheWeight) {
  AdamWSettings s;
  s.learning_rate = 0.1f, s.weight_decay = 0.5f;
  float m = 0, v = 0, p = 2;
  adamw_update(s, adamw_step(s, 1), -4.0f, m, v, p);
  // m_hat / sqrt(v_hat) = -1; decay 0.1 * 0.5 * 2.
  EXPECT_NEAR(p, 2 + 0.1f - 0.1f, 1e-6f);
  EXPECT_NEAR(m, -0.4f, 1e-6f);
  EXPECT_NEAR(v, 0.016f, 1e-6f);
}

TEST(AverageDecay, RampsUpToTheSetDecay) {
  EXPECT_NEAR(average_decay(0.995f, 1), 2.0f / 11.0f, 1e-6f);
  EXPECT_EQ(average_decay(0.995f, 1'000'000), 0.995f);
}

TEST(ClipFactor, OnlyShrinks) {
  EXPECT_EQ(clip_factor(0.5, 1), 1.0f);
  EXPECT_EQ(clip_factor(4, 1), 0.25f);
  EXPECT_EQ(clip_factor(4, 0), 1.0f);
}

}  // namespace
}  // namespace sluice
