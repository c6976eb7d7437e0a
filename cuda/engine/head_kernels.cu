// A thread of the loss owns one target of one row with its Q outputs, and walks the grid; indices
// inside a chunk fit 32 bits, offsets into arrays are 64 bits wide.
#include "engine/head_kernels.hpp"

#include <algorithm>
#include <cmath>

#include "base/block_reduce.cuh"
#include "engine/likelihood_kernels.hpp"
#include "engine/loss_rows.cuh"
#include "sluice/base/error.hpp"
#include "sluice/model/loss.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMostLossBlocks = 1024;
constexpr std::int64_t kTargetsPerThread = 2;  // at least, where there are blocks enough

// max(0, x) that lets NaN through: a model that is broken must not look as if it were at 0.
__device__ inline float relu(float x) { return x < 0 ? 0.0f : x; }

__global__ void bias_relu_kernel(std::uint32_t size, std::uint32_t width,
                                 const float* __restrict__ bias, float* __restrict__ hidden) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i < size) hidden[i] = relu(hidden[i] + bias[i % width]);
}

__global__ void bias_base_kernel(std::uint32_t size, std::uint32_t outputs, std::uint32_t Q,
                                 std::uint32_t based, const float* __restrict__ bias,
                                 const float* __restrict__ base, float* __restrict__ out) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i < size) out[i] += bias[i % outputs] + (i % Q < based ? base[i / Q] : 0.0f);
}

__global__ void training_loss_kernel(WindowRows rows, HeadOutputs outputs, RowWalk walk,
                                     std::int64_t first_row, std::uint32_t size,
                                     const float* __restrict__ bias, const float* __restrict__ base,
                                     const float* __restrict__ targets, float* __restrict__ out,
                                     LossPart* __restrict__ parts) {
  const auto width = static_cast<std::uint32_t>(outputs.targets);
  const int Q = outputs.Q;
  LossPart part;
  for (std::uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < size; i += gridDim.x * kThreads) {
    const float target = targets[i];
    float* o = out + static_cast<std::int64_t>(i) * Q;
    if (std::isnan(target)) {
      for (int q = 0; q < Q; ++q) o[q] = 0;
      continue;
    }
    const std::uint32_t r = i / width;
    const float* b = bias + static_cast<std::int64_t>(i % width) * Q;
    const float share = weight_of(rows, walk, r) / static_cast<float>(Q);
    const float moved = base[i];
    float sum = 0;
    for (int q = 0; q < Q; ++q) {
      const LossValue value =
          loss_value(outputs.loss, o[q] + (b[q] + moved) - target, outputs.parameter[q]);
      sum += value.value * share;
      o[q] = value.gradient * share;
    }
    ++part.targets;
    part.loss += static_cast<double>(sum);
    // A thread meets its rows in ascending order.
    if (!std::isfinite(sum) && part.bad_row < 0) part.bad_row = first_row + r;
  }
  part = block_reduce(part, sum_of);
  if (threadIdx.x == 0) parts[blockIdx.x] = part;
}

__global__ void forecast_loss_kernel(WindowRows rows, HeadOutputs outputs, RowWalk walk,
                                     std::int64_t first_row, std::uint32_t size,
                                     const float* __restrict__ forecasts,
                                     const float* __restrict__ targets,
                                     LossPart* __restrict__ parts) {
  const auto width = static_cast<std::uint32_t>(outputs.targets);
  const int Q = outputs.Q;
  LossPart part;
  for (std::uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < size; i += gridDim.x * kThreads) {
    const float target = targets[i];
    if (std::isnan(target)) continue;
    const float* u = forecasts + static_cast<std::int64_t>(i) * Q;
    double sum = 0;
    for (int q = 0; q < Q; ++q) {
      sum +=
          static_cast<double>(loss_value(outputs.loss, u[q] - target, outputs.parameter[q]).value);
    }
    const std::uint32_t r = i / width;
    ++part.targets;
    part.loss += sum / Q * static_cast<double>(weight_of(rows, walk, r));
    if (!std::isfinite(sum) && part.bad_row < 0) part.bad_row = first_row + r;
  }
  part = block_reduce(part, sum_of);
  if (threadIdx.x == 0) parts[blockIdx.x] = part;
}

