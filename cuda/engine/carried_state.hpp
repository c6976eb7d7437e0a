// The recurrent state from batch to batch (carry_state): slot n begins where slot n of the batch
// before ended, if its window continues, else from zero.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "sluice/data/window.hpp"

namespace sluice {

/// Zeros h and c [L,N,H] of the slots whose window does not continue. `windows` [N] in device
/// memory.
void reset_carried(DeviceSpan<float> h, DeviceSpan<float> c, const Window* windows, std::int64_t L,
                   std::int64_t N, std::int64_t H, cudaStream_t stream);

/// The same for the slots whose window has not begun (origin below 0).
void reset_unbegun(DeviceSpan<float> h, DeviceSpan<float> c, const Window* windows, std::int64_t L,
                   std::int64_t N, std::int64_t H, cudaStream_t stream);

}  // namespace sluice
