// The matrix products of cuBLAS on the CPU: sums in fp32, always in the order of k.
#include <algorithm>
#include <cstring>

#include "cublas_v2.h"
#include "sluice/base/bf16.hpp"
#include "standin/state.hpp"

namespace standin {
namespace {

struct BlasRefusal {
  cublasStatus_t status;
};

/// One product: column-major C [m,n] = alpha op(A) op(B) + beta C.
struct Product {
  int m, n, k;
  bool transpose_a, transpose_b, tf32;
  const void *a, *b;
  void* c;
  cudaDataType in, out;
  int lda, ldb, ldc;
  float alpha, beta;
};

std::size_t size_of(cudaDataType type) { return type == CUDA_R_32F ? sizeof(float) : 2; }

float to_tf32(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  constexpr std::uint32_t kHalf = 0x1000, kDropped = 0x1fff, kExponent = 0x7f800000;
  if ((bits & kExponent) != kExponent) bits = (bits + kHalf) & ~kDropped;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// op(X) as floats, column-major and dense.
std::vector<float> packed(const void* x, cudaDataType type, bool tf32, bool transposed, int rows,
                          int columns, int leading) {
  const auto read = [&](std::size_t at) {
    if (type == CUDA_R_16BF) return sluice::to_float(static_cast<const sluice::Bf16*>(x)[at]);
    const float value = static_cast<const float*>(x)[at];
    return tf32 ? to_tf32(value) : value;
  };
  std::vector<float> out(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  const auto step_row = static_cast<std::size_t>(transposed ? leading : 1);
  const auto step_column = static_cast<std::size_t>(transposed ? 1 : leading);
  std::size_t next = 0;
  for (std::size_t column = 0; column < static_cast<std::size_t>(columns); ++column) {
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
      out[next++] = read(row * step_row + column * step_column);
    }
  }
  return out;
}

/// sums [m,kColumns] += a [m,k] b [k,kColumns], dense and column-major; vectorised over m.
template <int kColumns>
void accumulate(std::size_t m, std::size_t k, const float* a, const float* b, float* sums) {
  for (std::size_t p = 0; p < k; ++p) {
    const float* column = a + p * m;
    for (int j = 0; j < kColumns; ++j) {
      const float factor = b[p + static_cast<std::size_t>(j) * k];
      float* sum = sums + static_cast<std::size_t>(j) * m;
      for (std::size_t i = 0; i < m; ++i) sum[i] += column[i] * factor;
    }
  }
}

void run_product(const Product& s) {
  const auto m = static_cast<std::size_t>(s.m), n = static_cast<std::size_t>(s.n),
             k = static_cast<std::size_t>(s.k);
  const std::vector<float> a = packed(s.a, s.in, s.tf32, s.transpose_a, s.m, s.k, s.lda);
  const std::vector<float> b = packed(s.b, s.in, s.tf32, s.transpose_b, s.k, s.n, s.ldb);
  constexpr std::size_t kBlock = 4;
  std::vector<float> sums(kBlock * m);
  for (std::size_t j = 0; j < n; j += kBlock) {
    const std::size_t columns = std::min(kBlock, n - j);
    std::fill(sums.begin(), sums.end(), 0.0f);
    const float* right = b.data() + j * k;
    if (columns == kBlock) {
      accumulate<kBlock>(m, k, a.data(), right, sums.data());
    } else {
      for (std::size_t column = 0; column < columns; ++column) {
        accumulate<1>(m, k, a.data(), right + column * k, sums.data() + column * m);
      }
    }
    for (std::size_t column = 0; column < columns; ++column) {
      for (std::size_t i = 0; i < m; ++i) {
        const std::size_t at = i + (j + column) * static_cast<std::size_t>(s.ldc);
        float value = s.alpha * sums[i + column * m];
        if (s.out == CUDA_R_32F) {
          auto* c = static_cast<float*>(s.c);
          if (s.beta != 0) value += s.beta * c[at];
          c[at] = value;
        } else {
          auto* c = static_cast<sluice::Bf16*>(s.c);
          if (s.beta != 0) value += s.beta * sluice::to_float(c[at]);
          c[at] = sluice::to_bf16(value);
        }
      }
    }
  }
}

/// The range of a column-major matrix in device memory.
Range matrix_range(const void* pointer, cudaDataType type, int rows, int columns, int leading) {
  if (rows == 0 || columns == 0) return {};
  if (pointer == nullptr) throw BlasRefusal{CUBLAS_STATUS_INVALID_VALUE};
  const std::size_t elements =
      static_cast<std::size_t>(columns - 1) * static_cast<std::size_t>(leading) +
      static_cast<std::size_t>(rows);
  return device_range(pointer, elements * size_of(type));
}

void expect_apart(const Range& input, const Range& output) {
  const auto* in = static_cast<const unsigned char*>(input.pointer);
  const auto* out = static_cast<const unsigned char*>(output.pointer);
  if (in < out + output.bytes && out < in + input.bytes) {
    throw std::logic_error("the result overlaps an input");
  }
}

cudaError_t queue_product(const cublasContext& handle, const Product& s) {
  const int least_a = s.transpose_a ? s.k : s.m, least_b = s.transpose_b ? s.n : s.k;
  if (s.m < 0 || s.n < 0 || s.k < 0 || s.lda < std::max(1, least_a) ||
      s.ldb < std::max(1, least_b) || s.ldc < std::max(1, s.m)) {
    throw BlasRefusal{CUBLAS_STATUS_INVALID_VALUE};
  }
  if (s.m == 0 || s.n == 0) return cudaSuccess;
  const Range a = s.transpose_a ? matrix_range(s.a, s.in, s.k, s.m, s.lda)
                                : matrix_range(s.a, s.in, s.m, s.k, s.lda);
  const Range b = s.transpose_b ? matrix_range(s.b, s.in, s.n, s.k, s.ldb)
                                : matrix_range(s.b, s.in, s.k, s.n, s.ldb);
  const Range c = matrix_range(s.c, s.out, s.m, s.n, s.ldc);
  expect_apart(a, c);
  expect_apart(b, c);
  CUstream_st& stream = handle.stream == nullptr ? stream_of(nullptr) : *handle.stream;
  if (!stream.live) throw std::logic_error("the handle's stream was destroyed");
  if (stream.capture != nullptr && !handle.has_workspace) {
    throw std::logic_error(
        "captured without cublasSetWorkspace (after cublasSetStream, which takes it away)");
  }
  return submit(stream, {"cublasGemmEx", [s] { run_product(s); }, {a, b, c}});
}

cublasStatus_t blas_status(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return CUBLAS_STATUS_SUCCESS;
    case cudaErrorMemoryAllocation:
      return CUBLAS_STATUS_ALLOC_FAILED;
    case cudaErrorNoDevice:
      return CUBLAS_STATUS_NOT_INITIALIZED;
    default:
      return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

/// As framed(); a handle that is null is not an error of the caller's logic but a status.
template <typename Body>
cublasStatus_t framed_blas(const char* call, cublasHandle_t handle, Body body) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  try {
    return blas_status(framed(call, [&] {
      cublasContext& blas = state().blas.find(handle, "cuBLAS handle");
      expect_current(blas.home, "cuBLAS handle");
      return body(blas);
    }));
  } catch (const BlasRefusal& refusal) {
    return refusal.status;
  }
}

bool supported(cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute) {
  const bool floats = a == CUDA_R_32F && b == CUDA_R_32F && c == CUDA_R_32F;
  const bool halves = a == CUDA_R_16BF && b == CUDA_R_16BF && (c == CUDA_R_32F || c == CUDA_R_16BF);
  switch (compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      return floats || halves;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return floats;
  }
  return false;
}

}  // namespace
}  // namespace standin

using namespace standin;

cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  return blas_status(framed("cublasCreate", [&] {
    refuse_in_capture();
    *handle = state().blas.make();
    (*handle)->home = current_device();
    return cudaSuccess;
  }));
}

cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  return blas_status(framed_release(
      "cublasDestroy", [&] { state().blas.find(handle, "cuBLAS handle").live = false; }));
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return framed_blas("cublasSetStream", handle, [&](cublasContext& blas) {
    blas.stream = stream == nullptr ? nullptr : &stream_of(stream);
    blas.has_workspace = false;
    return cudaSuccess;
  });
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  return framed_blas("cublasSetWorkspace", handle, [&](cublasContext& blas) {
    if (bytes > 0) static_cast<void>(device_range(workspace, bytes));
    blas.has_workspace = bytes > 0;
    return cudaSuccess;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  return framed_blas("cublasSetMathMode", handle, [&](cublasContext& blas) {
    blas.tf32 = mode == CUBLAS_TF32_TENSOR_OP_MATH;
    return cudaSuccess;
  });
}

const char* cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "the library was not initialized";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "the resource allocation failed";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "the function requires an architectural feature absent from the device";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "an access to GPU memory space failed";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "the function failed to launch on the GPU";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "an internal operation failed";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the requested functionality is not supported";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "the license check failed";
  }
  return "unknown status";
}

cublasStatus_t cublasGemmStridedBatchedEx(
    cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k,
    const void* alpha, const void* A, cudaDataType Atype, int lda, long long strideA, const void* B,
    cudaDataType Btype, int ldb, long long strideB, const void* beta, void* C, cudaDataType Ctype,
    int ldc, long long strideC, int batch, cublasComputeType_t compute, cublasGemmAlgo_t) {
  return framed_blas("cublasGemmStridedBatchedEx", handle, [&](const cublasContext& blas) {
    if (!supported(Atype, Btype, Ctype, compute)) throw BlasRefusal{CUBLAS_STATUS_NOT_SUPPORTED};
    if (alpha == nullptr || beta == nullptr || batch < 0) {
      throw BlasRefusal{CUBLAS_STATUS_INVALID_VALUE};
    }
    Product product{.m = m,
                    .n = n,
                    .k = k,
                    .transpose_a = transa != CUBLAS_OP_N,
                    .transpose_b = transb != CUBLAS_OP_N,
                    .tf32 = Atype == CUDA_R_32F && (compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                                                    (compute == CUBLAS_COMPUTE_32F && blas.tf32)),
                    .a = A,
                    .b = B,
                    .c = C,
                    .in = Atype,
                    .out = Ctype,
                    .lda = lda,
                    .ldb = ldb,
                    .ldc = ldc,
                    .alpha = *static_cast<const float*>(alpha),
                    .beta = *static_cast<const float*>(beta)};
    const auto advance = [](const void* pointer, cudaDataType type, long long elements) {
      return static_cast<const unsigned char*>(pointer) +
             elements * static_cast<long long>(size_of(type));
    };
    for (int i = 0; i < batch; ++i) {
      const cudaError_t status = queue_product(blas, product);
      if (status != cudaSuccess) return status;
      product.a = advance(product.a, Atype, strideA);
      product.b = advance(product.b, Btype, strideB);
      product.c =
          static_cast<unsigned char*>(product.c) + strideC * static_cast<long long>(size_of(Ctype));
    }
    return cudaSuccess;
  });
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa,
                            cublasOperation_t transb, int m, int n, int k, const void* alpha,
                            const void* A, cudaDataType Atype, int lda, const void* B,
                            cudaDataType Btype, int ldb, const void* beta, void* C,
                            cudaDataType Ctype, int ldc, cublasComputeType_t compute,
                            cublasGemmAlgo_t algorithm) {
  return cublasGemmStridedBatchedEx(handle, transa, transb, m, n, k, alpha, A, Atype, lda, 0, B,
                                    Btype, ldb, 0, beta, C, Ctype, ldc, 0, 1, compute, algorithm);
}
