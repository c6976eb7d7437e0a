// What every part of a CUDA engine works with: the device's facts, its memory account, the compute
// stream and cuBLAS on it.
#pragma once

#include <cstdint>
#include <string>

#include "base/device_buffer.hpp"
#include "base/handles.hpp"

namespace sluice {

struct DeviceInfo {
  int number = 0;              ///< 1 for "cuda:1"
  std::string name;            ///< "NVIDIA H100 80GB HBM3"
  int compute_capability = 0;  ///< 90 for 9.0
  int multiprocessors = 0;
  std::int64_t shared_bytes = 0;  ///< most dynamic shared memory of a block
  std::int64_t memory_bytes = 0;
  int driver = 0, runtime = 0;  ///< CUDA versions, 13000 for 13.0
};

/// Facts of device `number`, which becomes the calling thread's current device. Throws DeviceError
/// if there is none, or none of this number, or it is older than compute capability 8.0.
DeviceInfo use_device(int number);

class DeviceContext {
 public:
  /// `memory_limit` in bytes, 0: the device's. Its device becomes current. Throws DeviceError.
  explicit DeviceContext(std::int64_t memory_limit = 0, int device = 0);

  /// Makes its device the calling thread's current one: what an engine does where it is entered, as
  /// another thread, or another engine in this thread, may have another. Throws DeviceError.
  void make_current() const;

  const DeviceInfo& info() const { return info_; }
  DeviceMemory& memory() { return memory_; }
  const DeviceMemory& memory() const { return memory_; }
  /// Bytes of device memory that can still be asked for.
  std::int64_t available_memory() const { return memory_.available(); }
  cudaStream_t stream() const { return stream_.get(); }
  cublasHandle_t blas() const { return blas_.get(); }
  /// Waits for the compute stream. Blocks.
  void synchronize() const;

 private:
  DeviceInfo info_;
  DeviceMemory memory_;
  Stream stream_;
  DeviceBuffer<std::byte> workspace_;  ///< of cuBLAS: its own would be allocated inside a capture
  BlasHandle blas_;
};

}  // namespace sluice
