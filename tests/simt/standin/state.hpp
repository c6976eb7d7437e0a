// What the stand-in's files share: its state, the frame round every call, memory, the queues.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "nccl.h"
#include "standin/standin.hpp"

namespace standin {

/// A call is refused with this status; thrown inside a call, caught by its frame.
struct Refusal {
  cudaError_t status;
};

/// The point in a stream where an event was recorded.
struct Moment {
  bool reached = false;
  double at_ms = 0;
};

/// A range of memory that an operation touches. `block` 0: pageable, not known here.
struct Range {
  const void* pointer = nullptr;
  std::size_t bytes = 0;
  int block = 0;
};

/// What a stream or a graph is asked to do. `run` throws nothing but std::logic_error.
struct Operation {
  std::string what;  ///< the call, and for a captured one " (" with its place behind
  std::function<void()> run;
  std::vector<Range> ranges;  ///< looked at again before it runs
  std::function<bool()> ready =
      {};                       ///< whether it may run already; empty: it may; of streams alone
  CUevent_st* event = nullptr;  ///< that a launch of its graph records here
};

/// An operation in a graph, after those that it depends on (indices).
struct Node {
  Operation operation;
  std::vector<std::size_t> after;
};
using Nodes = std::shared_ptr<const std::vector<Node>>;

/// An entry of a stream. `step` does a part and says whether all is done.
struct Item {
  std::string what;
  std::int64_t order = 0;
  std::function<bool()> ready;
  std::function<bool()> step;
  std::vector<Range> ranges;
};

struct Capture {
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  CUstream_st* origin = nullptr;
  bool invalid = false, active = true;
  std::vector<Node> nodes;
};

struct Block {
  unsigned char* raw = nullptr;  ///< begins with the first redzone
  std::size_t bytes = 0;
  int number = 0;
  bool device = true;
  int home = 0;  ///< the device
};

}  // namespace standin

struct CUstream_st {
  int home = 0;  ///< the device that was current when it was made; so below
  bool blocking = true, live = true;
  std::deque<standin::Item> items;
  std::shared_ptr<standin::Capture> capture;  ///< null unless capturing
  std::vector<std::size_t> frontier;          ///< nodes that the next captured one comes after
};

struct CUevent_st {
  int home = 0;
  bool timed = true, live = true;
  std::shared_ptr<standin::Moment> moment;    ///< null: not recorded, or recorded in a capture
  std::shared_ptr<standin::Capture> capture;  ///< of the last record, if it was captured
  std::vector<std::size_t> frontier;
};

struct CUgraph_st {
  bool live = true;
  standin::Nodes nodes;
};

struct CUgraphExec_st {
  int home = 0;
  bool live = true;
  standin::Nodes nodes;
  std::shared_ptr<standin::Moment> last;  ///< the end of the last launch: launches do not overlap
};

struct cublasContext {
  int home = 0;
  bool live = true;
  CUstream_st* stream = nullptr;
  bool has_workspace = false, tf32 = false;
};

namespace standin {

/// What one rank brings to a collective call.
struct Contribution {
  std::string call;  ///< of which kind and size
  std::vector<std::byte> bytes;
};

/// The communicators of one unique id.
struct Group {
  std::vector<ncclComm*> ranks;  ///< null: not there yet
  /// By number of the call: of each rank what it brought.
  std::map<std::int64_t, std::vector<std::optional<Contribution>>> calls;
};

}  // namespace standin

struct ncclComm {
  int home = 0;
  bool live = true, aborted = false;
  int rank = 0;
  std::shared_ptr<standin::Group> group;
  std::int64_t call = 0;  ///< the one that its stream is at
  bool under_way = false;
  ncclResult_t async_error = ncclSuccess;
};

namespace standin {

/// Handles of one kind, kept after they are destroyed so that a later use is known for what it is.
template <typename T>
struct Handles {
  std::map<const T*, std::unique_ptr<T>> all;

  T* make() {
    auto handle = std::make_unique<T>();
    T* raw = handle.get();
    all.emplace(raw, std::move(handle));
    return raw;
  }
  std::int64_t live_on(int device) const {
    std::int64_t count = 0;
    for (const auto& [raw, handle] : all) count += handle->live && handle->home == device ? 1 : 0;
    return count;
  }
  /// Throws std::logic_error unless it is there and was not destroyed.
  T& find(const T* handle, const char* kind) const {
    const auto found = all.find(handle);
    if (found == all.end()) {
      throw std::logic_error(std::string("this ") + kind + " was never made");
    }
    if (!found->second->live) throw std::logic_error(std::string(kind) + " used after destroy");
    return *found->second;
  }
  std::int64_t live() const {
    std::int64_t count = 0;
    for (const auto& [raw, handle] : all) count += handle->live ? 1 : 0;
    return count;
  }
};

struct State {
  std::vector<Device> devices{Device{}};
  std::map<std::thread::id, int> current;  ///< 0 where there is none
  std::int64_t memory_bytes = std::int64_t{4} << 30;
  std::map<int, std::int64_t> used_bytes;  ///< by device
  std::map<std::uintptr_t, Block> blocks;  ///< by the address handed out
  std::deque<std::pair<std::uintptr_t, Block>> freed;
  std::size_t freed_bytes = 0;
  int block_number = 0;

