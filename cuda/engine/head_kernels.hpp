// The kernels of the head between its matrix products: bias and ReLU, bias and base, the loss with
// its gradient, the ReLU's backward. All are bound by memory, and touch each array once.
//
// Sums are made in two stages of fixed order (blocks, then one small kernel): the same bits each
// time. All launchers are asynchronous on `stream`.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "engine/loss_sums.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// The sizes of one row of outputs [targets, Q].
struct HeadOutputs {
  Loss loss = Loss::mae;
  int targets = 1;                   ///< K * M
  int Q = 1;                         ///< outputs of one target
  int based = 1;                     ///< of them, the first ones: those that the base is added to
  double power = 0;                  ///< of Loss::tweedie
  const float* parameter = nullptr;  ///< [Q] in device memory: each quantile, or Huber's delta
};

/// Rows `row` .. `row + count` of the head, counted from step `first_step` of the windows,
/// time-major.
struct HeadRowRange {
  int first_step = 0;
  std::int64_t row = 0, count = 0;
};

/// What one block saw.
struct LossPart {
  double loss = 0;
  std::int64_t targets = 0;
  std::int64_t bad_row = -1;  ///< the first whose loss is not finite, or -1
};

/// hidden [rows, width] becomes max(0, hidden + bias [width]).
void add_bias_relu(std::int64_t rows, int width, const float* bias, float* hidden,
                   cudaStream_t stream);

/// out [rows, targets, Q] += bias [targets, Q] + base [rows, targets], the base to the first
/// `based` of Q.
void add_bias_base(std::int64_t rows, const HeadOutputs& outputs, const float* bias,
                   const float* base, float* out, cudaStream_t stream);

/// Blocks of a loss over so many rows: the LossParts that it writes.
std::int64_t loss_parts(std::int64_t rows, const HeadOutputs& outputs);

/// Loss of the training rows, weighted by row_weight(). Missing targets (NaN) give zero.
///   base, target [count, targets]  in
///   out   [count, targets, Q]  in: the product; out: the gradient of the loss with respect to it
///   parts [loss_parts()]       out
void training_loss(const WindowRows& rows, const HeadOutputs& outputs, const HeadRowRange& range,
                   const float* bias, const float* base, const float* target, float* out,
                   LossPart* parts, cudaStream_t stream);

/// Loss of finished forecasts u [count, targets, Q], weighted likewise; else as above.
void forecast_loss(const WindowRows& rows, const HeadOutputs& outputs, const HeadRowRange& range,
                   const float* u, const float* target, LossPart* parts, cudaStream_t stream);

/// Adds up `count` parts in their order into `sums`, which is overwritten, or added to.
void finish_loss(const WindowRows& rows, const LossPart* parts, std::int64_t count, bool add,
                 DeviceLossSums* sums, cudaStream_t stream);

/// d [rows, width] becomes 0 where hidden [rows, width] is not above 0.
void relu_backward(std::int64_t rows, int width, const float* hidden, float* d,
                   cudaStream_t stream);

/// Sets one DeviceLossSums to "nothing seen".
void clear_sums(DeviceLossSums* sums, cudaStream_t stream);

}  // namespace sluice
