// The optimizer's exchange with the host; its kernels are in optimizer.cu.
#include "engine/optimizer.hpp"

#include <fmt/core.h>

#include <span>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kNormBlocks = 512;

void fill(const std::vector<float>& from, const DeviceBuffer<float>& to, const char* what,
          cudaStream_t stream) {
  if (from.empty()) {
    set_zero(to.span(), stream);
    return;
  }
  if (static_cast<std::int64_t>(from.size()) != to.size()) {
    throw InternalError(
        fmt::format("{} of {} elements for a model of {}", what, from.size(), to.size()));
  }
  copy_to_device(std::span(from), to.span(), stream);
}

void fetch(const DeviceBuffer<float>& from, std::vector<float>& to, cudaStream_t stream) {
  to.resize(static_cast<std::size_t>(from.size()));
  copy_to_host(DeviceSpan<const float>(from.span()), std::span(to), stream);
}

}  // namespace

DeviceOptimizer::DeviceOptimizer(std::int64_t P, DeviceContext& context)
    : P_(P),
      context_(context),
      m_(context.memory(), P, "AdamW's first moments"),
      v_(context.memory(), P, "AdamW's second moments"),
      average_(context.memory(), P, "the moving average of the parameters"),
      status_(context.memory(), 1, "the training's status"),
      before_(context.memory(), 1, "the training's status"),
      squares_(context.memory(), kNormBlocks, "the gradient's norm"),
      host_status_(1, "the training's status") {
  host_status_.span().front() = TrainingStatus();
  write_status();
  set(EngineState());
}

// Blocks.
TrainingStatus DeviceOptimizer::read_status() const {
  copy_to_host(DeviceSpan<const TrainingStatus>(status_.span()), host_status_.span(),
               context_.stream());
  context_.synchronize();
  return host_status_.span().front();
}

void DeviceOptimizer::write_status() {
  copy_to_device(std::span<const TrainingStatus>(host_status_.span()), status_.span(),
                 context_.stream());
}

void DeviceOptimizer::set(const EngineState& state) {
  read_status();
  TrainingStatus& status = host_status_.span().front();
  status.step = state.step;
  status.averaging = !state.average.empty();
  write_status();
  fill(state.m, m_, "first moments", context_.stream());
  fill(state.v, v_, "second moments", context_.stream());
  fill(state.average, average_, "a moving average", context_.stream());
  context_.synchronize();
}

void DeviceOptimizer::get(EngineState& state) const {
  const TrainingStatus status = read_status();
  state.step = status.step;
  fetch(m_, state.m, context_.stream());
  fetch(v_, state.v, context_.stream());
  state.average.clear();
  if (status.averaging) fetch(average_, state.average, context_.stream());
  context_.synchronize();
}

TrainingStatus DeviceOptimizer::take_status() {
  const TrainingStatus status = read_status();
  TrainingStatus& rest = host_status_.span().front();
  rest.sums = DeviceLossSums();
  rest.windows = 0;
  write_status();
  context_.synchronize();
  return status;
}

}  // namespace sluice
