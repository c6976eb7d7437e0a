// The kernels of fused_mma as plain functions: what recurrence.cpp launches. Layouts are those of
// layout.hpp; all is asynchronous on the stream and throws DeviceError if a launch is
// refused.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <type_traits>

#include "engine/shared/window_rows.hpp"
#include "recurrence/fused_mma/layout.hpp"
#include "sluice/base/bf16.hpp"
#include "sluice/model/precision.hpp"

namespace sluice::mma {

template <Precision kPrecision>
using Element = std::conditional_t<kPrecision == Precision::bf16, Bf16, float>;

/// A gate's value as it is kept for backward: a fraction of 65535 beside bf16, a float beside tf32.
template <typename E>
using KeptGate = std::conditional_t<std::is_same_v<E, Bf16>, std::uint16_t, float>;

/// One layer, `steps` steps. The input product is made of x (or of assembled windows), or, if
/// x_steps is 0, comes ready as `product`.
template <typename E>
struct Forward {
  int steps = 0, H = 0, units = 0, x_steps = 0, x_pitch = 0;
  std::int64_t N = 0;
  std::int64_t x_stride = 0;  ///< elements between rows of x: x_pitch, or more; whole 16 bytes
  std::int64_t h_stride = 0;  ///< the same of h_sequence: Hp, or more; whole pairs
  const std::uint32_t* fragments = nullptr;  ///< pack()
  const float* bias = nullptr;               ///< [4Hp], pack()
  const E* x = nullptr;                      ///< [steps,N,x_stride], of which x_pitch are read
  const float* product = nullptr;            ///< [steps,N,4Hp] x W^T, gates in their columns
  const float *h_first = nullptr, *c_first = nullptr;  ///< [N,H] or null: zero
  float *h_last = nullptr, *c_last = nullptr;          ///< [N,H] or null
  float* h = nullptr;                                  ///< [steps,N,H] or null
  E* h_sequence = nullptr;       ///< [steps+1,N,h_stride], of which Hp are written, or
                                 ///< null; slot 0: the initial state
  float* c_sequence = nullptr;   ///< [steps+1,N,Hp] or null
  KeptGate<E>* gates = nullptr;  ///< [steps,N,4Hp] after their non-linearities, or null
};

/// The layer backward, over all steps that its forward kept.
template <typename E>
struct Backward {
  int steps = 0, H = 0, units = 0, dh_pitch = 0;
  std::int64_t N = 0;
  const std::uint32_t* fragments = nullptr;  ///< pack()
  const float* dh = nullptr;                 ///< [steps,N,dh_pitch] from above
  const KeptGate<E>* gates = nullptr;
  const float* c_sequence = nullptr;
  const float *dh_last = nullptr, *dc_last = nullptr;  ///< [N,H] or null
  float *dh_first = nullptr, *dc_first = nullptr;      ///< [N,H] or null
  E* da = nullptr;  ///< [steps,N,4Hp] gradients of the pre-activations
};

/// `tiles`: of 16 series to a CTA, 1 .. kMostTiles.
template <Precision kPrecision>
void launch_forward(const Forward<Element<kPrecision>>& layer, int tiles, cudaStream_t stream);
/// With x assembled from windows, beginning with step `first_step` of them. `ahead`: steps that a
/// CTA assembles at a time.
template <Precision kPrecision>
void launch_assembled(const Forward<Element<kPrecision>>& layer, const WindowRows& windows,
                      int first_step, int tiles, int ahead, cudaStream_t stream);
template <Precision kPrecision>
void launch_backward(const Backward<Element<kPrecision>>& layer, cudaStream_t stream);

/// A layer's weights as the caller has them.
struct Weights {
  int H = 0, units = 0, inputs = 0;
  const float *W = nullptr, *R = nullptr, *b = nullptr;
};

/// Fragments of [R|W] for the forward kernel, [hidden steps + x_steps][warps][kForwardFragment]
/// words, i, f, o times fold (gates.cuh); bias [4Hp] folded alike; fragments of R for the backward
/// kernel; W [4Hp, pitch], not folded, as an operand of products.
template <Precision kPrecision>
void pack(const Weights& from, int x_steps, int pitch, std::uint32_t* forward, float* bias,
          std::uint32_t* backward, Element<kPrecision>* W, cudaStream_t stream);

/// 1 into every element of columns first, first + stride, ... of rows [rows, pitch], `count` of
/// them.
struct Ones {
  std::int64_t rows = 0;
  int pitch = 0, first = 0, stride = 0, count = 0;
};
void fill_ones(const Ones& ones, Bf16* to, cudaStream_t stream);
void fill_ones(const Ones& ones, float* to, cudaStream_t stream);

/// Gradients of padded units in gate columns, [4Hp, pitch]: of each row dR, db and dW begin where
/// these point. To the caller's layout: W [4H,I], R [4H,H], b [4H].
struct PaddedGradients {
  int H = 0, inputs = 0, pitch = 0;
  const float *dR = nullptr, *db = nullptr, *dW = nullptr;
};
void unpack(const PaddedGradients& from, float* dW, float* dR, float* db, cudaStream_t stream);

}  // namespace sluice::mma
