// Two kernels a step: squares of the gradient by blocks, and one pass over all parameters. Each
// block of the pass adds the squares and decides for itself, all alike: a few additions to a
// thread, in place of a launch of one block between the two kernels (not measured: a launch in a
// graph is taken for 2 us). They decide by a copy of the status, as the first of them writes it
// anew. The pass moves seven floats a parameter (nine with the moving average) for some 15 flops:
// it is bound by memory, so it moves 16 bytes at a time where it can.
#include <algorithm>
#include <cmath>

#include "base/block_reduce.cuh"
#include "engine/optimizer.hpp"
#include "sluice/model/optimizer.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kPerNormThread = 4;  // elements at least, while there are blocks to spare
constexpr std::int64_t kUpdateBlocks = 4;   // of the pass, to a multiprocessor: 1024 threads

struct alignas(16) Float4 {
  float x[4];
};

__device__ inline double sum_of(double a, double b) { return a + b; }

// squares [blocks]: block b's share, in an order that depends on P and the grid only. `before`:
// what the status is now.
__global__ void squares_kernel(std::int64_t P, const float* __restrict__ gradient,
                               const TrainingStatus* __restrict__ status,
                               double* __restrict__ squares, TrainingStatus* __restrict__ before) {
  double sum = 0;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < P;
       i += stride) {
    const auto g = static_cast<double>(gradient[i]);
    sum += g * g;
  }
  sum = block_reduce(sum, sum_of);
  if (threadIdx.x != 0) return;
  squares[blockIdx.x] = sum;
  if (blockIdx.x == 0) *before = *status;
}

// All of the decision but the correction of the moments.
__device__ inline StepDecision decide(double squares, const DeviceLossSums& sums,
                                      const StepNumbers& numbers, std::int32_t series,
                                      TrainingStatus& status) {
  StepDecision decision;
  if (sums.targets == 0) {  // every target of the batch is missing: a step without an update
    ++status.step;
    return decision;
  }
  decision.mean = 1.0f / static_cast<float>(sums.targets);
  status.norm = std::sqrt(squares) * static_cast<double>(decision.mean);
  // Not finite: the parameters stay as they are, and the status says where it came from.
  if (sums.bad_series >= 0 || !std::isfinite(status.norm)) {
    if (status.sums.bad_series < 0) status.sums.bad_series = series;
    return decision;
  }
  ++status.step;
  decision.update = true;
  decision.adamw = numbers.adamw;
  decision.clip = clip_factor(status.norm, numbers.clip_norm);
  decision.averaging = numbers.average_decay > 0;
  if (decision.averaging) {
    decision.decay = average_decay(numbers.average_decay, status.step);
    decision.first_average = !status.averaging;
    status.averaging = true;
  }
  return decision;
}

__device__ inline void update_one(const StepDecision& d, float gradient, float& m, float& v,
                                  float& parameter, float& average) {
  const float before = parameter;
  adamw_update(d.adamw, d.correction, gradient * d.mean * d.clip, m, v, parameter);
  if (!d.averaging) return;
  if (d.first_average) average = before;
  average += (1.0f - d.decay) * (parameter - average);
}

/// What lies in memory for the decision, beside the squares.
struct DecisionInput {
  const double* squares;
  int count;
  const DeviceLossSums* sums;
  int sum_count;
  const StepNumbers* numbers;
  const TrainingStatus* before;
  TrainingStatus* status;  ///< written by the first block
};

// By all threads of the block, and the same in all blocks.
__device__ inline StepDecision decide_in_block(const DecisionInput& in, const WindowRows& rows) {
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < in.count; i += kThreads) sum += in.squares[i];
  sum = block_reduce(sum, sum_of);
  __syncthreads();  // the memory of block_reduce() is free
  auto* decision = shared_memory<StepDecision>();
  if (threadIdx.x == 0) {
    TrainingStatus now = *in.before;
    DeviceLossSums sums = in.sums[0];
    for (int k = 1; k < in.sum_count; ++k) add_to(sums, in.sums[k]);
    add_to(now.sums, sums);
    now.windows += in.numbers->windows > 0 ? in.numbers->windows : rows.N;
    const std::int32_t series = rows.N > 0 ? catalogue_series(rows, 0) : 0;
    *decision = decide(sum, sums, *in.numbers, series, now);
    if (blockIdx.x == 0) *in.status = now;
    // Last: its powers are calls, and what lives on across a call is kept in local memory.
    if (decision->update) decision->correction = adamw_step(in.numbers->adamw, now.step);
  }
  __syncthreads();
  return *decision;
}

