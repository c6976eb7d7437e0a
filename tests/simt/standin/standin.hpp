// A stand-in for the CUDA runtime and cuBLAS, for tests without a GPU: device memory is host memory
// between redzones, filled with NaN. The surprising part: every stream's work runs LATE, not when
// it is asked for but when somebody waits for it, the streams interleaved at random. So a missing
// wait, a missing event and a pinned buffer that is refilled too early show as wrong numbers.
//
// What the caller does wrong (a redzone damaged, memory used after free, a wait for an event that
// was never recorded, a capture left open, ...) stops the call that finds it with a
// std::logic_error; where destructors call (free, destroy) it is kept and stops the next call, or
// check_memory(). Calls come one at a time, from any thread. More strictly than CUDA, a stream, an
// event or a handle may be named only while the device that it was made on is current, and work on
// a stream may touch the memory of no other device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cuda_runtime_api.h"

namespace standin {

/// What the device says of itself.
struct Device {
  std::string name = "Stand-in for an NVIDIA H100";
  int compute_capability = 90;
  int multiprocessors = 132;
  int shared_bytes = 227 * 1024;  ///< most dynamic shared memory of a block
  bool present = true;
};

/// Forgets everything (work, memory, handles, errors, settings) and starts as new. Handles and
/// pointers from before must not be used any more.
void reset();

void set_device(const Device& device);
/// Several devices, numbered as they come. Each thread begins with device 0 as its current one.
void set_devices(const std::vector<Device>& devices);
/// Memory of each device; 4 GiB after reset().
void set_memory_bytes(std::int64_t bytes);
/// The n-th runtime or cuBLAS call from now (1: the next) fails with `error`; `sticky`: so do all
/// after it, as when a kernel has destroyed the context. Freeing and destroying are not counted.
void fail_after(int n, cudaError_t error, bool sticky = false);
/// Calls that fail_after() would have counted since reset().
std::int64_t calls();
/// The order of work is a function of this; also seeds the interpreter. 1 after reset().
void seed(std::uint64_t seed);

/// Throws std::logic_error if a redzone is damaged or an earlier call has left a complaint.
void check_memory();
/// Runs all work, then check_memory(), and looks at freed memory and for open captures.
void finish();
/// Device and pinned allocations that were not freed.
std::int64_t live_allocations();
/// Streams, events, graphs, cuBLAS handles and communicators that were not destroyed.
std::int64_t live_handles();
/// Allocations in this device's memory, and streams, events, replayable graphs and cuBLAS handles
/// made while it was current.
std::int64_t live_on(int device);
/// Items that wait in streams.
std::int64_t pending_work();

/// Operations of this name ("kernel", "cublasGemmEx", "cudaMemsetAsync", "cudaGraphLaunch", ...)
/// put on streams since reset(); what is captured is not counted.
std::int64_t enqueued(const std::string& what);
/// The names of the nodes of the graph that was instantiated last, in the order of their capture.
std::vector<std::string> last_graph();
/// Of each of them, how many others may run beside it: that neither wait for it nor it for them.
std::vector<std::int64_t> last_graph_beside();

/// The n-th call of NCCL from now (1: the next) fails with `error`, a ncclResult_t. Those that look
/// for errors or end a communicator are not counted.
void fail_nccl_after(int n, int error);
/// Calls that fail_nccl_after() would have counted since reset().
std::int64_t nccl_calls();
/// What rank's communicators say of themselves from now on, a ncclResult_t.
void fail_communicators(int rank, int error);

/// A kernel launch: `run` executes the whole grid. Refusals are left to cudaGetLastError(), as by
/// CUDA.
void enqueue_kernel(cudaStream_t stream, std::function<void()> run);

}  // namespace standin
