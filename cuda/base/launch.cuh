// The only place that launches a kernel, and the only way to shared memory. Kernels use these two,
// the built-in indices, __syncthreads, __syncwarp, warp shuffles, and base/ptx.cuh; nothing else of
// the device. That is what lets the tests run their source on a CPU, where tests/simt/shadow takes
// this header's place.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"

namespace sluice {

struct LaunchShape {
  std::int64_t blocks = 1;       ///< of the grid, in x
  int threads = 1;               ///< of a block
  std::size_t shared_bytes = 0;  ///< dynamic shared memory of a block
};

/// Blocks of `threads` that cover `count` elements.
constexpr std::int64_t blocks_for(std::int64_t count, int threads) {
  return (count + threads - 1) / threads;
}

/// Dynamic shared memory of the block, aligned to 128 bytes; uninitialised.
template <typename T>
__device__ inline T* shared_memory() {
  extern __shared__ __align__(128) unsigned char sluice_shared[];
  return reinterpret_cast<T*>(sluice_shared);
}

/// Lets a kernel's blocks have so much dynamic shared memory. The allowance only grows: a captured
/// graph may hold a launch with more than the one at hand.
inline void allow_shared(const void* kernel, std::size_t bytes) {
  cudaFuncAttributes now{};
  check(cudaFuncGetAttributes(&now, kernel), "cudaFuncGetAttributes");
  if (bytes <= static_cast<std::size_t>(now.maxDynamicSharedSizeBytes)) return;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(bytes)),
        "cudaFuncSetAttribute of dynamic shared memory");
}

/// Asynchronous on `stream`. An empty grid launches nothing. Throws DeviceError if the launch is
/// refused.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), LaunchShape shape, cudaStream_t stream,
            const Arguments&... arguments) {
  if (shape.blocks == 0) return;
  to_int(shape.blocks, "the blocks of a launch");
  constexpr std::size_t kDefaultShared = 48 * 1024;
  if (shape.shared_bytes > kDefaultShared) {
    allow_shared(reinterpret_cast<const void*>(kernel), shape.shared_bytes);
  }
  kernel<<<static_cast<unsigned>(shape.blocks), static_cast<unsigned>(shape.threads),
           shape.shared_bytes, stream>>>(static_cast<Parameters>(arguments)...);
  check(cudaGetLastError(), "launch of a kernel");
}

}  // namespace sluice
