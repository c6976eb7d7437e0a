#include "engine/gradient_exchange.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "recurrence/shared/weights.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"

namespace sluice {
namespace {

/// What a rank tells the others of itself.
struct Member {
  std::array<char, 16> device = {};
  std::array<char, 112> recurrence = {};  ///< ends in a zero
};

std::vector<Member> gather_members(Ranks& ranks, const Member& own) {
  std::vector<Member> all(static_cast<std::size_t>(ranks.size()));
  ranks.gather_all(std::as_bytes(std::span(&own, 1)), std::as_writable_bytes(std::span(all)));
  return all;
}

/// NCCL finds both by an error without a remedy, or waits for ever.
void check_members(Ranks& ranks, const std::string& recurrence, const DeviceInfo& device) {
  Member own{.device = device.uuid, .recurrence = {}};
  recurrence.copy(own.recurrence.data(), own.recurrence.size() - 1);
  const std::vector<Member> members = gather_members(ranks, own);
  for (std::size_t second = 1; second < members.size(); ++second) {
    for (std::size_t first = 0; first < second; ++first) {
      if (members[first].device != members[second].device) continue;
      throw DeviceError(fmt::format(
          "processes {} and {} of {} would train on the same GPU, and each needs one of its own: "
          "start no more processes a machine than it has GPUs (mpirun --map-by ppr:N:node, srun "
          "--ntasks-per-node=N), with engine.device = \"cuda\", by which each takes its own; or "
          "set engine.device = \"cpu\"",
          first + 1, second + 1, members.size()));
    }
  }
  if (const Member& first = members.front(); first.recurrence != own.recurrence) {
    throw DeviceError(fmt::format(
        "engine.recurrence and engine.precision become {} here and {} in the first process, whose "
        "GPU is another one; set both (sluice explain), as all processes need the same",
        std::string_view(own.recurrence.data()), std::string_view(first.recurrence.data())));
  }
}

}  // namespace

GradientExchange::GradientExchange(const ModelSpec& spec, const std::string& recurrence,
                                   bool by_layers, Ranks& ranks, DeviceContext& context)
    : context_(context),
      layers_(spec.L),
      by_layers_(by_layers),
      all_sums_(context.memory(), ranks.size(), "sums of the loss of all processes"),
      stream_(make_urgent_stream()),
      summed_(make_event()) {
  check_members(ranks, recurrence, context.info());
  const ParamLayout layout(spec);
  if (by_layers) {
    const ParamBlock& last = layout.block("linear.bias");
    const std::int64_t head_end = last.offset + last.size;
    add_part(layout.lstm_size(), head_end);
    for (int l = spec.L - 1; l >= 0; --l) {
      const LayerWeights at = layer_weights(spec.inputs(), spec.H, l);
      add_part(at.W, at.end(spec.H));
    }
    if (head_end < layout.size()) add_part(head_end, layout.size());
  } else {
    add_part(0, layout.size());
  }
  communicator_ = make_communicator(ranks);
}

GradientExchange::~GradientExchange() {
  // An error here has no one left to hear it.
  static_cast<void>(cudaStreamSynchronize(stream_.get()));
}

void GradientExchange::add_part(std::int64_t begin, std::int64_t end) {
  parts_.push_back({.begin = begin, .end = end, .complete = make_event()});
}

// In a capture the record becomes a node, by which each launch of the graph records anew.
void GradientExchange::complete(std::size_t part) {
  cudaStream_t stream = context_.stream();
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(stream, &capturing), "cudaStreamIsCapturing");
  const unsigned flags =
      capturing == cudaStreamCaptureStatusNone ? cudaEventRecordDefault : cudaEventRecordExternal;
  check(cudaEventRecordWithFlags(parts_[part].complete.get(), stream, flags),
        "cudaEventRecordWithFlags of a part of the gradient");
}

void GradientExchange::head() {
  if (by_layers_) complete(0);
}

void GradientExchange::layer(int l) {
  if (by_layers_) complete(static_cast<std::size_t>(layers_ - l));
}

void GradientExchange::rest() {
  const std::size_t told = by_layers_ ? 1 + static_cast<std::size_t>(layers_) : 0;
  for (std::size_t part = told; part < parts_.size(); ++part) complete(part);
}

DeviceSpan<const DeviceLossSums> GradientExchange::sum(DeviceSpan<float> gradient,
                                                       DeviceSpan<const DeviceLossSums> sums) {
  const DeviceSpan<DeviceLossSums> all = all_sums_.span();
  for (const Part& part : parts_) {
    check(cudaStreamWaitEvent(stream_.get(), part.complete.get(), 0), "cudaStreamWaitEvent");
    communicator_->sum(gradient.subspan(part.begin, part.end - part.begin), stream_.get());
    if (&part != &parts_.front()) continue;  // with which the sums of the loss are complete
    communicator_->gather_all(
        {reinterpret_cast<const std::byte*>(sums.data()), static_cast<std::int64_t>(sums.bytes())},
        {reinterpret_cast<std::byte*>(all.data()), static_cast<std::int64_t>(all.bytes())},
        stream_.get());
  }
  check(cudaEventRecord(summed_.get(), stream_.get()), "cudaEventRecord");
  check(cudaStreamWaitEvent(context_.stream(), summed_.get(), 0), "cudaStreamWaitEvent");
  return all;
}

}  // namespace sluice
