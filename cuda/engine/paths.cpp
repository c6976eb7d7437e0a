#include "engine/paths.hpp"

#include <algorithm>
#include <cstring>

#include "engine/gather.hpp"
#include "engine/path_kernels.hpp"
#include "engine/shared/space_arrays.hpp"

namespace sluice {
namespace {

/// Rows that keep a device's multiprocessors busy in products of a step, and what they may take.
constexpr PathLimits kLimits = {.rows = 16'384, .bytes = 256 << 20};

ModelSpec of_one_step(ModelSpec spec) {
  spec.T = 1, spec.forking = false, spec.warmup = 0;
  return spec;
}

}  // namespace

DevicePaths::DevicePaths(const ModelSpace& space, const DeviceSpace& resident,
                         DeviceRecurrence& recurrence, Precision head, DeviceContext& context,
                         int threads)
    : spec_(of_one_step(space.spec())),
      resident_(resident),
      recurrence_(recurrence),
      context_(context),
      batch_(space, threads, kLimits),
      head_(spec_, head, context) {}

bool DevicePaths::prepare(std::int64_t N, std::int64_t count) {
  std::set<std::int64_t> sizes;
  for (const PathPart& part : batch_.parts(N, count)) sizes.insert(part.rows());
  if (std::ranges::includes(ready_, sizes)) return false;
  context_.synchronize();
  DeviceMemory& memory = context_.memory();
  for (const std::int64_t R : sizes) {
    recurrence_.prepare(1, static_cast<int>(R), false);
    head_.prepare(R, false);
    const std::int64_t states = spec_.L * R * spec_.H;
    if (!recurrence_.assembles_input()) {
      x_.grow(memory, R * spec_.inputs(), "the inputs of sample paths");
    }
    h_.grow(memory, states, "the states of sample paths");
    c_.grow(memory, states, "the states of sample paths");
    u_.grow(memory, R * spec_.outputs(), "the distributions of sample paths");
    out_.grow(memory, R * batch_.numbers().horizon * spec_.M, "sample paths");
  }
  if (fetched_.size() < out_.size()) fetched_ = PinnedBuffer<float>(out_.size(), "sample paths");
  ready_.insert(sizes.begin(), sizes.end());
  return true;
}

void DevicePaths::walk(std::span<const Window> windows, const PathSettings& settings,
                       DeviceSpan<const float> params, DeviceStateIn last, std::span<float> out) {
  const auto N = static_cast<std::int64_t>(windows.size());
  const std::int64_t KM = std::int64_t{batch_.numbers().horizon} * spec_.M;
  cudaStream_t stream = context_.stream();
  for (const PathPart& part : batch_.parts(N, settings.count)) {
    const std::int64_t R = part.rows(), states = spec_.L * R * spec_.H;
    batch_.begin(windows, settings, part);
    const PathRows paths = to_device(params, R);
    repeat_states(last.h, N, part.first_window, part.paths, spec_.L, spec_.H, h_.first(states),
                  stream);
    repeat_states(last.c, N, part.first_window, part.paths, spec_.L, spec_.H, c_.first(states),
                  stream);
    enqueue_part(paths, params);
    const auto values = static_cast<std::size_t>(R * KM);
    copy_to_host(DeviceSpan<const float>(out_.first(R * KM)), fetched_.span().first(values),
                 stream);
    context_.synchronize();
    for (std::int64_t w = 0; w < part.windows; ++w) {
      const std::int64_t to = (part.first_window + w) * settings.count + part.first_path;
      std::copy_n(fetched_.data() + w * part.paths * KM, part.paths * KM, out.data() + to * KM);
    }
  }
}

// One copy for all that the host has put together; what it goes through is free again, for walk()
// waits at the end of each part.
PathRows DevicePaths::to_device(DeviceSpan<const float> params, std::int64_t R) {
  const auto bytes = [](auto span) { return static_cast<std::int64_t>(span.size_bytes()); };
  const std::int64_t windows = aligned(bytes(batch_.block()));
  const std::int64_t states = windows + aligned(bytes(batch_.rows()));
  const std::int64_t streams = states + aligned(bytes(batch_.states()));
  const std::int64_t size = streams + aligned(bytes(batch_.streams()));
  if (staged_.size() < size) {
    block_.grow(context_.memory(), size, "the series of sample paths");
    staged_ = PinnedBuffer<std::byte>(size, "the series of sample paths");
  }
  const auto put = [&](std::int64_t at, auto span) {
    std::memcpy(staged_.data() + at, span.data(), span.size_bytes());
  };
  put(0, batch_.block());
  put(windows, batch_.rows());
  put(states, batch_.states());
  put(streams, batch_.streams());
  copy_to_device(std::span<const std::byte>(staged_.span().first(static_cast<std::size_t>(size))),
                 block_.first(size), context_.stream());
  PathRows paths = batch_.numbers();
  paths.rows.space = batch_.slices().view(batch_.shape(), resident_.view(), block_.data());
  paths.rows.N = R;
  paths.rows.params = params.data();
  auto* rows = reinterpret_cast<Window*>(block_.data() + windows);
  paths.rows.windows = rows;
  paths.arrays = path_arrays(paths.rows.space, rows);
  paths.states = reinterpret_cast<StepState*>(block_.data() + states);
  paths.streams = reinterpret_cast<const std::uint64_t*>(block_.data() + streams);
  paths.out = out_.data();
  return paths;
}

void DevicePaths::enqueue_part(const PathRows& paths, DeviceSpan<const float> params) {
  const std::int64_t R = paths.rows.N, states = spec_.L * R * spec_.H;
  const DeviceSpan<float> h = h_.first(states), c = c_.first(states);
  const DeviceSpan<float> u = u_.first(R * spec_.outputs());
  const DeviceSpan<const float> top = h.subspan((spec_.L - 1) * R * spec_.H, R * spec_.H);
  for (int k = 0; k < paths.horizon; ++k) {
    context_.beside([&] { head_.begin_infer(paths.rows, params, u, {}); });
    if (k > 0) {
      RecurrenceInput input;
      if (recurrence_.assembles_input()) {
        input.rows = &paths.rows;
      } else {
        const DeviceSpan<float> x = x_.first(R * spec_.inputs());
        gather_inputs(paths.rows, x, context_.stream());
        input.x = x;
      }
      recurrence_.infer(1, static_cast<int>(R), input, {h, c}, {}, {h, c});
    }
    context_.join();
    head_.infer(paths.rows, params, top, u, {});
    extend_paths(paths, k, spec_.outputs(), u, context_.stream());
  }
}

}  // namespace sluice
