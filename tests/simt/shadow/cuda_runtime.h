// Takes the place of CUDA's header when device code is compiled for the interpreter: what CUDA
// gives to kernels, as plain C++.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

#include "cuda_runtime_api.h"
#include "interpreter.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

extern simt::Dim threadIdx, blockIdx, blockDim, gridDim;

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  simt::sync_threads(where);
}

inline void __syncwarp(unsigned mask = 0xffffffffu,
                       std::source_location where = std::source_location::current()) {
  simt::warp_collective(
      "__syncwarp", mask, nullptr, [](void* const*) {}, where);
}

namespace simt {

/// A lane's value, the lane that it reads from, and what it gets.
struct Shuffle {
  std::uint64_t value = 0, result = 0;
  unsigned from = 0;
};

inline void execute_shuffle(void* const* lanes) {
  for (int lane = 0; lane < 32; ++lane) {
    if (lanes[lane] == nullptr) continue;
    auto* self = static_cast<Shuffle*>(lanes[lane]);
    const auto* source = static_cast<const Shuffle*>(lanes[self->from]);
    // From a lane that takes no part: undefined on a device, all ones (NaN) here.
    self->result = source == nullptr ? ~std::uint64_t{0} : source->value;
  }
}

template <typename T>
T shuffle(const char* name, unsigned mask, T value, unsigned from, std::source_location where) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  Shuffle lane;
  std::memcpy(&lane.value, &value, sizeof value);
  lane.from = from;
  warp_collective(name, mask, &lane, execute_shuffle, where);
  std::memcpy(&value, &lane.result, sizeof value);
  return value;
}

}  // namespace simt

template <typename T>
T __shfl_sync(unsigned mask, T value, int lane, int width = 32,
              std::source_location where = std::source_location::current()) {
  const unsigned self = threadIdx.x % 32, w = static_cast<unsigned>(width);
  return simt::shuffle("__shfl_sync", mask, value, self / w * w + static_cast<unsigned>(lane) % w,
                       where);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  std::source_location where = std::source_location::current()) {
  const unsigned self = threadIdx.x % 32, from = self ^ static_cast<unsigned>(bits);
  const unsigned w = static_cast<unsigned>(width);
  return simt::shuffle("__shfl_xor_sync", mask, value, from / w > self / w ? self : from, where);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   std::source_location where = std::source_location::current()) {
  const unsigned self = threadIdx.x % 32, from = self + delta, w = static_cast<unsigned>(width);
  return simt::shuffle("__shfl_down_sync", mask, value, from / w == self / w ? from : self, where);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 std::source_location where = std::source_location::current()) {
  const unsigned self = threadIdx.x % 32, w = static_cast<unsigned>(width);
  return simt::shuffle("__shfl_up_sync", mask, value, self % w < delta ? self : self - delta,
                       where);
}

template <typename T>
T __ldg(const T* pointer) {
  return *pointer;
}
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline unsigned __float_as_uint(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float __uint_as_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
