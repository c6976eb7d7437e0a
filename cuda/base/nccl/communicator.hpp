// The GPUs of several processes, one each, as one: what they add up among themselves, by NCCL
// (communicator.cpp). A build without NCCL's headers has none.cpp in its place, which refuses.
//
// What would surprise: NCCL's kernels wait on the device for those of the other processes. Where
// one of these is lost they would wait for ever, and the host with them; so a thread of its own
// looks after the communicator while the engine waits, and gives it up.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "base/device_buffer.hpp"
#include "base/ranks/ranks.hpp"

namespace sluice {

/// All calls but give_up() and those of waiting are made by all ranks in the same order, and end in
/// DeviceError where NCCL fails or the communicator was given up. None is captured: NCCL asks for
/// all ranks or none of them to capture a call, and to replay it.
class Communicator {
 public:
  virtual ~Communicator() = default;

  /// values[i] becomes the sum of all ranks' values[i], in fp32 and in NCCL's order of adding.
  /// Asynchronous on `stream`.
  virtual void sum(DeviceSpan<float> values, cudaStream_t stream) = 0;
  /// all [size * own.size()]: what every rank has, in their order. Asynchronous on `stream`.
  virtual void gather_all(DeviceSpan<const std::byte> own, DeviceSpan<std::byte> all,
                          cudaStream_t stream) = 0;

  /// Throws DeviceError if it was given up, with the reason.
  virtual void expect_sound() const = 0;
  /// Ends what is under way on the device, soon after it returns; what was to be computed is not.
  virtual void give_up() noexcept = 0;

  /// The host may wait for the device while it lives: for longer than Patience::wait, and the
  /// communicator is given up.
  class Waiting {
   public:
    explicit Waiting(Communicator& of) : of_(of) { of_.begin_waiting(); }
    ~Waiting() { of_.end_waiting(); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Communicator& of_;
  };

 private:
  virtual void begin_waiting() noexcept = 0;
  virtual void end_waiting() noexcept = 0;
};

struct Patience {
  std::chrono::milliseconds wait = std::chrono::minutes(10);        ///< for the other ranks
  std::chrono::milliseconds look = std::chrono::milliseconds{200};  ///< from look to look
};

/// The communicator of all ranks, each with the calling thread's current device, which is no other
/// one's; `ranks` are needed until it returns. Called by all. Blocks until all are there. Throws
/// DeviceError where NCCL fails or is not there.
std::unique_ptr<Communicator> make_communicator(Ranks& ranks, const Patience& patience = {});

}  // namespace sluice
