// Each thread keeps kChains independent chains of one instruction going, all in registers and all
// on random normal numbers; nothing but the last sum goes to memory.
#include <cuda_runtime.h>

#include "base/launch.cuh"
#include "base/ptx.cuh"
#include "gpu/rates.hpp"

namespace sluice::bench {
namespace {

__device__ std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * kRateThreads + threadIdx.x;
}

/// Bits without a pattern, a function of thread and `k` (the finaliser of MurmurHash3).
__device__ std::uint32_t random_bits(unsigned k) {
  auto x = static_cast<std::uint32_t>(thread_index()) * 0x9e3779b9u + k;
  x = (x ^ (x >> 16)) * 0x85ebca6bu;
  x = (x ^ (x >> 13)) * 0xc2b2ae35u;
  return x ^ (x >> 16);
}

constexpr std::uint32_t kSign = 0x80000000u, kHalf = 0x3f000000u, kMantissa = 0x007fffffu;

/// In +-[0.5, 1).
__device__ std::uint32_t random_float_bits(unsigned k) {
  return (random_bits(k) & (kSign | kMantissa)) | kHalf;
}
__device__ float random_float(unsigned k) { return __uint_as_float(random_float_bits(k)); }

/// Two bf16, each in +-[0.5, 1).
__device__ std::uint32_t random_bf16x2(unsigned k) {
  return (random_bits(k) & 0x807f807fu) | 0x3f003f00u;
}

__device__ void store_sum(const float (&x)[kChains], float* out) {
  float sum = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) sum += x[c];
  out[thread_index()] = sum;
}

/// tanh of tanh of ... goes to 0 as sqrt(3 / (2 rounds)): normal numbers.
__global__ void tanh_kernel(int rounds, float* out) {
  float x[kChains];
#pragma unroll
  for (int c = 0; c < kChains; ++c) x[c] = random_float(static_cast<unsigned>(c));
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) x[c] = tanh_approx(x[c]);
  }
  store_sum(x, out);
}

__global__ void fma_kernel(int rounds, float* out) {
  float x[kChains];
  const float a = random_float(kChains), b = random_float(kChains + 1);
#pragma unroll
  for (int c = 0; c < kChains; ++c) x[c] = random_float(static_cast<unsigned>(c));
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) x[c] = x[c] * a + b;
  }
  store_sum(x, out);
}

// On zeros and denormals tensor cores draw less power and run faster. So: random operands, others
// for each product, and what a round adds the next one takes away, so that sums stay normal numbers
// however long it runs.
template <bool kBf16>
__device__ void spend_mma(int rounds, float* out) {
  const auto operand = [](unsigned k) {
    return kBf16 ? random_bf16x2(k) : random_float_bits(k) & 0xffffe000u;
  };
  constexpr std::uint32_t kSigns = kBf16 ? 0x80008000u : kSign;
  constexpr unsigned kA = 8, kB = 2 * kChains, kD = 4 * kChains;  // numbers of random values
  std::uint32_t a[2][4], b[kChains][2];
  float d[kChains][4];
#pragma unroll
  for (unsigned k = 0; k < kA; ++k) a[k / 4][k % 4] = operand(k);
#pragma unroll
  for (unsigned k = 0; k < kB; ++k) b[k / 2][k % 2] = operand(kA + k);
#pragma unroll
  for (unsigned k = 0; k < kD; ++k) d[k / 4][k % 4] = random_float(kA + kB + k);
  for (int r = 0; r < rounds; ++r) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) {
      if constexpr (kBf16) {
        mma_m16n8k16_bf16(d[c], a[c % 2], b[c]);
      } else {
        mma_m16n8k8_tf32(d[c], a[c % 2], b[c]);
      }
    }
#pragma unroll
    for (unsigned k = 0; k < kA; ++k) a[k / 4][k % 4] ^= kSigns;
  }
  float sums[kChains];
#pragma unroll
  for (int c = 0; c < kChains; ++c) sums[c] = d[c][0] + d[c][1] + d[c][2] + d[c][3];
  store_sum(sums, out);
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