// The parameters from `begin` on, four neighbours at most.
__device__ inline void update_few(const StepDecision& d, std::int64_t begin, std::int64_t P,
                                  const float* __restrict__ gradient, float* __restrict__ m,
                                  float* __restrict__ v, float* __restrict__ params,
                                  float* __restrict__ average) {
  for (std::int64_t i = begin; i < begin + 4 && i < P; ++i) {
    update_one(d, gradient[i], m[i], v[i], params[i], average[i]);
  }
}

__device__ inline void update_four(const StepDecision& d, std::int64_t begin,
                                   const float* __restrict__ gradient, float* __restrict__ m,
                                   float* __restrict__ v, float* __restrict__ params,
                                   float* __restrict__ average) {
  const Float4 g4 = *reinterpret_cast<const Float4*>(gradient + begin);
  Float4 m4 = *reinterpret_cast<const Float4*>(m + begin);
  Float4 v4 = *reinterpret_cast<const Float4*>(v + begin);
  Float4 params4 = *reinterpret_cast<const Float4*>(params + begin);
  Float4 average4 = {};
  if (d.averaging) average4 = *reinterpret_cast<const Float4*>(average + begin);
  for (int k = 0; k < 4; ++k) {
    update_one(d, g4.x[k], m4.x[k], v4.x[k], params4.x[k], average4.x[k]);
  }
  *reinterpret_cast<Float4*>(m + begin) = m4;
  *reinterpret_cast<Float4*>(v + begin) = v4;
  *reinterpret_cast<Float4*>(params + begin) = params4;
  if (d.averaging) *reinterpret_cast<Float4*>(average + begin) = average4;
}

// A thread owns four neighbours at a time; `wide`: the arrays are aligned to 16 bytes.
__global__ void __launch_bounds__(kThreads)
    update_kernel(std::int64_t P, bool wide, DecisionInput in, WindowRows rows,
                  const float* __restrict__ gradient, float* __restrict__ m, float* __restrict__ v,
                  float* __restrict__ params, float* __restrict__ average) {
  const StepDecision d = decide_in_block(in, rows);
  if (!d.update) return;
  const std::int64_t stride = 4 * static_cast<std::int64_t>(gridDim.x) * kThreads;
  std::int64_t begin = 4 * (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x);
  for (; begin < P; begin += stride) {
    if (wide && begin + 4 <= P) {
      update_four(d, begin, gradient, m, v, params, average);
    } else {
      update_few(d, begin, P, gradient, m, v, params, average);
    }
  }
}

bool aligned(const float* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % sizeof(Float4) == 0;
}

}  // namespace

void DeviceOptimizer::update(const WindowRows& rows, DeviceSpan<float> params,
                             DeviceSpan<const float> gradient,
                             DeviceSpan<const DeviceLossSums> sums, const StepNumbers* numbers) {
  const cudaStream_t stream = context_.stream();
  const std::int64_t blocks = std::min(squares_.size(), blocks_for(P_, kPerNormThread * kThreads));
  constexpr std::size_t kShared = kThreads * sizeof(double);
  launch(squares_kernel, {.blocks = blocks, .threads = kThreads, .shared_bytes = kShared}, stream,
         P_, gradient.data(), status_.data(), squares_.data(), before_.data());
  const bool wide = aligned(params.data()) && aligned(gradient.data());
  const DecisionInput in{.squares = squares_.data(),
                         .count = static_cast<int>(blocks),
                         .sums = sums.data(),
                         .sum_count = static_cast<int>(sums.size()),
                         .numbers = numbers,
                         .before = before_.data(),
                         .status = status_.data()};
  const std::int64_t most = kUpdateBlocks * context_.info().multiprocessors;
  launch(update_kernel,
         {.blocks = std::min(most, blocks_for(P_, 4 * kThreads)),
          .threads = kThreads,
          .shared_bytes = kShared},
         stream, P_, wide, in, rows, gradient.data(), m_.data(), v_.data(), params.data(),
         average_.data());
}

}  // namespace sluice
