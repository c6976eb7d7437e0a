// Gradients of a layer's weights from few rows: dW = dA^T x, dR = dA^T h_{t-1}, db = sums of dA, in
// two launches. cuBLAS takes seven for them (an H200, 3,072 rows of 64 units: 28 us), because each
// product of so few outputs is split by rows and then summed.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace sluice::fused_simt {

struct WeightGradients {
  int T = 0, N = 0, I = 0, H = 0;
  const float* da = nullptr;       ///< [T,N,4H]
  const float* x = nullptr;        ///< [T,N,I]
  const float* h = nullptr;        ///< [T,N,H]
  const float* h_first = nullptr;  ///< [N,H], h before the first step; null: zero
  float* partial = nullptr;        ///< gradient_floats() floats, overwritten
  float *dW = nullptr, *dR = nullptr, *db = nullptr;  ///< [4H,I], [4H,H], [4H] out
};

/// Whether they are done sooner here than by cuBLAS: T N rows are few, and I + H not too many for a
/// thread's registers.
bool takes_gradients(std::int64_t rows, int I, int H);
/// Of the array `partial`; `multiprocessors`: of the device, by which rows are shared.
std::int64_t gradient_floats(std::int64_t rows, int I, int H, int multiprocessors);
/// Asynchronous; throws DeviceError if a launch is refused. The same bits each time.
void weight_gradients(const WeightGradients& gradients, int multiprocessors, cudaStream_t stream);

}  // namespace sluice::fused_simt
