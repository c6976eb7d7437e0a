#include "base/check.hpp"

#include <fmt/core.h>

#include <cstring>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

[[noreturn]] void fail(const char* library, const char* call, const char* what, const char* remedy,
                       const std::source_location& where) {
  const char* file = std::strrchr(where.file_name(), '/');
  throw DeviceError(fmt::format("{}:{}: {} failed: {}: {}; {}",
                                file == nullptr ? where.file_name() : file + 1, where.line(), call,
                                library, what, remedy));
}

const char* remedy_of(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return "free device memory, or set engine.device_memory_limit or a smaller "
             "training.batch_size";
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
      return "install a driver and a CUDA device (nvidia-smi shows both), or set engine.device = "
             "\"cpu\"";
    case cudaErrorNoKernelImageForDevice:
      return "this build has no code for the device; it needs compute capability 8.0 or newer";
    case cudaErrorLaunchOutOfResources:
    case cudaErrorInvalidConfiguration:
    case cudaErrorInvalidValue:
      return "this is a fault of Sluice: please report the shape (sluice explain) and the device";
    default:
      return "the device's state is lost: start again from the last checkpoint; if it comes back, "
             "run compute-sanitizer and report it";
  }
}

}  // namespace

void check(cudaError_t status, const char* call, std::source_location where) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  fail("CUDA", call, cudaGetErrorString(status), remedy_of(status), where);
}

void check(cublasStatus_t status, const char* call, std::source_location where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail("cuBLAS", call, cublasGetStatusString(status),
       status == CUBLAS_STATUS_ALLOC_FAILED || status == CUBLAS_STATUS_NOT_INITIALIZED
           ? "free device memory and see that driver and cuBLAS fit (nvidia-smi)"
           : "this is a fault of Sluice: please report the shape (sluice explain) and the device",
       where);
}

}  // namespace sluice
