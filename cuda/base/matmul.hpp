// Matrix products by cuBLAS in our row-major terms.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "sluice/base/bf16.hpp"
#include "sluice/model/precision.hpp"

namespace sluice {

/// Row-major C [m,n] = op(A) op(B) + beta C with leading dimensions (elements between rows) as the
/// arrays have them; op transposes where asked: A is [m,k] or, transposed, [k,m].
struct MatmulShape {
  std::int64_t m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
  float beta = 0;
};

/// Asynchronous on the handle's stream; an empty product does nothing. `precision` fp32: plain
/// fp32; tf32: inputs rounded to tf32. Sums are fp32. Throws DeviceError; also if
/// a size is 2^31 or more.
void matmul(cublasHandle_t blas, const MatmulShape& shape, Precision precision, const float* a,
            const float* b, float* c);
/// bf16 inputs, fp32 sums and result.
void matmul(cublasHandle_t blas, const MatmulShape& shape, const Bf16* a, const Bf16* b, float* c);

}  // namespace sluice
