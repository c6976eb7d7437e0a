// Takes the place of cuda/base/launch.cuh: the same functions, the kernel run by the interpreter
// when its stream gets to it.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <tuple>

#include "base/check.hpp"
#include "interpreter.hpp"
#include "standin/standin.hpp"

namespace sluice {

struct LaunchShape {
  std::int64_t blocks = 1;
  int threads = 1;
  std::size_t shared_bytes = 0;
};

constexpr std::int64_t blocks_for(std::int64_t count, int threads) {
  return (count + threads - 1) / threads;
}

template <typename T>
T* shared_memory() {
  return reinterpret_cast<T*>(simt::shared_base());
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), LaunchShape shape, cudaStream_t stream,
            const Arguments&... arguments) {
  if (shape.blocks == 0) return;
  constexpr std::int64_t kMostBlocks = 0x7fffffff;
  constexpr int kMostThreads = 1024;
  int device = 0, shared = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "cudaDeviceGetAttribute");
  if (shape.blocks < 0 || shape.blocks > kMostBlocks || shape.threads < 1 ||
      shape.threads > kMostThreads || shape.shared_bytes > static_cast<std::size_t>(shared)) {
    check(cudaErrorInvalidConfiguration, "launch of a kernel");
  }
  const std::tuple<Parameters...> kept{static_cast<Parameters>(arguments)...};
  standin::enqueue_kernel(stream, [kernel, shape, kept] {
    simt::run_grid({shape.blocks, shape.threads, shape.shared_bytes},
                   [&] { std::apply(kernel, kept); });
    standin::check_memory();
  });
  check(cudaGetLastError(), "launch of a kernel");
}

}  // namespace sluice
