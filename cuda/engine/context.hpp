// What every part of a CUDA engine works with: the device's facts, its memory account, the compute
// stream and cuBLAS on it.
//
// What would surprise: stream() and blas() are other ones inside beside(), so that whatever is
// called there works beside what the compute stream gets meanwhile. A recurrence over few series
// leaves most multiprocessors idle; in a captured graph this is a fork and a join.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <string>

#include "base/device_buffer.hpp"
#include "base/handles.hpp"

namespace sluice {

struct DeviceInfo {
  int number = 0;                  ///< 1 for "cuda:1"
  std::string name;                ///< "NVIDIA H100 80GB HBM3"
  std::array<char, 16> uuid = {};  ///< of no other device
  int compute_capability = 0;      ///< 90 for 9.0
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
  /// `memory_limit` in bytes, 0: the device's. `shared`: another context's memory, in whose account
  /// this one's counts, and whose limit holds. Its device becomes current. Throws DeviceError.
  explicit DeviceContext(std::int64_t memory_limit = 0, int device = 0,
                         const DeviceMemory* shared = nullptr);

  /// Makes its device the calling thread's current one: what an engine does where it is entered, as
  /// another thread, or another engine in this thread, may have another. Throws DeviceError.
  void make_current() const;

  const DeviceInfo& info() const { return info_; }
  DeviceMemory& memory() { return memory_; }
  const DeviceMemory& memory() const { return memory_; }
  /// Bytes of device memory that can still be asked for.
  std::int64_t available_memory() const { return memory_.available(); }
  cudaStream_t stream() const { return lane().stream.get(); }
  cublasHandle_t blas() const { return lane().blas.get(); }
  /// Waits for the compute stream, and for what is beside it. Blocks.
  void synchronize() const;
  /// The same where there is no one left to tell of an error.
  void drain() const noexcept;

  /// What `enqueue` puts on stream() and blas() runs after all that the compute stream has been
  /// given, and beside what it is given until join(). It follows what was put beside before. Throws
  /// DeviceError, and what `enqueue` throws; InternalError inside itself.
  template <typename Enqueue>
  void beside(Enqueue enqueue) {
    const Branch branch(*this);
    enqueue();
    end_branch();
  }
  /// What the compute stream is given from now on runs after all that was put beside.
  void join();

 private:
  /// A stream with cuBLAS on it. The workspace is given to cuBLAS, which would allocate its own
  /// inside a capture; two streams must not share one.
  struct Lane {
    Stream stream;
    DeviceBuffer<std::byte> workspace;
    BlasHandle blas;
  };
  /// stream() and blas() are those beside while it lives.
  struct Branch {
    explicit Branch(DeviceContext& context);
    ~Branch() {
      if (std::uncaught_exceptions() > exceptions) context.give_up_branch();
      context.inside_ = false;
    }
    Branch(const Branch&) = delete;
    Branch& operator=(const Branch&) = delete;
    DeviceContext& context;
    int exceptions = std::uncaught_exceptions();
  };
  Lane make_lane(Stream stream, std::int64_t memory_limit);
  const Lane& lane() const { return inside_ ? beside_ : main_; }
  void end_branch();
  /// Nothing is left beside of a call that failed, nor of a capture that ends with it.
  void give_up_branch() noexcept;

  DeviceInfo info_;
  DeviceMemory memory_;
  Lane main_, beside_;
  Event forked_, done_;
  bool inside_ = false;        ///< of beside()
  mutable bool open_ = false;  ///< whether there is something beside that nobody has waited for
};

}  // namespace sluice
