#include "base/matmul.hpp"

#include "base/handles.hpp"

namespace sluice {
namespace {

// cuBLAS is column-major: C^T = op(B)^T op(A)^T.
void product(cublasHandle_t blas, const MatmulShape& s, cudaDataType type,
             cublasComputeType_t compute, const void* a, const void* b, float* c) {
  if (s.m == 0 || s.n == 0 || s.k == 0) return;
  const float one = 1;
  const int m = to_int(s.m, "the rows of a product"), n = to_int(s.n, "the columns of a product");
  const int k = to_int(s.k, "the terms of a product's sums");
  const int lda = to_int(s.lda, "the row pitch of a product's left side");
  const int ldb = to_int(s.ldb, "the row pitch of a product's right side");
  const int ldc = to_int(s.ldc, "the row pitch of a product");
  check(cublasGemmEx(blas, s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                     s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &one, b, type, ldb, a,
                     type, lda, &s.beta, c, CUDA_R_32F, ldc, compute, CUBLAS_GEMM_DEFAULT),
        "cublasGemmEx");
}

}  // namespace

void matmul(cublasHandle_t blas, const MatmulShape& shape, Precision precision, const float* a,
            const float* b, float* c) {
  product(blas, shape, CUDA_R_32F,
          precision == Precision::fp32 ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_32F_FAST_TF32, a, b,
          c);
}

void matmul(cublasHandle_t blas, const MatmulShape& shape, const Bf16* a, const Bf16* b, float* c) {
  product(blas, shape, CUDA_R_16BF, CUBLAS_COMPUTE_32F, a, b, c);
}

}  // namespace sluice
