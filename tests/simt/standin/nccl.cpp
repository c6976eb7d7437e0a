// A model of NCCL for ranks that are threads of this process, each with a device of its own. A
// collective call takes its place in the caller's stream as two operations: it
// brings what the rank has, and, when all ranks have come to the same call, takes the result. Sums
// are added by ascending rank, in double, and rounded once.
//
// What NCCL would hang on, or what its reference forbids, stops the test with a std::logic_error:
// calls of ranks that are not of one kind and size, calls that are captured, a communicator that is
// destroyed with calls under way. A rank that never comes lets the others wait until they give it
// up.
#include <algorithm>
#include <cstring>

#include "standin/state.hpp"

namespace standin {

void fail_nccl_after(int n, int error) {
  const std::lock_guard lock(mutex());
  state().nccl_fail_in = n;
  state().nccl_fail_with = static_cast<ncclResult_t>(error);
}

std::int64_t nccl_calls() {
  const std::lock_guard lock(mutex());
  return state().nccl_calls;
}

void fail_communicators(int rank, int error) {
  const std::lock_guard lock(mutex());
  for (const auto& [raw, comm] : state().communicators.all) {
    if (comm->rank == rank) comm->async_error = static_cast<ncclResult_t>(error);
  }
}

namespace {

/// A call that fail_nccl_after() counts: `body` returns a status or throws Refusal.
template <typename Body>
ncclResult_t counted(const char* call, Body body) {
  const std::lock_guard lock(mutex());
  State& s = state();
  ++s.nccl_calls;
  if (s.nccl_fail_in > 0 && --s.nccl_fail_in == 0) return s.nccl_fail_with;
  if (s.lost != cudaSuccess) return ncclUnhandledCudaError;
  try {
    return body();
  } catch (const Refusal&) {
    return ncclUnhandledCudaError;
  } catch (const std::logic_error& error) {
    complain(call, error.what());
  }
}

/// The rank's part in the call that its stream has come to.
void bring(ncclComm& comm, Contribution own) {
  if (comm.aborted) return;
  if (comm.under_way) throw std::logic_error("a second call of NCCL beside one under way");
  Group& group = *comm.group;
  auto& call = group.calls[comm.call];
  call.resize(group.ranks.size());
  for (const auto& other : call) {
    if (!other || other->call == own.call) continue;
    throw std::logic_error("ranks come to other calls of NCCL: " + own.call + ", " + other->call);
  }
  call[static_cast<std::size_t>(comm.rank)] = std::move(own);
  comm.under_way = true;
}

bool all_there(const ncclComm& comm) {
  if (comm.aborted) return true;
  const auto& call = comm.group->calls.at(comm.call);
  return std::all_of(call.begin(), call.end(), [](const auto& one) { return one.has_value(); });
}

/// Calls take(contributions) of the call that the rank is in, and ends it.
template <typename Take>
void end_call(ncclComm& comm, Take take) {
  if (comm.aborted) return;
  Group& group = *comm.group;
  const std::int64_t call = comm.call;
  take(group.calls.at(call));
  comm.under_way = false;
  ++comm.call;
  const auto is_past = [&](const ncclComm* other) { return other->call > call; };
  if (std::all_of(group.ranks.begin(), group.ranks.end(), is_past)) group.calls.erase(call);
}

ncclComm& expect_own(ncclComm_t comm, cudaStream_t stream) {
  ncclComm& c = state().communicators.find(comm, "communicator");
  expect_current(c.home, "communicator");
  static_cast<void>(stream_of(stream));
  return c;
}

/// Both operations of a call. `take` writes `receive` of what all have brought.
template <typename Take>
ncclResult_t collective(const std::string& name, ncclComm& comm, cudaStream_t stream,
                        std::size_t count, const Range& send, const Range& receive, Take take) {
  CUstream_st& s = stream_of(stream);
  if (s.capture != nullptr) {
    throw std::logic_error("a call is captured, which all ranks have to do alike or none");
  }
  const auto bring_own = [&comm, call = name + " of " + std::to_string(count), send] {
    Contribution own{.call = call, .bytes = std::vector<std::byte>(send.bytes)};
    std::memcpy(own.bytes.data(), send.pointer, send.bytes);
    bring(comm, std::move(own));
  };
  Operation begin{name, bring_own, {send}};
  if (submit(s, std::move(begin)) != cudaSuccess) return ncclUnhandledCudaError;
  Operation end{name + " end", [&comm, take] { end_call(comm, take); }, {receive}};
  end.ready = [&comm] { return comm.aborted || (comm.under_way && all_there(comm)); };
  return submit(s, std::move(end)) == cudaSuccess ? ncclSuccess : ncclUnhandledCudaError;
}

}  // namespace
}  // namespace standin

