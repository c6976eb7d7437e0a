// Every call of the CUDA runtime and of cuBLAS goes through check(): a failure becomes a
// DeviceError that names the place, the call and the remedy.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <source_location>

namespace sluice {

/// Throws DeviceError unless `status` is cudaSuccess, and clears the runtime's sticky error, so
/// that the next call is not blamed for this one. `call`: what was called, "cudaMemcpyAsync of
/// windows".
void check(cudaError_t status, const char* call,
           std::source_location where = std::source_location::current());
void check(cublasStatus_t status, const char* call,
           std::source_location where = std::source_location::current());

/// `value` as the libraries' int. Throws DeviceError if it is 2^31 or more: "`what`: 3000000000 are
/// more than 2^31 - 1; lower ...".
int to_int(std::int64_t value, const char* what,
           std::source_location where = std::source_location::current());

}  // namespace sluice
