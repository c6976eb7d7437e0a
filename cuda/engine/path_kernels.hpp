// The kernels of sample paths (host/engine/shared/path_rows.hpp): one thread a row, which reads its
// distribution, draws, and writes a few numbers; what bounds a step is the network around it. All
// launchers are asynchronous on `stream`.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/shared/drawn_pasts.hpp"
#include "engine/shared/path_rows.hpp"

namespace sluice {

/// Every path begins with the state of its window: to [L,R,H], from [L,N,H], row r being of window
/// first + r / paths.
void repeat_states(DeviceSpan<const float> from, std::int64_t N, std::int64_t first,
                   std::int64_t paths, std::int64_t L, std::int64_t H, DeviceSpan<float> to,
                   cudaStream_t stream);

/// before_drawn() of all windows: from, to [N].
void begin_drawn(const Window* from, int drawn_steps, DeviceSpan<Window> to, cudaStream_t stream);

/// extend_path() of all rows. `paths`: the struct on the host, its pointers into the device.
///   u [R,M,Q]
void extend_paths(const PathRows& paths, int k, int outputs, DeviceSpan<const float> u,
                  cudaStream_t stream);

}  // namespace sluice
