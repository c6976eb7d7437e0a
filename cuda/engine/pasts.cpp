#include "engine/pasts.hpp"

#include "engine/gather.hpp"
#include "engine/path_kernels.hpp"
#include "engine/shared/path_batch.hpp"
#include "engine/shared/space_arrays.hpp"

namespace sluice {
namespace {

/// Bytes of the states, before the streams.
std::int64_t state_bytes(std::int64_t NM) {
  return aligned(NM * static_cast<std::int64_t>(sizeof(StepState)));
}

}  // namespace

DeviceDrawnPasts::DeviceDrawnPasts(const ModelSpace& space, DeviceRecurrence& recurrence,
                                   Precision head, std::uint64_t seed, DeviceContext& context,
                                   int threads)
    : space_(space),
      recurrence_(recurrence),
      context_(context),
      threads_(threads),
      numbers_(past_rows(space, seed)),
      walk_(space, recurrence, head, context) {}

std::int64_t DeviceDrawnPasts::bytes(std::int64_t N) const {
  const std::int64_t NM = N * space_.spec().M;
  return state_bytes(NM) + NM * static_cast<std::int64_t>(sizeof(std::uint64_t));
}

void DeviceDrawnPasts::begin(std::span<const Window> windows, std::int64_t first, std::int64_t step,
                             std::span<std::byte> out) const {
  const std::size_t NM = windows.size() * static_cast<std::size_t>(space_.spec().M);
  std::byte* const streams = out.data() + state_bytes(static_cast<std::int64_t>(NM));
  begin_pasts(space_, windows, first, step, threads_,
              std::span(reinterpret_cast<StepState*>(out.data()), NM),
              std::span(reinterpret_cast<std::uint64_t*>(streams), NM));
}

void DeviceDrawnPasts::prepare(std::int64_t N) {
  const int steps = space_.spec().T - numbers_.horizon;
  walk_.prepare(N);
  recurrence_.prepare(steps, static_cast<int>(N), false);
  if (!recurrence_.assembles_input()) {
    x_.grow(context_.memory(), steps * N * space_.spec().inputs(), "the inputs of drawn pasts");
  }
  windows_.grow(context_.memory(), N, "the windows of drawn pasts");
}

void DeviceDrawnPasts::enqueue(const WindowRows& rows, std::byte* begun,
                               DeviceSpan<const float> params) {
  const std::int64_t N = rows.N, M = space_.spec().M;
  const DeviceSpan<Window> windows = windows_.first(N);
  begin_drawn(rows.windows, numbers_.horizon, windows, context_.stream());
  WindowRows before = rows;
  before.space.T -= numbers_.horizon;
  before.windows = windows.data();
  RecurrenceInput input;
  if (recurrence_.assembles_input()) {
    input.rows = &before;
  } else {
    const DeviceSpan<float> x = x_.first(before.space.T * N * space_.spec().inputs());
    gather_inputs(before, x, context_.stream());
    input.x = x;
  }
  recurrence_.infer(before.space.T, static_cast<int>(N), input, {}, {}, {walk_.h(N), walk_.c(N)});
  PathRows paths = numbers_;
  paths.rows = before;
  paths.rows.space.T = 1;
  paths.arrays = path_arrays(paths.rows.space, windows.data());
  paths.states = reinterpret_cast<StepState*>(begun);
  paths.streams = reinterpret_cast<const std::uint64_t*>(begun + state_bytes(N * M));
  walk_.enqueue(paths, params);
}

}  // namespace sluice
