// What the head's outputs at a window's last step mean: their loss, and the forecast.
#pragma once

#include <cstdint>
#include <span>

#include "engine/shared/window_rows.hpp"
#include "sluice/engine/attribution.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// The output that is the median of quantiles; else 0.
int median_output(const ModelSpec& spec);

/// Loss of target i [K,M] of window n, not missing, whose outputs are u [Q]; without weights.
double output_loss(const ModelSpec& spec, const WindowRows& batch, std::int64_t n, std::int64_t i,
                   const float* u, float target);

/// The forecast of target i of window n as Engine::forecast() gives it. `offsets`: [J] of this
/// target, or empty.
void write_output(const ModelSpec& spec, const WindowRows& batch, std::int64_t n, std::int64_t i,
                  const float* u, std::span<const float> offsets, float* y);

/// What an attribution explains of target i of window n with outputs u [Q], in the units of y, and
/// its derivatives with respect to them, slope [Q].
double point_and_slope(const ModelSpec& spec, const WindowRows& batch, std::int64_t n,
                       std::int64_t i, const float* u, const AttributionSettings& settings,
                       double* slope);

}  // namespace sluice