using namespace standin;

ncclResult_t ncclGetVersion(int* version) {
  *version = 22809;
  return ncclSuccess;
}

// NCCL's words.
const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclUnhandledCudaError:
      return "unhandled cuda error (run with NCCL_DEBUG=INFO for details)";
    case ncclSystemError:
      return "unhandled system error (run with NCCL_DEBUG=INFO for details)";
    case ncclInternalError:
      return "internal error - please report this issue to the NCCL developers";
    case ncclInvalidArgument:
      return "invalid argument (run with NCCL_DEBUG=WARN for details)";
    case ncclInvalidUsage:
      return "invalid usage (run with NCCL_DEBUG=WARN for details)";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    case ncclInProgress:
      return "NCCL operation in progress";
  }
  return "unknown result code";
}

const char* ncclGetLastError(ncclComm_t) { return ""; }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  return counted("ncclGetUniqueId", [&] {
    const std::string text = "group " + std::to_string(state().groups.size());
    *id = {};
    text.copy(id->internal, sizeof id->internal - 1);
    state().groups[text] = std::make_shared<Group>();
    return ncclSuccess;
  });
}

// Waits for all ranks.
ncclResult_t ncclCommInitRank(ncclComm_t* comm, int size, ncclUniqueId id, int rank) {
  *comm = nullptr;
  return counted("ncclCommInitRank", [&] {
    const auto found = state().groups.find(id.internal);
    if (found == state().groups.end() || rank < 0 || rank >= size) return ncclInvalidArgument;
    const std::shared_ptr<Group> group = found->second;
    group->ranks.resize(static_cast<std::size_t>(size));
    for (const ncclComm* other : group->ranks) {
      if (other != nullptr && other->home == current_device()) return ncclInvalidUsage;
    }
    ncclComm* made = state().communicators.make();
    made->home = current_device();
    made->rank = rank;
    made->group = group;
    group->ranks[static_cast<std::size_t>(rank)] = made;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::find(group->ranks.begin(), group->ranks.end(), nullptr) != group->ranks.end()) {
      if (!give_way(deadline)) {
        made->live = false;
        return ncclSystemError;
      }
    }
    *comm = made;
    return ncclSuccess;
  });
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  const std::lock_guard lock(mutex());
  *error = state().communicators.find(comm, "communicator").async_error;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  const std::lock_guard lock(mutex());
  ncclComm& c = state().communicators.find(comm, "communicator");
  c.aborted = true;
  c.live = false;
  return ncclSuccess;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  framed_release("ncclCommDestroy", [&] {
    ncclComm& c = state().communicators.find(comm, "communicator");
    c.live = false;
    if (c.under_way) throw std::logic_error("a communicator is destroyed with a call under way");
  });
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           ncclRedOp_t operation, ncclComm_t comm, cudaStream_t stream) {
  return counted("ncclAllReduce", [&] {
    ncclComm& c = expect_own(comm, stream);
    if (type != ncclFloat32 || operation != ncclSum) return ncclInvalidArgument;
    const std::size_t bytes = count * sizeof(float);
    const auto take = [receive, count](const std::vector<std::optional<Contribution>>& all) {
      for (std::size_t i = 0; i < count; ++i) {
        double total = 0;
        for (const auto& one : all) {
          float value = 0;
          std::memcpy(&value, one->bytes.data() + i * sizeof value, sizeof value);
          total += static_cast<double>(value);
        }
        static_cast<float*>(receive)[i] = static_cast<float>(total);
      }
    };
    return collective("ncclAllReduce", c, stream, count, device_range(send, bytes),
                      device_range(receive, bytes), take);
  });
}

ncclResult_t ncclAllGather(const void* send, void* receive, std::size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  return counted("ncclAllGather", [&] {
    ncclComm& c = expect_own(comm, stream);
    if (type != ncclInt8) return ncclInvalidArgument;
    const auto take = [receive, count](const std::vector<std::optional<Contribution>>& all) {
      for (std::size_t r = 0; r < all.size(); ++r) {
        std::memcpy(static_cast<char*>(receive) + r * count, all[r]->bytes.data(), count);
      }
    };
    return collective("ncclAllGather", c, stream, count, device_range(send, count),
                      device_range(receive, count * c.group->ranks.size()), take);
  });
}
