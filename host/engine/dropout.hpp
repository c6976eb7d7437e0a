// Dropout over runs of a layer's output on the CPU: the loop round model/dropout.hpp.
#pragma once

#include <cstdint>
#include <span>

#include "engine/recurrence.hpp"

namespace sluice {

/// out[k] = in[k] * factor of element first+k of layer `layer`'s output [T,N,H]. `out` may be `in`;
/// the sizes are equal.
void apply_dropout(const DropoutKey& key, int layer, std::int64_t first, std::span<const float> in,
                   std::span<float> out);

}  // namespace sluice