__global__ void finish_loss_kernel(WindowRows rows, const LossPart* __restrict__ parts,
                                   std::int64_t count, bool add, DeviceLossSums* sums) {
  LossPart total;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) total = sum_of(total, parts[i]);
  total = block_reduce(total, sum_of);
  if (threadIdx.x != 0) return;
  DeviceLossSums result;
  if (add) result = *sums;
  add_to(result,
         {total.loss, total.targets,
          total.bad_row < 0 ? -1 : std::int64_t{catalogue_series(rows, total.bad_row % rows.N)}});
  *sums = result;
}

__global__ void relu_backward_kernel(std::uint32_t size, const float* __restrict__ hidden,
                                     float* __restrict__ d) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i < size) d[i] = hidden[i] > 0 ? d[i] : 0.0f;
}

__global__ void clear_sums_kernel(DeviceLossSums* sums) { *sums = DeviceLossSums(); }

}  // namespace

std::uint32_t size_of(std::int64_t rows, std::int64_t width) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  if (rows * width >= kMost) throw InternalError("a chunk of the head is too large to index");
  return static_cast<std::uint32_t>(rows * width);
}

void add_bias_relu(std::int64_t rows, int width, const float* bias, float* hidden,
                   cudaStream_t stream) {
  const std::uint32_t size = size_of(rows, width);
  launch(bias_relu_kernel, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream,
         size, width, bias, hidden);
}

void add_bias_base(std::int64_t rows, const HeadOutputs& outputs, const float* bias,
                   const float* base, float* out, cudaStream_t stream) {
  const int width = outputs.targets * outputs.Q;
  const std::uint32_t size = size_of(rows, width);
  launch(bias_base_kernel, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream,
         size, width, outputs.Q, outputs.based, bias, base, out);
}

std::int64_t loss_parts(std::int64_t rows, const HeadOutputs& outputs) {
  return std::min(kMostLossBlocks,
                  blocks_for(rows * outputs.targets, kTargetsPerThread * kThreads));
}

void training_loss(const WindowRows& rows, const HeadOutputs& outputs, const HeadRowRange& range,
                   const float* bias, const float* base, const float* target, float* out,
                   LossPart* parts, cudaStream_t stream) {
  if (is_distribution(outputs.loss)) {
    return training_likelihood(rows, outputs, range, bias, base, target, out, parts, stream);
  }
  launch(training_loss_kernel,
         {.blocks = loss_parts(range.count, outputs),
          .threads = kThreads,
          .shared_bytes = kThreads * sizeof(LossPart)},
         stream, rows, outputs, walk_of(rows, range), range.row,
         size_of(range.count, outputs.targets), bias, base, target, out, parts);
}

void forecast_loss(const WindowRows& rows, const HeadOutputs& outputs, const HeadRowRange& range,
                   const float* u, const float* target, LossPart* parts, cudaStream_t stream) {
  if (is_distribution(outputs.loss)) {
    return forecast_likelihood(rows, outputs, range, u, target, parts, stream);
  }
  launch(forecast_loss_kernel,
         {.blocks = loss_parts(range.count, outputs),
          .threads = kThreads,
          .shared_bytes = kThreads * sizeof(LossPart)},
         stream, rows, outputs, walk_of(rows, range), range.row,
         size_of(range.count, outputs.targets), u, target, parts);
}

void finish_loss(const WindowRows& rows, const LossPart* parts, std::int64_t count, bool add,
                 DeviceLossSums* sums, cudaStream_t stream) {
  launch(finish_loss_kernel,
         {.blocks = 1, .threads = kThreads, .shared_bytes = kThreads * sizeof(LossPart)}, stream,
         rows, parts, count, add, sums);
}

void relu_backward(std::int64_t rows, int width, const float* hidden, float* d,
                   cudaStream_t stream) {
  const std::uint32_t size = size_of(rows, width);
  launch(relu_backward_kernel, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream,
         size, hidden, d);
}

void clear_sums(DeviceLossSums* sums, cudaStream_t stream) {
  launch(clear_sums_kernel, {}, stream, sums);
}

}  // namespace sluice
