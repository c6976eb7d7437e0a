// Kernels that do one thing as fast as the device can, to learn its rates.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"

namespace sluice::bench {

/// Blocks of 256 threads; each thread (or warp, for mma) does `rounds` rounds of kChains
/// independent operations. `out` takes one float a thread, so that nothing is optimised away.
struct RateShape {
  int blocks = 1;
  int rounds = 1;
};
constexpr int kRateThreads = 256;
constexpr int kChains = 8;

/// Asynchronous, all.
void spend_tanh(RateShape shape, DeviceSpan<float> out, cudaStream_t stream);
void spend_fma(RateShape shape, DeviceSpan<float> out, cudaStream_t stream);
void spend_mma_bf16(RateShape shape, DeviceSpan<float> out, cudaStream_t stream);
void spend_mma_tf32(RateShape shape, DeviceSpan<float> out, cudaStream_t stream);
void launch_nothing(cudaStream_t stream);

}  // namespace sluice::bench
