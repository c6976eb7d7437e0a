#include "base/check.hpp"

#include <fmt/core.h>

#include <cstring>
#include <limits>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

const char* name_of(const std::source_location& where) {
  const char* slash = std::strrchr(where.file_name(), '/');
  return slash == nullptr ? where.file_name() : slash + 1;
}

[[noreturn]] void fail(const char* library, const char* call, const char* what, const char* remedy,
                       const std::source_location& where) {
  throw DeviceError(fmt::format("{}:{}: {} failed: {}: {}; {}", name_of(where), where.line(), call,
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

int to_int(std::int64_t value, const char* what, std::source_location where) {
  if (value > std::numeric_limits<int>::max()) {
    throw DeviceError(fmt::format(
        "{}:{}: {}: {} are more than 2^31 - 1, which is what the library can count; lower "
        "training.batch_size or engine.forecast_batch",
        name_of(where), where.line(), what, value));
  }
  return static_cast<int>(value);
}

}  // namespace sluice
