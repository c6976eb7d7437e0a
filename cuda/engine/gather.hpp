// Temporary copy of the declaration until the branch that owns it is merged.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "engine/window_rows.hpp"

namespace sluice {

void gather_head(const WindowRows& rows, int first_step, std::int64_t row, std::int64_t count,
                 int F, float* context, float* base, float* target, cudaStream_t stream);

}  // namespace sluice
