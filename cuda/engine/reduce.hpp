// What a library does best: sorting. The only file with Thrust or CUB is behind this header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/device_buffer.hpp"

namespace sluice {

/// Sorts pairs by key; equal keys keep their order.
class PairSort {
 public:
  /// Makes ready for up to `count` pairs: the only place that allocates. Throws DeviceError.
  void prepare(DeviceMemory& memory, std::int64_t count);
  /// Asynchronous on `stream`, can be captured. Inputs and outputs do not overlap; [count] each.
  void run(std::int64_t count, const std::int32_t* keys, const std::int32_t* values,
           std::int32_t* sorted_keys, std::int32_t* sorted_values, cudaStream_t stream);

 private:
  DeviceBuffer<std::byte> workspace_;
};

}  // namespace sluice
