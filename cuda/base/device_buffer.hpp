// Device memory: owners and views. A DeviceSpan cannot be read on the host by mistake: it has no
// operator[] there, and no conversion to std::span.
#pragma once

#include <cuda_runtime_api.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.hpp"

namespace sluice {

/// A view of `size` elements in device memory.
template <typename T>
class DeviceSpan {
 public:
  constexpr DeviceSpan() = default;
  constexpr DeviceSpan(T* data, std::int64_t size) : data_(data), size_(size) {}
  template <typename U>
  requires std::is_same_v<T, const U>
  constexpr DeviceSpan(DeviceSpan<U> other) : data_(other.data()), size_(other.size()) {}

  constexpr T* data() const { return data_; }
  constexpr std::int64_t size() const { return size_; }
  constexpr std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  constexpr bool empty() const { return size_ == 0; }
  constexpr DeviceSpan first(std::int64_t count) const { return {data_, count}; }
  constexpr DeviceSpan subspan(std::int64_t from, std::int64_t count) const {
    return {data_ + from, count};
  }

 private:
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

/// Counts what is allocated, and refuses beyond a limit: engine.device_memory_limit. Several may
/// share one account, each used by a thread of its own.
class DeviceMemory {
 public:
  /// `shared`: another one, whose account and limit are this one's, too; or null.
  explicit DeviceMemory(std::int64_t limit_bytes = 0, const DeviceMemory* shared = nullptr)
      : limit_(shared != nullptr ? shared->limit_ : limit_bytes),
        used_(shared != nullptr ? shared->used_ : std::make_shared<std::atomic<std::int64_t>>(0)) {}
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Throws DeviceError naming `purpose`, the needed and the free bytes.
  void* allocate(std::int64_t bytes, const char* purpose);
  void release(void* pointer, std::int64_t bytes) noexcept;

  std::int64_t used() const { return *used_; }
  std::int64_t limit() const { return limit_; }  ///< 0: none but the device's
  /// Bytes that can still be asked for: what the limit or the device leaves. Throws DeviceError.
  std::int64_t available() const;

 private:
  std::int64_t limit_;
  std::shared_ptr<std::atomic<std::int64_t>> used_;
};

/// Owns `size` elements of device memory, uninitialised; counted by the DeviceMemory that outlives
/// it.
template <typename T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceBuffer(DeviceMemory& memory, std::int64_t size, const char* purpose)
      : memory_(&memory),
        data_(static_cast<T*>(memory.allocate(size * kElement, purpose))),
        size_(size) {}
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) memory_->release(data_, size_ * kElement);
  }

  std::int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  DeviceSpan<T> span() const { return {data_, size_}; }
  DeviceSpan<T> first(std::int64_t count) const { return {data_, count}; }
  T* data() const { return data_; }

  /// Makes room for at least `size` elements; what was there is lost if it has to grow.
  void grow(DeviceMemory& memory, std::int64_t size, const char* purpose) {
    if (size <= size_) return;
    *this = DeviceBuffer();
    *this = DeviceBuffer(memory, size, purpose);
  }

 private:
  static constexpr auto kElement = static_cast<std::int64_t>(sizeof(T));
  void swap(DeviceBuffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  DeviceMemory* memory_ = nullptr;
  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

/// Page-locked host memory: what an asynchronous copy needs. Throws DeviceError.
void* allocate_pinned(std::size_t bytes, const char* purpose);
void release_pinned(void* pointer) noexcept;

template <typename T>
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  PinnedBuffer(std::int64_t size, const char* purpose)
      : data_(
            static_cast<T*>(allocate_pinned(static_cast<std::size_t>(size) * sizeof(T), purpose))),
        size_(size) {}
  PinnedBuffer(PinnedBuffer&& other) noexcept { swap(other); }
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~PinnedBuffer() {
    if (data_ != nullptr) release_pinned(data_);
  }

  T* data() const { return data_; }
  std::int64_t size() const { return size_; }
  std::span<T> span() const { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  void swap(PinnedBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  T* data_ = nullptr;
  std::int64_t size_ = 0;
};

/// Asynchronous copies; the host side should be pinned and must stay as it is until the stream is
/// past the copy.
template <typename T>
void copy_to_device(std::span<const T> from, DeviceSpan<T> to, cudaStream_t stream) {
  check(cudaMemcpyAsync(to.data(), from.data(), from.size_bytes(), cudaMemcpyHostToDevice, stream),
        "cudaMemcpyAsync to the device");
}
template <typename T>
void copy_to_host(DeviceSpan<const T> from, std::span<T> to, cudaStream_t stream) {
  check(cudaMemcpyAsync(to.data(), from.data(), from.bytes(), cudaMemcpyDeviceToHost, stream),
        "cudaMemcpyAsync to the host");
}
template <typename T>
void set_zero(DeviceSpan<T> span, cudaStream_t stream) {
  if (span.empty()) return;
  check(cudaMemsetAsync(span.data(), 0, span.bytes(), stream), "cudaMemsetAsync");
}

}  // namespace sluice
