// What the head's outputs at a window's last step mean: their loss, and the forecast.
#pragma once

#include <cstdint>
#include <span>

#include "engine/shared/window_rows.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// Loss of target i [K,M] of window n, not missing, whose outputs are u [Q]; without weights.
double output_loss(const ModelSpec& spec, const WindowRows& batch, std::int64_t n, std::int64_t i,
                   const float* u, float target);

/// The forecast of target i of window n as Engine::forecast() gives it. `offsets`: [J] of this
/// target, or empty.
void write_output(const ModelSpec& spec, const WindowRows& batch, std::int64_t n, std::int64_t i,
                  const float* u, std::span<const float> offsets, float* y);

}  // namespace sluice
