// AdamW (Loshchilov and Hutter 2019), the moving average of the weights, and learning-rate
// schedules: scalar functions.
#pragma once

#include <cmath>
#include <cstdint>

#include "sluice/base/host_device.hpp"

namespace sluice {

struct AdamWSettings {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
  float weight_decay = 0;
};

/// Bias corrections of step `step` (from 1): 1 - beta^step.
struct AdamWStep {
  float correction1, correction2;
};

SLUICE_HD inline AdamWStep adamw_step(const AdamWSettings& s, std::int64_t step) {
  return {
      static_cast<float>(1.0 - std::pow(static_cast<double>(s.beta1), static_cast<double>(step))),
      static_cast<float>(1.0 - std::pow(static_cast<double>(s.beta2), static_cast<double>(step)))};
}

/// Updates one parameter and its two moments; `gradient` is already clipped.
SLUICE_HD inline void adamw_update(const AdamWSettings& s, AdamWStep step, float gradient, float& m,
                                   float& v, float& parameter) {
  m = s.beta1 * m + (1.0f - s.beta1) * gradient;
  v = s.beta2 * v + (1.0f - s.beta2) * gradient * gradient;
  const float m_hat = m / step.correction1;
  const float v_hat = v / step.correction2;
  parameter -=
      s.learning_rate * (m_hat / (std::sqrt(v_hat) + s.epsilon) + s.weight_decay * parameter);
}

/// Decay of the moving average after `step` steps (from 1): min(decay, (step+1)/(step+10)), so that
/// the first steps do not hold on to the random start.
SLUICE_HD inline float average_decay(float decay, std::int64_t step) {
  const double ramp = (static_cast<double>(step) + 1.0) / (static_cast<double>(step) + 10.0);
  return static_cast<float>(ramp < static_cast<double>(decay) ? ramp : static_cast<double>(decay));
}

/// Factor that brings a gradient of norm `norm` to at most `clip` (0: no clipping).
SLUICE_HD inline float clip_factor(double norm, double clip) {
  return clip > 0 && norm > clip ? static_cast<float>(clip / norm) : 1.0f;
}

}  // namespace sluice
