// The sum of a training step's gradient over the GPUs of several processes, part by part: each part
// is summed on a stream of its own as soon as the backward pass is done with it, beside the rest of
// that pass, and the compute stream waits for them before the optimizer.
//
// Parts are those of the flat parameters (model/params.hpp), from the last one computed on: the
// head; the layers of the LSTM from the top; the embeddings.
//
// What would surprise: the pass may be a replayed graph, of which each process has its own, where
// NCCL asks for all or none of them to capture a call. So nothing of NCCL is captured: in the graph
// are records of events, for which its calls wait outside of it, in the same order on all ranks
// whatever their windows are.
//
// A recurrence that does not tell of its layers has one part, all of it, after the pass: those of
// cuDNN may wait on the device for blocks of their own, and so do NCCL's kernels, for other GPUs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/device_buffer.hpp"
#include "base/handles.hpp"
#include "base/nccl/communicator.hpp"
#include "base/ranks/ranks.hpp"
#include "engine/context.hpp"
#include "engine/loss_sums.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// Each step: head(), layer(l) from L-1 to 0, rest(), which may be captured; then sum().
class GradientExchange {
 public:
  /// `recurrence`: what computes, in words, the same on all ranks; `by_layers`: it tells of them.
  /// The context outlives it. Called by all ranks. Blocks. Throws DeviceError where two ranks have
  /// one GPU or recurrences differ, and what make_communicator() throws.
  GradientExchange(const ModelSpec& spec, const std::string& recurrence, bool by_layers,
                   Ranks& ranks, DeviceContext& context);
  ~GradientExchange();
  GradientExchange(const GradientExchange&) = delete;
  GradientExchange& operator=(const GradientExchange&) = delete;

  /// On the context's stream, as it is then, is all that writes the head's part of the gradient and
  /// the sums of the loss.
  void head();
  /// The same of layer l.
  void layer(int l);
  /// The same of what is left.
  void rest();
  /// What the compute stream is given from now on finds in gradient [P] the sum over all ranks.
  /// Gives the sums [1] of each, [size], in their order. Asynchronous; not to be captured.
  DeviceSpan<const DeviceLossSums> sum(DeviceSpan<float> gradient,
                                       DeviceSpan<const DeviceLossSums> sums);

  /// The host may wait for the device while it lives, but not for ever.
  Communicator::Waiting waiting() const { return Communicator::Waiting(*communicator_); }
  /// Throws DeviceError where the other ranks are lost: of what the device has computed since then
  /// nothing is right.
  void expect_sound() const { communicator_->expect_sound(); }
  /// Nothing under way waits for other ranks any more.
  void give_up() noexcept { communicator_->give_up(); }

 private:
  struct Part {
    std::int64_t begin = 0, end = 0;
    Event complete;
  };
  void add_part(std::int64_t begin, std::int64_t end);
  void complete(std::size_t part);

  DeviceContext& context_;
  int layers_;
  bool by_layers_;
  std::vector<Part> parts_;                ///< in the order of a step
  DeviceBuffer<DeviceLossSums> all_sums_;  ///< [size]
  Stream stream_;
  Event summed_;
  std::unique_ptr<Communicator> communicator_;
};

}  // namespace sluice
