// The functions of cuBLAS that the engine calls, under their own names: each finds the function in
// the library, which is loaded with the first of them, and calls it. A program that links this
// links no cuBLAS. The tests without a GPU link their stand-in in this file's place.
#include "base/cublas.hpp"

#include <cublas_v2.h>
#include <fmt/core.h>

#include <type_traits>

namespace sluice {
namespace {

/// "13.1.0" of the library, and its first part.
struct Version {
  int major = 0;
  std::string text;
};

Version version_of(const SharedLibrary& library) {
  const auto property = library.function<decltype(cublasGetProperty)>("cublasGetProperty");
  int major = 0, minor = 0, patch = 0;
  property(MAJOR_VERSION, &major);
  property(MINOR_VERSION, &minor);
  property(PATCH_LEVEL, &patch);
  return {major, fmt::format("{}.{}.{}", major, minor, patch)};
}

SharedLibrary load() {
  SharedLibrary library(
      "cuBLAS", fmt::format("libcublas.so.{}", CUBLAS_VER_MAJOR),
      fmt::format("install cuBLAS of CUDA {}, name its folder in LD_LIBRARY_PATH, or set "
                  "engine.device = \"cpu\"",
                  CUBLAS_VER_MAJOR));
  if (library.trouble().empty()) {
    const Version version = version_of(library);
    library.expect_major(version.major, CUBLAS_VER_MAJOR, version.text);
  }
  return library;
}

template <auto declared, typename... Arguments>
auto call(const char* symbol, Arguments... arguments) {
  static const auto function = cublas().function<std::remove_pointer_t<decltype(declared)>>(symbol);
  return function(arguments...);
}

}  // namespace

const SharedLibrary& cublas() {
  static const SharedLibrary library = load();
  return library;
}

}  // namespace sluice

using sluice::call;

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  return call<&cublasCreate_v2>("cublasCreate_v2", handle);
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  return call<&cublasDestroy_v2>("cublasDestroy_v2", handle);
}

const char* cublasGetStatusString(cublasStatus_t status) {
  return call<&cublasGetStatusString>("cublasGetStatusString", status);
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  return call<&cublasSetStream_v2>("cublasSetStream_v2", handle, stream);
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  return call<&cublasSetWorkspace_v2>("cublasSetWorkspace_v2", handle, workspace, bytes);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transpose_a,
                            cublasOperation_t transpose_b, int m, int n, int k, const void* alpha,
                            const void* a, cudaDataType a_type, int lda, const void* b,
                            cudaDataType b_type, int ldb, const void* beta, void* c,
                            cudaDataType c_type, int ldc, cublasComputeType_t compute,
                            cublasGemmAlgo_t algorithm) {
  // The header has two of this name: this one, and one of C++ that calls it.
  constexpr cublasStatus_t (*kThis)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int,
                                    int, const void*, const void*, cudaDataType, int, const void*,
                                    cudaDataType, int, const void*, void*, cudaDataType, int,
                                    cublasComputeType_t, cublasGemmAlgo_t) = &cublasGemmEx;
  return call<kThis>("cublasGemmEx", handle, transpose_a, transpose_b, m, n, k, alpha, a, a_type,
                     lda, b, b_type, ldb, beta, c, c_type, ldc, compute, algorithm);
}
