// The kernels of a distribution (model/likelihood.hpp): its likelihood with the gradient, and its
// parameters as a forecast. In double precision, one thread a target; a thread of Tweedie's sums up
// to some hundred terms, the others are bound by some ten logarithms. All launchers are
// asynchronous on `stream`.
#pragma once

#include <cuda_runtime_api.h>

#include "engine/head_kernels.hpp"

namespace sluice {

/// training_loss() of a distribution: the base is added to each target's first output alone.
void training_likelihood(const WindowRows& rows, const HeadOutputs& outputs,
                         const HeadRowRange& range, const float* bias, const float* base,
                         const float* target, float* out, LossPart* parts, cudaStream_t stream);

/// forecast_loss() of a distribution.
void forecast_likelihood(const WindowRows& rows, const HeadOutputs& outputs,
                         const HeadRowRange& range, const float* u, const float* target,
                         LossPart* parts, cudaStream_t stream);

/// The parameters of distributions as Engine::forecast() gives them.
///   u, y [N,K,M,Q]
void distribution_rows(const WindowRows& rows, const HeadOutputs& outputs, const float* u, float* y,
                       cudaStream_t stream);

}  // namespace sluice
