// Dropout over a whole layer's output on the CPU: the loop round model/dropout.hpp.
#pragma once

#include <span>

#include "engine/recurrence.hpp"

namespace sluice {

/// out[k] = in[k] * factor of element k of layer `layer`'s output. `out` may be `in`; the sizes are
/// equal. OpenMP inside; the result does not depend on the number of threads.
void apply_dropout(const DropoutKey& key, int layer, std::span<const float> in,
                   std::span<float> out);

}  // namespace sluice
