// What the fused recurrence of the CPU is made of: one layer walked through all T steps for a few
// series by one thread, forward and backward, for each instruction set that Highway built in.
// Everything here is raw pointers into arrays that fused_recurrence.cpp owns.
//
// Packed arrays. V: lanes of a vector; U = ceil(H/V) blocks of units; padding is zero.
//   weights        [U][C+H][4][V]   of inputs and h, the four gates of V units side by side
//   bias           [U][4][V]
//   dh_weights     per block of `width` (at most 4) vectors of columns: [U*4*V][width*V]
//   dx_weights     the same with the C inputs for columns
//   gates          [U][rows][4][V]  rows of one step
//   c              [U][rows][V]
//   dweights       [U][C+H+1][4][V] the last one of the second index is the bias
// Weights and bias for the forward walk are scaled so that exp becomes a power of two
// (FusedScale).
#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

/// Factors of the pre-activations: sigmoid(a) = 1/(1 + 2^(a sigmoid)), tanh(a) by 2^(a tanh).
struct FusedScale {
  static constexpr float sigmoid = -1.44269504f, tanh = 2.88539008f;
};

/// Sequences of one forward walk: rows [0, n) of the arrays given.
struct FusedForward {
  int T, n, C, H;
  const float* x;  ///< row i of step t at x + t*x_step + i*C
  std::int64_t x_step;
  const float *h0, *c0;  ///< [n,H] each; null: zeros
  float* h;              ///< out: row i of step t at h + t*h_step + i*H
  std::int64_t h_step;
  const float *weights, *bias;
  float* c;              ///< [U][n][V] scratch
  const float* zeros;    ///< at least n*H zeros
  float *gates, *cells;  ///< out, for backward; null: not wanted. Rows of step t: + t*gates_step
  std::int64_t gates_step, cells_step, kept_rows;  ///< kept_rows: rows of [U][rows]
  float* c_last;                                   ///< [n,H] out; null: not wanted
};

struct FusedBackward {
  int T, n, C, H;
  const float* x;
  std::int64_t x_step;
  const float *h0, *c0;  ///< as in forward
  const float* h;
  std::int64_t h_step;
  const float *gates, *cells;
  std::int64_t gates_step, cells_step, kept_rows;
  const float *dh_weights, *dx_weights;
  const float* dh;  ///< row i of step t at dh + t*dh_step + i*H
  std::int64_t dh_step;
  const float *dh_last, *dc_last;  ///< [n,H]; null: zeros
  float* dx;                       ///< out, rows of C; null: not wanted
  std::int64_t dx_step;
  float *dh0, *dc0;  ///< out, [n,H]; null: not wanted
  float* dweights;   ///< added to
  // Scratch.
  float* da;            ///< [U][steps*n][4][V]: gradients of the pre-activations
  int steps;            ///< so many steps are added to dweights together
  float* dh_next;       ///< [n][U*V]
  float *dc, *c_first;  ///< [U][n][V]
};

struct FusedKernels {
  const char* target;  ///< Highway's name of the instruction set
  int lanes;           ///< V
  int rows;            ///< series whose products share a load of the weights
  void (*forward)(const FusedForward&);
  void (*backward)(const FusedBackward&);
  /// out[i] = f(in[i]). Error of sigmoid: 2e-7 (of 1), relative to itself (3 - min(x, 0)) 2^-23
  /// down to 2^-124; of tanh: 4e-7 relative to itself, 1e-37 absolute. NaN stays NaN.
  void (*sigmoid)(const float* in, std::int64_t count, float* out);
  void (*tanh)(const float* in, std::int64_t count, float* out);
};

/// Of the best instruction set that this machine has.
const FusedKernels& fused_kernels();
/// Of every instruction set that is built in and that this machine has, best first. Not while
/// another thread calls fused_kernels().
std::vector<const FusedKernels*> all_fused_kernels();

}  // namespace sluice
