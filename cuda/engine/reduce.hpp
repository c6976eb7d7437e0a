// What CUB does for us. reduce.cu is the only file that includes it: a CUB algorithm costs seconds
// to compile, and no host compiler takes it; tests without CUDA link tests/simt/standin/reduce.cpp
// in its place.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "base/device_buffer.hpp"

namespace sluice {

/// Sorts pairs by their key; pairs of equal keys stay in their order.
class PairSort {
 public:
  /// Makes ready for up to `count` pairs: the only place that allocates.
  void prepare(DeviceMemory& memory, std::int64_t count);

  /// All arrays [count], none is another; only the lowest `key_bits` of a key are looked at.
  /// Asynchronous, can be captured. Throws DeviceError.
  void sort(DeviceSpan<const std::uint64_t> keys, DeviceSpan<const std::int32_t> values,
            DeviceSpan<std::uint64_t> sorted_keys, DeviceSpan<std::int32_t> sorted_values,
            int key_bits, cudaStream_t stream);

 private:
  DeviceBuffer<std::byte> workspace_;
};

}  // namespace sluice
