// Sums over the rows of an array: the gradient of a bias. One pass where there are few rows, else
// two, in an order that depends on the array's shape only, so that the same numbers give the same
// bits on any card.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "base/device_buffer.hpp"
#include "sluice/base/bf16.hpp"

namespace sluice {

/// Array [rows, columns] with `pitch` elements between rows.
struct ColumnSumsShape {
  std::int64_t rows = 0, columns = 0, pitch = 0;
  bool add = false;  ///< to what is in `sums`; else it is overwritten
};

/// Floats of workspace for arrays of at most so many rows; 0 where one launch sums them.
std::int64_t column_sums_workspace(std::int64_t rows, std::int64_t columns);

/// sums [columns] = (or +=) sum over rows of a, in fp32. Asynchronous; throws DeviceError, or
/// InternalError if the workspace is too small.
void column_sums(const ColumnSumsShape& shape, const float* a, float* sums,
                 DeviceSpan<float> workspace, cudaStream_t stream);
void column_sums(const ColumnSumsShape& shape, const Bf16* a, float* sums,
                 DeviceSpan<float> workspace, cudaStream_t stream);

}  // namespace sluice