  Handles<CUstream_st> streams;
  Handles<CUevent_st> events;
  Handles<CUgraph_st> graphs;
  Handles<CUgraphExec_st> execs;
  Handles<cublasContext> blas;
  Handles<ncclComm> communicators;
  std::map<std::string, std::shared_ptr<Group>> groups;  ///< by unique id
  int nccl_fail_in = 0;
  ncclResult_t nccl_fail_with = ncclSuccess;
  std::int64_t nccl_calls = 0;
  CUstream_st legacy;  ///< the default stream
  std::vector<std::shared_ptr<Capture>> captures;

  std::map<std::string, std::int64_t> enqueued;
  Nodes last_graph;
  std::int64_t calls = 0, order = 0;
  double clock_ms = 0;
  bool running = false;  ///< inside an operation
  std::mt19937_64 random{1};
  cudaError_t last_error = cudaSuccess, lost = cudaSuccess;
  int fail_in = 0;
  cudaError_t fail_with = cudaSuccess;
  bool fail_sticky = false;
  std::string complaint;  ///< kept for the next call
};

State& state();
std::recursive_mutex& mutex();

// ---- the frame of a call -----------------------------------------------------------------------

/// Throws what was kept, counts the call, and gives the injected or the lost device's error.
cudaError_t enter(const char* call);
cudaError_t keep(cudaError_t status);
[[noreturn]] void complain(const char* call, const std::string& what);

/// The calling thread's current device.
int current_device();
const Device& device();
/// Throws std::logic_error unless that is where the handle was made.
void expect_current(int home, const char* kind);
/// Throws std::logic_error if device memory of another device is among the ranges.
void expect_home(const std::vector<Range>& ranges, int home);

/// A runtime call: `body` returns a status or throws Refusal.
template <typename Body>
cudaError_t framed(const char* call, Body body) {
  const std::lock_guard lock(mutex());
  if (const cudaError_t status = enter(call); status != cudaSuccess) return keep(status);
  try {
    return keep(body());
  } catch (const Refusal& refusal) {
    return keep(refusal.status);
  } catch (const std::logic_error& error) {
    complain(call, error.what());
  }
}

/// A call that destructors make: what is wrong is kept for later; not even that while an exception
/// is under way, which is then what matters.
template <typename Body>
cudaError_t framed_release(const char* call, Body body) noexcept {
  const std::lock_guard lock(mutex());
  State& s = state();
  try {
    body();
  } catch (const Refusal& refusal) {
    return keep(refusal.status);
  } catch (const std::exception& error) {
    if (std::uncaught_exceptions() == 0 && s.complaint.empty()) {
      s.complaint = std::string(call) + ": " + error.what();
    }
  }
  return s.lost;
}

// ---- memory ------------------------------------------------------------------------------------

/// What is known of [pointer, pointer + bytes). Throws std::logic_error if it overlaps a redzone or
/// memory that was freed.
Range range_of(const void* pointer, std::size_t bytes);
/// The same, and in device memory: Refusal otherwise.
Range device_range(const void* pointer, std::size_t bytes);
/// Throws std::logic_error unless the blocks of `ranges` are still allocated.
void expect_live(const std::vector<Range>& ranges);
bool is_device(const Range& range);
bool is_pinned(const Range& range);
void release_all_memory();
void check_redzones();
void check_freed();

// ---- queues ------------------------------------------------------------------------------------

/// Null is the default stream. Throws Refusal if a capture is under way that forbids it.
CUstream_st& stream_of(cudaStream_t stream);
/// Queues or captures.
cudaError_t submit(CUstream_st& stream, Operation operation);
void push(CUstream_st& stream, Item item);
std::size_t random_below(std::size_t count);
/// Runs work until `done`, which waits for `target` (null: for all).
void run_until(const std::function<bool()>& done, const CUstream_st* target);
/// Lets the threads of other ranks go on for a moment, until `deadline`; then false.
bool give_way(std::chrono::steady_clock::time_point deadline);
/// Runs a few items, perhaps none.
void run_some();
void run_all();
/// All that waits in the streams of one device, however long other ranks take.
void run_device(int device);
void perform(const Operation& operation);
std::vector<CUstream_st*> all_streams();

// ---- captures ----------------------------------------------------------------------------------

/// Throws Refusal, and spoils the capture, if this thread may not make calls that could wait.
void refuse_in_capture();
void spoil(Capture& capture);
/// Runs one node of those whose predecessors have run; true when all have.
class GraphRun {
 public:
  explicit GraphRun(Nodes nodes);
  bool step();

 private:
  Nodes nodes_;
  std::vector<std::shared_ptr<Moment>> moments_;  ///< of the nodes that record an event
  std::vector<bool> done_;
  std::size_t left_;
};
std::vector<Range> ranges_of(const std::vector<Node>& nodes);

}  // namespace standin
