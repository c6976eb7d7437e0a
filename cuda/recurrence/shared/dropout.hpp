// Dropout over a layer's output, or over the gradient that reaches it, on the device: the same mask
// as the CPU's (model/dropout.hpp), drawn again in backward instead of being kept. A group of 4
// neighbouring elements costs ten rounds of Philox and moves 32 bytes: on a card it is bound by
// memory or nearly so.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "recurrence/device_recurrence.hpp"
#include "sluice/base/bf16.hpp"

namespace sluice {

/// `rows` rows of H elements out of a layer's output [T*N,H], beginning with row `first_row` (t*N +
/// n); pitches in elements. Of a part of a batch (DeviceDropout::sequences) N, t and n are the
/// part's.
struct DropoutRows {
  std::int64_t rows = 0;
  int H = 1;
  std::int64_t from_pitch = 1, to_pitch = 1;
  std::int64_t first_row = 0;
};

/// to = from * factor of its element in layer `layer`, 0 <= layer < L-1. `to` may be `from`.
/// Rate 0 copies. Reads dropout.step on the stream. Asynchronous; throws DeviceError.
void apply_dropout(const DeviceDropout& dropout, int layer, const DropoutRows& shape,
                   const float* from, float* to, cudaStream_t stream);
void apply_dropout(const DeviceDropout& dropout, int layer, const DropoutRows& shape,
                   const float* from, Bf16* to, cudaStream_t stream);
void apply_dropout(const DeviceDropout& dropout, int layer, const DropoutRows& shape,
                   const Bf16* from, Bf16* to, cudaStream_t stream);

}  // namespace sluice
