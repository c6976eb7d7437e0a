// One thread an element; nothing here is timed.
#include <cuda_runtime.h>

#include "base/launch.cuh"
#include "gpu/fill.hpp"

namespace sluice::bench {
namespace {

constexpr int kThreads = 256;

__device__ std::int64_t element() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

__global__ void fill_kernel(float* out, std::int64_t size, std::uint64_t key, float range) {
  const std::int64_t i = element();
  if (i < size) out[i] = random_value(key, i, range);
}

__global__ void keep_kernel(float* array, std::int64_t size, int B, int width, Probes probes) {
  const std::int64_t i = element();
  if (i >= size) return;
  const auto series = static_cast<int>(i / width % B);
  for (int p = 0; p < probes.count; ++p) {
    if (probes.series[p] == series) return;
  }
  array[i] = 0;
}

__global__ void gather_kernel(const float* array, int B, int width, Probes probes, float* out,
                              std::int64_t size) {
  const std::int64_t i = element();
  if (i >= size) return;
  const std::int64_t column = i % width, row = i / width / probes.count;
  const auto probe = static_cast<int>(i / width % probes.count);
  int series = probes.series[0];  // no index at run time: the array stays in registers
#pragma unroll
  for (int p = 1; p < kMostProbes; ++p) {
    if (p == probe) series = probes.series[p];
  }
  out[i] = array[(row * B + series) * width + column];
}

}  // namespace

void fill_random(DeviceSpan<float> out, std::uint64_t key, float range, cudaStream_t stream) {
  launch(fill_kernel, {.blocks = blocks_for(out.size(), kThreads), .threads = kThreads}, stream,
         out.data(), out.size(), key, range);
}

void keep_probes(DeviceSpan<float> array, int B, int width, const Probes& probes,
                 cudaStream_t stream) {
  launch(keep_kernel, {.blocks = blocks_for(array.size(), kThreads), .threads = kThreads}, stream,
         array.data(), array.size(), B, width, probes);
}

void gather_probes(DeviceSpan<const float> array, int B, int width, const Probes& probes,
                   DeviceSpan<float> out, cudaStream_t stream) {
  launch(gather_kernel, {.blocks = blocks_for(out.size(), kThreads), .threads = kThreads}, stream,
         array.data(), B, width, probes, out.data(), out.size());
}

}  // namespace sluice::bench
