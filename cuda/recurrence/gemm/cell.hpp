// The part of the gemm recurrence that is not a product: one step of N cells, forward and backward.
// Element is what the products read, and in what gates are kept: float, or Bf16.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "sluice/base/bf16.hpp"

namespace sluice {

/// Arrays of one step; those that may be null are not read or not wanted.
template <typename Element>
struct CellForwardStep {
  std::int64_t N = 0;
  int H = 0;
  const float* a = nullptr;       ///< [N,4H] W x + R h of the gates i, f, g, o, without bias
  const float* bias = nullptr;    ///< [4H]
  const float* c_prev = nullptr;  ///< [N,H]; null: zero
  float* c = nullptr;             ///< [N,H]; may be c_prev
  Element* h = nullptr;           ///< [N,H], `h_pitch` elements between rows
  std::int64_t h_pitch = 0;
  Element* gates = nullptr;  ///< [N,4H] or null; may be `a`
  float* h_full = nullptr;   ///< [N,H] or null: h before it is rounded to Element
  float* h_last = nullptr;   ///< the same once more, as last state
  float* c_last = nullptr;   ///< [N,H] or null: a copy of c
};

template <typename Element>
struct CellBackwardStep {
  std::int64_t N = 0;
  int H = 0;
  const Element* gates = nullptr;   ///< [N,4H]
  const float* c = nullptr;         ///< [N,H]
  const float* c_prev = nullptr;    ///< [N,H]; null: zero
  const float* dh_above = nullptr;  ///< [N,H] from the layer above
  const float* dh_next = nullptr;   ///< [N,H] from the next step; null: zero
  const float* dc_next = nullptr;   ///< [N,H] from the next step; null: zero
  float* dc_prev = nullptr;         ///< [N,H] out; may be dc_next
  Element* da = nullptr;            ///< [N,4H] out: gradients of the pre-activations
};

/// Asynchronous. N*H is below 2^31. Throws DeviceError if the launch fails.
void cell_step_forward(const CellForwardStep<float>& step, cudaStream_t stream);
void cell_step_forward(const CellForwardStep<Bf16>& step, cudaStream_t stream);
void cell_step_backward(const CellBackwardStep<float>& step, cudaStream_t stream);
void cell_step_backward(const CellBackwardStep<Bf16>& step, cudaStream_t stream);

}  // namespace sluice
