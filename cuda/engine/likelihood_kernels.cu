// A thread of the loss owns one target of one row with its parameters, and walks the grid, as in
// head_kernels.cu; a kernel for each distribution, so that none pays for another's registers.
#include "engine/likelihood_kernels.hpp"

#include <cmath>

#include "base/block_reduce.cuh"
#include "engine/loss_rows.cuh"
#include "sluice/model/likelihood.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 128;

// Of outputs that are products, to which bias and base are added and whose place the gradient
// takes, or, without a bias, of finished ones.
template <Loss kLoss>
__global__ void __launch_bounds__(kThreads)
    likelihood_kernel(WindowRows rows, HeadOutputs outputs, RowWalk walk, std::int64_t first_row,
                      std::uint32_t size, const float* __restrict__ bias,
                      const float* __restrict__ base, const float* __restrict__ targets,
                      const float* given, float* gradient, LossPart* __restrict__ parts) {
  constexpr int kQ = parameter_count(kLoss);
  const auto width = static_cast<std::uint32_t>(outputs.targets);
  LossPart part;
  for (std::uint32_t i = blockIdx.x * kThreads + threadIdx.x; i < size; i += gridDim.x * kThreads) {
    const float target = targets[i];
    const std::int64_t at = static_cast<std::int64_t>(i) * kQ;
    if (std::isnan(target)) {
      for (int q = 0; q < kQ && gradient != nullptr; ++q) gradient[at + q] = 0;
      continue;
    }
    const std::uint32_t r = i / width, in_row = i % width;
    double values[kMostParameters] = {};
    for (int q = 0; q < kQ; ++q) {
      float moved = given[at + q];
      if (bias != nullptr) {
        const float b = bias[static_cast<std::int64_t>(in_row) * kQ + q];
        moved += q == 0 ? b + base[i] : b;
      }
      values[q] = static_cast<double>(moved);
    }
    const RowPlace place = place_of(rows, walk, r);
    const int m = static_cast<int>(in_row) % rows.space.M;
    const LikelihoodValue loss =
        likelihood_value<kLoss>(values, static_cast<double>(target),
                                target_map(rows, kLoss, m, place.n, place.t), outputs.power);
    const float weight = row_weight(rows, place.n, place.t);
    for (int q = 0; q < kQ && gradient != nullptr; ++q) {
      gradient[at + q] = static_cast<float>(loss.gradient[q]) * weight;
    }
    ++part.targets;
    part.loss += loss.value * static_cast<double>(weight);
    // A thread meets its rows in ascending order.
    if (!std::isfinite(loss.value) && part.bad_row < 0) part.bad_row = first_row + r;
  }
  part = block_reduce(part, sum_of);
  if (threadIdx.x == 0) parts[blockIdx.x] = part;
}

void launch_likelihood(const WindowRows& rows, const HeadOutputs& outputs,
                       const HeadRowRange& range, const float* bias, const float* base,
                       const float* target, const float* given, float* gradient, LossPart* parts,
                       cudaStream_t stream) {
  with_distribution(outputs.loss, [&](auto loss) {
    launch(likelihood_kernel<decltype(loss)::value>,
           {.blocks = loss_parts(range.count, outputs),
            .threads = kThreads,
            .shared_bytes = kThreads * sizeof(LossPart)},
           stream, rows, outputs, walk_of(rows, range), range.row,
           size_of(range.count, outputs.targets), bias, base, target, given, gradient, parts);
  });
}

template <Loss kLoss>
__global__ void __launch_bounds__(kThreads)
    parameters_kernel(WindowRows rows, double power, std::int64_t size,
                      const float* __restrict__ forecasts, float* __restrict__ y) {
  constexpr int kQ = parameter_count(kLoss);
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= size) return;
  double values[kMostParameters] = {};
  for (int q = 0; q < kQ; ++q) values[q] = static_cast<double>(forecasts[i * kQ + q]);
  const std::int64_t n = i / (std::int64_t{rows.space.K} * rows.space.M);
  const int m = static_cast<int>(i % rows.space.M);
  const DistributionParameters made = distribution_parameters(
      kLoss, values, target_map(rows, kLoss, m, n, rows.windows[n].origin), power);
  y[i * kQ] = static_cast<float>(made.location);
  if constexpr (kQ > 1) y[i * kQ + 1] = static_cast<float>(made.spread);
  if constexpr (kQ > 2) y[i * kQ + 2] = static_cast<float>(made.shape);
}

}  // namespace

void training_likelihood(const WindowRows& rows, const HeadOutputs& outputs,
                         const HeadRowRange& range, const float* bias, const float* base,
                         const float* target, float* out, LossPart* parts, cudaStream_t stream) {
  launch_likelihood(rows, outputs, range, bias, base, target, out, out, parts, stream);
}

void forecast_likelihood(const WindowRows& rows, const HeadOutputs& outputs,
                         const HeadRowRange& range, const float* u, const float* target,
                         LossPart* parts, cudaStream_t stream) {
  launch_likelihood(rows, outputs, range, nullptr, nullptr, target, u, nullptr, parts, stream);
}

void distribution_rows(const WindowRows& rows, const HeadOutputs& outputs, const float* u, float* y,
                       cudaStream_t stream) {
  const std::int64_t size = rows.N * outputs.targets;
  with_distribution(outputs.loss, [&](auto loss) {
    launch(parameters_kernel<decltype(loss)::value>,
           {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream, rows, outputs.power,
           size, u, y);
  });
}

}  // namespace sluice
