#include "engine/context.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

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
  std::copy_n(properties.uuid.bytes, info.uuid.size(), info.uuid.data());
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

DeviceContext::DeviceContext(std::int64_t memory_limit, int device, const DeviceMemory* shared)
    : info_(use_device(device)),
      memory_(memory_limit, shared),
      main_(make_lane(make_urgent_stream(), memory_limit)),
      beside_(make_lane(make_stream(), memory_limit)),
      forked_(make_event()),
      done_(make_event()) {}

DeviceContext::Lane DeviceContext::make_lane(Stream stream, std::int64_t memory_limit) {
  Lane lane{.stream = std::move(stream), .workspace = {}, .blas = {}};
  lane.workspace = {memory_, blas_workspace(memory_limit), "the workspace of cuBLAS"};
  cublasHandle_t blas = nullptr;
  check(cublasCreate(&blas), "cublasCreate");
  lane.blas = BlasHandle(blas);
  check(cublasSetStream(blas, lane.stream.get()), "cublasSetStream");
  check(cublasSetWorkspace(blas, lane.workspace.data(),
                           static_cast<std::size_t>(lane.workspace.size())),
        "cublasSetWorkspace");
  return lane;
}

void DeviceContext::make_current() const { check(cudaSetDevice(info_.number), "cudaSetDevice"); }

void DeviceContext::synchronize() const {
  check(cudaStreamSynchronize(main_.stream.get()), "cudaStreamSynchronize");
  if (!open_) return;
  check(cudaStreamSynchronize(beside_.stream.get()), "cudaStreamSynchronize");
  open_ = false;
}

void DeviceContext::drain() const noexcept {
  static_cast<void>(cudaStreamSynchronize(main_.stream.get()));
  static_cast<void>(cudaStreamSynchronize(beside_.stream.get()));
}

DeviceContext::Branch::Branch(DeviceContext& of) : context(of) {
  if (of.inside_) throw InternalError("DeviceContext::beside() inside itself");
  of.open_ = true;
  check(cudaEventRecord(of.forked_.get(), of.main_.stream.get()), "cudaEventRecord");
  check(cudaStreamWaitEvent(of.beside_.stream.get(), of.forked_.get(), 0), "cudaStreamWaitEvent");
  of.inside_ = true;
}

void DeviceContext::end_branch() {
  check(cudaEventRecord(done_.get(), beside_.stream.get()), "cudaEventRecord");
  open_ = true;  // also where something inside has waited for all
}

void DeviceContext::give_up_branch() noexcept {
  static_cast<void>(cudaStreamSynchronize(beside_.stream.get()));
  static_cast<void>(cudaGetLastError());
  open_ = false;
}

void DeviceContext::join() {
  if (!open_) return;
  check(cudaStreamWaitEvent(main_.stream.get(), done_.get(), 0), "cudaStreamWaitEvent");
  open_ = false;
}

}  // namespace sluice
