#include "engine/context.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kBlasWorkspace = 32 << 20;  // what cuBLAS itself takes on Hopper

std::int64_t blas_workspace(std::int64_t limit) {
  return limit > 0 ? std::min(kBlasWorkspace, limit / 8) : kBlasWorkspace;
}

constexpr int kOldest = 80;

int attribute(cudaDeviceAttr which) {
  int device = 0, value = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

}  // namespace

DeviceInfo current_device() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  if (count == 0) check(cudaErrorNoDevice, "cudaGetDeviceCount");
  DeviceInfo info;
  cudaDeviceProp properties{};
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  info.name = properties.name;
  info.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  info.compute_capability = 10 * attribute(cudaDevAttrComputeCapabilityMajor) +
                            attribute(cudaDevAttrComputeCapabilityMinor);
  info.multiprocessors = attribute(cudaDevAttrMultiProcessorCount);
  info.shared_bytes = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  check(cudaDriverGetVersion(&info.driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&info.runtime), "cudaRuntimeGetVersion");
  if (info.compute_capability < kOldest) {
    throw DeviceError(fmt::format(
        "{} has compute capability {}.{}, and Sluice needs 8.0 or newer; choose another device "
        "(CUDA_VISIBLE_DEVICES) or set engine.device = \"cpu\"",
        info.name, info.compute_capability / 10, info.compute_capability % 10));
  }
  return info;
}

DeviceContext::DeviceContext(std::int64_t memory_limit)
    : info_(current_device()),
      memory_(memory_limit),
      stream_(make_stream()),
      workspace_(memory_, blas_workspace(memory_limit), "the workspace of cuBLAS") {
  cublasHandle_t blas = nullptr;
  check(cublasCreate(&blas), "cublasCreate");
  blas_ = BlasHandle(blas);
  check(cublasSetStream(blas, stream_.get()), "cublasSetStream");
  check(cublasSetWorkspace(blas, workspace_.data(), static_cast<std::size_t>(workspace_.size())),
        "cublasSetWorkspace");
}

void DeviceContext::synchronize() const {
  check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
}

}  // namespace sluice
