// Copies of [rows, columns] arrays between fp32 and bf16, and between pitches: operands of bf16
// products are kept with rows padded to 16 bytes, which the fast kernels of cuBLAS ask for.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "sluice/base/bf16.hpp"

namespace sluice {

/// Pitches in elements, at least `columns`; what lies between columns and pitch is not touched.
struct CastShape {
  std::int64_t rows = 0, columns = 0;
  std::int64_t from_pitch = 0, to_pitch = 0;
};

/// Asynchronous; the arrays do not overlap. Throws DeviceError.
void cast(const CastShape& shape, const float* from, Bf16* to, cudaStream_t stream);
void cast(const CastShape& shape, const Bf16* from, float* to, cudaStream_t stream);
void cast(const CastShape& shape, const float* from, float* to, cudaStream_t stream);

/// `size` elements without gaps.
template <typename From, typename To>
void cast(std::int64_t size, const From* from, To* to, cudaStream_t stream) {
  cast({.rows = 1, .columns = size, .from_pitch = size, .to_pitch = size}, from, to, stream);
}

/// Elements between the rows of a bf16 operand of `columns` columns: a multiple of 8 (16 bytes).
constexpr std::int64_t bf16_pitch(std::int64_t columns) { return (columns + 7) / 8 * 8; }

}  // namespace sluice
