// What the fused recurrence of the CPU is made of: one layer walked through all T steps for a few
// series by one thread, forward and backward, for each instruction set that Highway built in, and
// in bf16 for AVX-512 BF16. Everything here is raw pointers into arrays that recurrence.cpp
// owns.
//
// Packed arrays. Number: what products take in and what is kept of the gates; sums, c and the bias
// are float. V: lanes of a vector of floats; U = ceil(H/V) blocks of units; P: Numbers in 32 bits,
// which lie side by side along a product's sum; padding is zero.
//   weights        [U][ceil(C/P)+ceil(H/P)][4][V][P] of inputs and h, the gates of V units together
//   bias           [U][4][V]
//   dh_weights     per block of `width` (at most 4) vectors of columns: [U*4*V/P][width*V][P]
//   dx_weights     the same with the C inputs for columns
//   gates          [U][rows][4][V]  rows of one step
//   c              [U][rows][V]
//   dweights       [U][C+H+1][4][V] the last one of the second index is the bias
// Weights and bias for the forward walk are scaled so that exp becomes a power of two
// (FusedScale).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/recurrence.hpp"

namespace sluice {

/// Steps of x that are made at a time where it is made on demand: a window's numbers lie side by
/// side in the catalogue.
inline constexpr int kInputSteps = 8;

/// Factors of the pre-activations: sigmoid(a) = 1/(1 + 2^(a sigmoid)), tanh(a) by 2^(a tanh).
struct FusedScale {
  static constexpr float sigmoid = -1.44269504f, tanh = 2.88539008f;
};

/// Sequences of one forward walk: rows [0, n) of the arrays given.
template <typename Number>
struct FusedForward {
  int T, n, C, H;
  const float* x;  ///< row i of step t at x + (t % x_steps)*x_step + i*C
  std::int64_t x_step;
  int x_steps;  ///< T, or kInputSteps
  const InputRows*
      rows;  ///< makes x at x_made, which is x, for series `first` on; null: x is there
  std::int64_t first;
  float* x_made;
  const float *h0, *c0;  ///< [n,H] each; null: zeros
  float* h;              ///< out: row i of step t at h + (t % h_steps)*h_step + i*H
  std::int64_t h_step;
  int h_steps;  ///< T, or at least 2
  const Number* weights;
  const float* bias;
  float* c;            ///< [U][n][V] scratch
  const float* zeros;  ///< at least n*H zeros
  Number* gates;       ///< out, for backward; null: not wanted. Rows of step t: + t*gates_step
  float* cells;        ///< the same
  std::int64_t gates_step, cells_step, kept_rows;  ///< kept_rows: rows of [U][rows]
  float* c_last;                                   ///< [n,H] out; null: not wanted
  Number* rounded;  ///< scratch: FusedLayerShape::forward_scratch(); null where that is 0
};

/// The rows of step t of x, made if it is their turn. Steps are asked for in their order.
template <typename Number>
const float* input_step(const FusedForward<Number>& walk, int t) {
  const std::int64_t at = t % walk.x_steps * walk.x_step;
  if (walk.rows != nullptr && t % kInputSteps == 0) {
    walk.rows->write(t, std::min(kInputSteps, walk.T - t), walk.first, walk.n, walk.x_made + at,
                     walk.x_step);
  }
  return walk.x + at;
}

template <typename Number>
struct FusedBackward {
  int T, n, C, H;
  const float* x;
  std::int64_t x_step;
  const float *h0, *c0;  ///< as in forward
  const float* h;
  std::int64_t h_step;
  const Number* gates;
  const float* cells;
  std::int64_t gates_step, cells_step, kept_rows;
  const Number *dh_weights, *dx_weights;
  const float* dh;  ///< row i of step t at dh + t*dh_step + i*H
  std::int64_t dh_step;
  const float *dh_last, *dc_last;  ///< [n,H]; null: zeros
  float* dx;                       ///< out, rows of C; null: not wanted
  std::int64_t dx_step;
  float *dh0, *dc0;  ///< out, [n,H]; null: not wanted
  float* dweights;   ///< added to
  // Scratch.
  Number* da;           ///< gradients of the pre-activations: FusedLayerShape::backward_scratch()
  int steps;            ///< so many steps are added to dweights together
  float* dh_next;       ///< [n][U*V]
  float *dc, *c_first;  ///< [U][n][V]
};

template <typename Number>
struct FusedKernels {
  const char* target;  ///< Highway's name of the instruction set
  int lanes;           ///< V
  void (*forward)(const FusedForward<Number>&);
  void (*backward)(const FusedBackward<Number>&);
  /// out[i] = f(in[i]). In fp32, error of sigmoid: 2e-7 (of 1), relative to itself (3 - min(x, 0))
  /// 2^-23 down to 2^-29; it ends at 2^-30. Of tanh: 2e-7 (of 1), 8e-7 relative to itself. In bf16
  /// (bf16/vectors.hpp): 2^-13 and 2^-14 of themselves. NaN stays NaN.
  void (*sigmoid)(const float* in, std::int64_t count, float* out);
  void (*tanh)(const float* in, std::int64_t count, float* out);
};

/// Of the best instruction set that this machine has.
const FusedKernels<float>& fused_kernels();
/// Calls `work` for every instruction set that is built in and that this machine has, best first,
/// while fused_kernels() is of it. Not while another thread calls that.
void for_each_fused_target(const std::function<void(const FusedKernels<float>&)>& work);
/// All of these. Not while another thread calls fused_kernels().
std::vector<const FusedKernels<float>*> all_fused_kernels();

}  // namespace sluice
