// From windows to numbers on the device: the kernels over host/engine/shared/window_rows.hpp, which
// says what a row holds. Shapes and order of rows are those of the CPU engine's Gather; the numbers
// are its numbers up to the last bits of exp, log and pow.
//
// All calls are asynchronous on `stream`, can be captured into a graph, and allocate nothing. In
// `rows` all pointers are device memory. Throws DeviceError if a launch is refused.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/base/bf16.hpp"

namespace sluice {

/// x [patches,N,C]; steps before a series' start are zero.
void gather_inputs(const WindowRows& rows, DeviceSpan<float> x, cudaStream_t stream);
/// The same with `pitch` elements between rows, of which C are written, rounded to bf16 or as they
/// are. C is at most kMostPitchedInputs.
void gather_inputs(const WindowRows& rows, Bf16* x, std::int64_t pitch, cudaStream_t stream);
void gather_inputs(const WindowRows& rows, float* x, std::int64_t pitch, cudaStream_t stream);
inline constexpr int kMostPitchedInputs = 12 * 1024 - 1;

/// What the head sees, for rows [row, row + count) counted from `first_step`, time-major: row r is
/// step first_step + r / N of the recurrence over window r % N.
///   context  [count,F]
///   base     [count,K,M]
///   target   [count,K,M], NaN where there is none; or null: not wanted
void gather_head(const WindowRows& rows, int first_step, std::int64_t row, std::int64_t count,
                 int F, float* context, float* base, float* target, cudaStream_t stream);

/// Scaling by each window's own inputs (`scaling` is not none): affine [N,M], for
/// rows.window_affine.
void fit_windows(const WindowRows& rows, WindowScaling scaling, DeviceSpan<Affine> affine,
                 cudaStream_t stream);

/// Forecasts in the units of y from those in the model's space. J = Q and y_j is that of u_j, or,
/// with `offsets` [K,M,J] (else null), Q is 1 and y_j is that of u_0 + offsets_j.
///   u  [N,K,M,Q]
///   y  [N,K,M,J]
void forecast_rows(const WindowRows& rows, int Q, const float* u, const float* offsets, int J,
                   float* y, cudaStream_t stream);

/// residual [size] = target [size] - output `median` of u [size,Q]; NaN where the target is.
void residual_rows(std::int64_t size, int Q, int median, const float* u, const float* target,
                   float* residual, cudaStream_t stream);

}  // namespace sluice
