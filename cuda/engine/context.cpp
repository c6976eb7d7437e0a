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

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

}  // namespace

DeviceInfo use_device(int number) {
  int count = 0;
  check(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  if (count == 0) check(cudaErrorNoDevice, "cudaGetDeviceCount");
  if (number >= count) {
    throw DeviceError(fmt::format(
        "engine.device = \"cuda:{}\": there {} (sluice info lists {}; CUDA_VISIBLE_DEVICES may "
        "hide "
        "others); choose one of these, or set engine.device = \"cpu\"",
        number,
        count == 1 ? "is 1 CUDA device, cuda:0"
                   : fmt::format("are {} CUDA devices, cuda:0 to cuda:{}", count, count - 1),
        count == 1 ? "it" : "them"));
  }
  check(cudaSetDevice(number), "cudaSetDevice");
  DeviceInfo info;
  info.number = number;
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, number), "cudaGetDeviceProperties");
  info.name = properties.name;
  info.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  info.compute_capability = 10 * attribute(cudaDevAttrComputeCapabilityMajor, number) +
                            attribute(cudaDevAttrComputeCapabilityMinor, number);
  info.multiprocessors = attribute(cudaDevAttrMultiProcessorCount, number);
  info.shared_bytes = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, number);
  check(cudaDriverGetVersion(&info.driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&info.runtime), "cudaRuntimeGetVersion");
  if (info.compute_capability < kOldest) {
    throw DeviceError(fmt::format(
        "{} has compute capability {}.{}, and Sluice needs 8.0 or newer; choose another device "
        "(engine.device = \"cuda:N\") or set engine.device = \"cpu\"",
        info.name, info.compute_capability / 10, info.compute_capability % 10));
  }
  return info;
}

DeviceContext::DeviceContext(std::int64_t memory_limit, int device)
    : info_(use_device(device)),
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

void DeviceContext::make_current() const { check(cudaSetDevice(info_.number), "cudaSetDevice"); }

void DeviceContext::synchronize() const {
  check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
}

}  // namespace sluice
