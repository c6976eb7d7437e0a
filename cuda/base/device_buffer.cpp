#include "base/device_buffer.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::int64_t free_bytes() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return static_cast<std::int64_t>(free);
}

}  // namespace

std::int64_t DeviceMemory::available() const {
  const std::int64_t free = free_bytes();
  return limit_ > 0 ? std::min(free, std::max<std::int64_t>(0, limit_ - used())) : free;
}

void* DeviceMemory::allocate(std::int64_t bytes, const char* purpose) {
  if (bytes == 0) return nullptr;
  // Counted first: what two threads ask for at once must not be granted to both.
  const std::int64_t before = used_->fetch_add(bytes);
  const auto refuse = [&](std::int64_t left, const char* of) {
    *used_ -= bytes;
    throw DeviceError(fmt::format(
        "{} needs {} bytes of device memory, and {} bytes are left of {} ({} bytes are in use by "
        "this engine and those beside it); lower training.batch_size, engine.forecast_batch or "
        "training.parallel_seeds, or give it more "
        "(engine.device_memory_limit)",
        purpose, bytes, left, of, before));
  };
  if (limit_ > 0 && before + bytes > limit_) {
    refuse(std::max<std::int64_t>(0, limit_ - before), "engine.device_memory_limit");
  }
  void* pointer = nullptr;
  const cudaError_t status = cudaMalloc(&pointer, static_cast<std::size_t>(bytes));
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    refuse(free_bytes(), "the device's");
  }
  if (status != cudaSuccess) *used_ -= bytes;
  check(status, "cudaMalloc");
  return pointer;
}

void DeviceMemory::release(void* pointer, std::int64_t bytes) noexcept {
  static_cast<void>(cudaFree(pointer));
  *used_ -= bytes;
}

void* allocate_pinned(std::size_t bytes, const char* purpose) {
  if (bytes == 0) return nullptr;
  void* pointer = nullptr;
  if (cudaMallocHost(&pointer, bytes) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    throw DeviceError(
        fmt::format("{} needs {} bytes of page-locked host memory, which the system refuses; lower "
                    "training.batch_size or engine.forecast_batch, or raise the limit (ulimit -l)",
                    purpose, bytes));
  }
  return pointer;
}

void release_pinned(void* pointer) noexcept { static_cast<void>(cudaFreeHost(pointer)); }

}  // namespace sluice
