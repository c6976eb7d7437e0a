// Between our flat fp32 buffers and arrays of a library's own type and order: what a recurrence
// needs that hands its work to such a library (cuDNN).
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "base/device_buffer.hpp"

namespace sluice {

enum class ElementType { fp32, bf16, fp16 };

constexpr std::int64_t element_bytes(ElementType type) { return type == ElementType::fp32 ? 4 : 2; }

/// `size` elements without gaps, rounded to nearest even. Asynchronous; the arrays do not overlap.
/// Throws DeviceError.
void copy_as(ElementType type, std::int64_t size, const float* from, void* to, cudaStream_t stream);
void copy_from(ElementType type, std::int64_t size, const void* from, float* to,
               cudaStream_t stream);

/// `count` neighbouring elements: from `flat` on in the flat buffer, from `space` on (in elements,
/// not bytes) in the library's weight space.
struct WeightBlock {
  std::int64_t flat = 0, space = 0, count = 0;
};

/// All of them, in device memory; `largest`: the largest count.
struct WeightMap {
  DeviceSpan<const WeightBlock> blocks;
  std::int64_t largest = 0;
};

/// space[block.space + i] = flat[block.flat + i] for all blocks in one launch; the rest of the
/// space is not touched. Asynchronous; throws DeviceError.
void scatter_weights(const WeightMap& map, ElementType type, const float* flat, void* space,
                     cudaStream_t stream);
/// The way back: flat[block.flat + i] = space[block.space + i].
void gather_weights(const WeightMap& map, ElementType type, const void* space, float* flat,
                    cudaStream_t stream);

}  // namespace sluice
