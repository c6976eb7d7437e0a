// Three kernels a step: squares of the gradient by blocks, one block that adds them and decides,
// and one pass over all parameters. The pass moves seven floats a parameter (nine with the moving
// average) for some 15 flops: it is bound by memory, so it moves 16 bytes at a time where it can.
#include <algorithm>
#include <cmath>

#include "base/block_reduce.cuh"
#include "engine/optimizer.hpp"
#include "sluice/model/optimizer.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kPerNormThread = 4;  // elements at least, while there are blocks to spare

struct alignas(16) Float4 {
  float x[4];
};

__device__ inline double sum_of(double a, double b) { return a + b; }

// squares [blocks]: block b's share, in an order that depends on P and the grid only.
__global__ void squares_kernel(std::int64_t P, const float* __restrict__ gradient,
                               double* __restrict__ squares) {
  double sum = 0;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < P;
       i += stride) {
    const auto g = static_cast<double>(gradient[i]);
    sum += g * g;
  }
  sum = block_reduce(sum, sum_of);
  if (threadIdx.x == 0) squares[blockIdx.x] = sum;
}

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
  decision.correction = adamw_step(numbers.adamw, status.step);
  decision.clip = clip_factor(status.norm, numbers.clip_norm);
  decision.averaging = numbers.average_decay > 0;
  if (decision.averaging) {
    decision.decay = average_decay(numbers.average_decay, status.step);
    decision.first_average = !status.averaging;
    status.averaging = true;
  }
  return decision;
}

__global__ void decision_kernel(const double* __restrict__ squares, int count,
                                const DeviceLossSums* __restrict__ sums,
                                const StepNumbers* __restrict__ numbers, WindowRows rows,
                                TrainingStatus* __restrict__ status,
                                StepDecision* __restrict__ decision) {
  double sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) sum += squares[i];
  sum = block_reduce(sum, sum_of);
  if (threadIdx.x != 0) return;
  TrainingStatus now = *status;
  add_to(now.sums, *sums);
  now.windows += rows.N;
  *decision = decide(sum, *sums, *numbers, catalogue_series(rows, 0), now);
  *status = now;
}

__device__ inline void update_one(const StepDecision& d, float gradient, float& m, float& v,
                                  float& parameter, float& average) {
  const float before = parameter;
  adamw_update(d.adamw, d.correction, gradient * d.mean * d.clip, m, v, parameter);
  if (!d.averaging) return;
  if (d.first_average) average = before;
  average += (1.0f - d.decay) * (parameter - average);
}

// A thread owns four neighbours; `wide`: the arrays are aligned to 16 bytes.
__global__ void update_kernel(std::int64_t P, bool wide, const StepDecision* __restrict__ decision,
                              const float* __restrict__ gradient, float* __restrict__ m,
                              float* __restrict__ v, float* __restrict__ params,
                              float* __restrict__ average) {
  const StepDecision d = *decision;
  if (!d.update) return;
  const std::int64_t begin = 4 * (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x);
  if (wide && begin + 4 <= P) {
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
    return;
  }
  for (std::int64_t i = begin; i < begin + 4 && i < P; ++i) {
    update_one(d, gradient[i], m[i], v[i], params[i], average[i]);
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
         P_, gradient.data(), squares_.data());
  launch(decision_kernel, {.blocks = 1, .threads = kThreads, .shared_bytes = kShared}, stream,
         squares_.data(), blocks, sums.data(), numbers, rows, status_.data(), decision_.data());
  const bool wide = aligned(params.data()) && aligned(gradient.data());
  launch(update_kernel, {.blocks = blocks_for(P_, 4 * kThreads), .threads = kThreads}, stream, P_,
         wide, decision_.data(), gradient.data(), m_.data(), v_.data(), params.data(),
         average_.data());
}

}  // namespace sluice
