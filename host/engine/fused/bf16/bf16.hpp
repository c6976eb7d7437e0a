// The fused recurrence's walks in bf16, where the processor multiplies it.
#pragma once

#include <string_view>

#include "engine/fused/kernels.hpp"
#include "sluice/base/bf16.hpp"

namespace sluice {

/// Null where this machine or this build has no bf16 dot products.
const FusedKernels<Bf16>* fused_bf16_kernels();

/// What there must be for them.
std::string_view fused_bf16_needs();

}  // namespace sluice
