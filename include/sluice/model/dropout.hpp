// Dropout between layers as a pure function: whether an element is kept depends on (seed; step,
// layer, element) only, so CPU loops and GPU kernels draw the same mask in any order, and backward
// draws it again instead of storing it. Four neighbours share one Philox call.
#pragma once

#include <cstdint>

#include "sluice/base/host_device.hpp"
#include "sluice/base/rng.hpp"

namespace sluice {

/// The numbers of elements 4*group .. 4*group+3 of one layer's output at one training step.
/// layer < 256, step < 2^48.
SLUICE_HD inline Philox4 dropout_numbers(std::uint64_t seed, std::int64_t step, int layer,
                                         std::uint64_t group) {
  const std::uint64_t stream = (static_cast<std::uint64_t>(step) << 16) |
                               (static_cast<std::uint64_t>(layer) << 8) |
                               static_cast<std::uint64_t>(RandomUse::dropout);
  return philox(seed, group, stream);
}

/// What an element is multiplied by: 0 if its number is below `rate`, else 1/(1-rate).
/// 0 <= rate < 1.
SLUICE_HD inline float dropout_factor(std::uint32_t bits, float rate) {
  return to_uniform(bits) < rate ? 0.0f : 1.0f / (1.0f - rate);
}

}  // namespace sluice
