// Each thread keeps kChains independent chains of one instruction going, all in registers; nothing
// but the last sum goes to memory.
#include <cuda_runtime.h>

#include "base/launch.cuh"
#include "base/ptx.cuh"
#include "gpu/rates.hpp"

namespace sluice::bench {
namespace {

__device__ std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * kRateThreads + threadIdx.x;
}

__device__ float seed_value(int chain) {
  return 0.001f * static_cast<float>(static_cast<int>(threadIdx.x) + chain);
}

__global__ void tanh_kernel(int rounds, float* out) {
  float x[kChains];
#pragma unroll
  for (int c = 0; c < kChains; ++c) x[c] = seed_value(c);
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) x[c] = tanh_approx(x[c]);
  }
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) sum += x[c];
  out[thread_index()] = sum;
}

__global__ void fma_kernel(int rounds, float* out) {
  float x[kChains];
  const float a = seed_value(1), b = seed_value(2);
#pragma unroll
  for (int c = 0; c < kChains; ++c) x[c] = seed_value(c);
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) x[c] = x[c] * a + b;
  }
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) sum += x[c];
  out[thread_index()] = sum;
}

template <bool kBf16>
__device__ void spend_mma(int rounds, float* out) {
  float d[kChains][4] = {};
  const std::uint32_t a[4] = {threadIdx.x, 0, 0, 0}, b[2] = {threadIdx.x, 0};
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) {
      if constexpr (kBf16) {
        mma_m16n8k16_bf16(d[c], a, b);
      } else {
        mma_m16n8k8_tf32(d[c], a, b);
      }
    }
  }
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) sum += d[c][0] + d[c][1] + d[c][2] + d[c][3];
  out[thread_index()] = sum;
}

__global__ void mma_bf16_kernel(int rounds, float* out) { spend_mma<true>(rounds, out); }
__global__ void mma_tf32_kernel(int rounds, float* out) { spend_mma<false>(rounds, out); }

__global__ void nothing_kernel() {}

LaunchShape launch_shape(RateShape shape) {
  return {.blocks = shape.blocks, .threads = kRateThreads};
}

}  // namespace

void spend_tanh(RateShape shape, DeviceSpan<float> out, cudaStream_t stream) {
  launch(tanh_kernel, launch_shape(shape), stream, shape.rounds, out.data());
}
void spend_fma(RateShape shape, DeviceSpan<float> out, cudaStream_t stream) {
  launch(fma_kernel, launch_shape(shape), stream, shape.rounds, out.data());
}
void spend_mma_bf16(RateShape shape, DeviceSpan<float> out, cudaStream_t stream) {
  launch(mma_bf16_kernel, launch_shape(shape), stream, shape.rounds, out.data());
}
void spend_mma_tf32(RateShape shape, DeviceSpan<float> out, cudaStream_t stream) {
  launch(mma_tf32_kernel, launch_shape(shape), stream, shape.rounds, out.data());
}
void launch_nothing(cudaStream_t stream) {
  launch(nothing_kernel, {.blocks = 1, .threads = 32}, stream);
}

}  // namespace sluice::bench
