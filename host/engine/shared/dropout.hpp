// Dropout over a whole layer's output on the CPU: the loop round model/dropout.hpp.
#pragma once

#include <cstdint>
#include <span>

#include "engine/recurrence.hpp"

namespace sluice {

/// out[k] = in[k] * factor of element first + k of layer `layer`'s output. `out` may be `in`; the
/// sizes are equal. OpenMP inside; the result does not depend on the number of threads.
void apply_dropout(const DropoutKey& key, int layer, std::span<const float> in,
                   std::span<float> out, std::int64_t first = 0);

/// The same for the output [T,N,H] of N sequences that may be part of a larger batch (key.first,
/// key.sequences).
void apply_dropout(const DropoutKey& key, int layer, int T, int N, int H, const float* in,
                   float* out);

}  // namespace sluice
