#include "base/nccl/communicator.hpp"

#include <fmt/core.h>
#include <nccl.h>

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <source_location>
#include <span>
#include <stop_token>
#include <string>
#include <thread>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr const char* kGoOn = "go on from the last checkpoint (--mode.resume true)";

std::string remedy_of(ncclResult_t status) {
  switch (status) {
    case ncclInvalidArgument:
    case ncclInvalidUsage:
    case ncclInternalError:
      return "this is a fault of Sluice, or of NCCL: run it again with NCCL_DEBUG=WARN and report "
             "what that says";
    case ncclUnhandledCudaError:
      return fmt::format(
          "see that each process has a GPU with free memory, run it again with NCCL_DEBUG=WARN, "
          "which says more, and {}",
          kGoOn);
    default:
      return fmt::format(
          "see that all processes run and reach each other (NCCL_SOCKET_IFNAME names the network, "
          "a container needs some shared memory, NCCL_DEBUG=WARN says more), and {}",
          kGoOn);
  }
}

/// "ncclAllReduce of a gradient failed: NCCL: remote process exited (...); what to do".
std::string words_of(ncclResult_t status, const char* call, ncclComm_t comm) {
  const char* last = ncclGetLastError(comm);
  const std::string more = last != nullptr && *last != '\0' ? fmt::format(" ({})", last) : "";
  return fmt::format("{} failed: NCCL: {}{}; {}", call, ncclGetErrorString(status), more,
                     remedy_of(status));
}

void check(ncclResult_t status, const char* call, ncclComm_t comm,
           std::source_location where = std::source_location::current()) {
  if (status == ncclSuccess) return;
  const char* slash = std::strrchr(where.file_name(), '/');
  throw DeviceError(fmt::format("{}:{}: {}", slash == nullptr ? where.file_name() : slash + 1,
                                where.line(), words_of(status, call, comm)));
}

struct Destroy {
  void operator()(ncclComm_t comm) const { static_cast<void>(ncclCommDestroy(comm)); }
};
using Comm = std::unique_ptr<ncclComm, Destroy>;

Comm join(Ranks& ranks) {
  ncclUniqueId id{};
  if (ranks.rank() == 0) check(ncclGetUniqueId(&id), "ncclGetUniqueId", nullptr);
  ranks.broadcast(std::as_writable_bytes(std::span(&id, 1)));
  ncclComm_t comm = nullptr;
  check(ncclCommInitRank(&comm, ranks.size(), id, ranks.rank()), "ncclCommInitRank", nullptr);
  return Comm(comm);
}

class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(Ranks& ranks, const Patience& patience)
      : patience_(patience),
        comm_(join(ranks)),
        watch_([this](const std::stop_token& stop) { watch(stop); }) {}

  void sum(DeviceSpan<float> values, cudaStream_t stream) override {
    const std::scoped_lock lock(calls_);
    expect_sound();
    check(ncclAllReduce(values.data(), values.data(), static_cast<std::size_t>(values.size()),
                        ncclFloat32, ncclSum, comm_.get(), stream),
          "ncclAllReduce of a gradient", comm_.get());
  }

  void gather_all(DeviceSpan<const std::byte> own, DeviceSpan<std::byte> all,
                  cudaStream_t stream) override {
    const std::scoped_lock lock(calls_);
    expect_sound();
    check(ncclAllGather(own.data(), all.data(), own.bytes(), ncclInt8, comm_.get(), stream),
          "ncclAllGather of the sums of the loss", comm_.get());
  }

  void expect_sound() const override {
    const std::scoped_lock lock(state_);
    if (!trouble_.empty()) throw DeviceError(trouble_);
  }

  void give_up() noexcept override {
    const std::scoped_lock lock(state_);
    if (trouble_.empty()) trouble_ = "the GPUs' communicator was given up after an error";
    wake_.notify_all();
  }

 private:
  using Clock = std::chrono::steady_clock;

  void begin_waiting() noexcept override {
    const std::scoped_lock lock(state_);
    waiting_since_ = Clock::now();
  }
  void end_waiting() noexcept override {
    const std::scoped_lock lock(state_);
    waiting_since_.reset();
  }

  /// The watch's thread, until it is stopped or has given up. It calls nothing of CUDA's.
  void watch(const std::stop_token& stop) {
    std::unique_lock lock(state_);
    const auto given_up = [this] { return !trouble_.empty(); };
    while (!wake_.wait_for(lock, stop, patience_.look, given_up)) {
      if (stop.stop_requested()) return;
      if (waiting_since_ && Clock::now() - *waiting_since_ > patience_.wait) {
        trouble_ = fmt::format(
            "a training step has waited {} s for the GPUs of the other processes: one of them was "
            "lost, or hangs; {}",
            std::chrono::duration_cast<std::chrono::seconds>(patience_.wait).count(),
            remedy_of(ncclRemoteError));
        break;
      }
      lock.unlock();
      std::string found = look();
      lock.lock();
      if (trouble_.empty()) trouble_ = std::move(found);
    }
    lock.unlock();
    // A call that hangs is what the patience is for: it is not waited for.
    const std::unique_lock calls(calls_, patience_.look);
    static_cast<void>(ncclCommAbort(comm_.release()));
  }

  /// What NCCL says of itself, empty if all is well or it is being called.
  std::string look() {
    const std::unique_lock calls(calls_, std::try_to_lock);
    if (!calls.owns_lock()) return {};
    ncclResult_t now = ncclSuccess;
    if (const ncclResult_t asked = ncclCommGetAsyncError(comm_.get(), &now); asked != ncclSuccess) {
      return words_of(asked, "ncclCommGetAsyncError", comm_.get());
    }
    if (now == ncclSuccess || now == ncclInProgress) return {};
    return words_of(now, "the sum of gradients on the GPUs", comm_.get());
  }

  const Patience patience_;
  std::timed_mutex calls_;  ///< of NCCL with comm_
  Comm comm_;               ///< null once it was aborted
  mutable std::mutex state_;
  std::condition_variable_any wake_;
  std::string trouble_;  ///< why it was given up
  std::optional<Clock::time_point> waiting_since_;
  std::jthread watch_;  ///< the last: it ends first
};

}  // namespace

std::unique_ptr<Communicator> make_communicator(Ranks& ranks, const Patience& patience) {
  return std::make_unique<NcclCommunicator>(ranks, patience);
}

}  // namespace sluice
