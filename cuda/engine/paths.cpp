#include "engine/paths.hpp"

#include <algorithm>
#include <cstring>

#include "engine/path_kernels.hpp"
#include "engine/shared/space_arrays.hpp"

namespace sluice {
namespace {

/// Rows that keep a device's multiprocessors busy in products of a step, and what they may take.
constexpr PathLimits kLimits = {.rows = 16'384, .bytes = 256 << 20};

}  // namespace

DevicePaths::DevicePaths(const ModelSpace& space, const DeviceSpace& resident,
                         DeviceRecurrence& recurrence, Precision head, DeviceContext& context,
                         int threads)
    : resident_(resident),
      recurrence_(recurrence),
      context_(context),
      batch_(space, threads, kLimits),
      rows_(space, recurrence, head, context) {}

bool DevicePaths::prepare(std::int64_t N, std::int64_t count) {
  const std::int64_t steps = std::int64_t{batch_.numbers().horizon} * rows_.spec().M;
  std::set<std::int64_t> sizes;
  for (const PathPart& part : batch_.parts(N, count)) sizes.insert(part.rows());
  if (std::ranges::includes(ready_, sizes)) return false;
  context_.synchronize();
  drop_graphs();
  for (const std::int64_t R : sizes) {
    rows_.prepare(R);
    out_.grow(context_.memory(), R * steps, "sample paths");
  }
  if (fetched_.size() < out_.size()) fetched_ = PinnedBuffer<float>(out_.size(), "sample paths");
  ready_.insert(sizes.begin(), sizes.end());
  return true;
}

void DevicePaths::walk(std::span<const Window> windows, const PathSettings& settings,
                       DeviceSpan<const float> params, DeviceStateIn last, std::span<float> out) {
  const auto N = static_cast<std::int64_t>(windows.size());
  const ModelSpec& spec = rows_.spec();
  const std::int64_t KM = std::int64_t{batch_.numbers().horizon} * spec.M;
  cudaStream_t stream = context_.stream();
  for (const PathPart& part : batch_.parts(N, settings.count)) {
    const std::int64_t R = part.rows();
    batch_.begin(windows, settings, part);
    const PathRows paths = to_device(params, R);
    repeat_states(last.h, N, part.first_window, part.paths, spec.L, spec.H, rows_.h(R), stream);
    repeat_states(last.c, N, part.first_window, part.paths, spec.L, spec.H, rows_.c(R), stream);
    extend(paths, params);
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

void DevicePaths::drop_graphs() {
  graphs_.clear();
  warm_.clear();
}

// As the engine's other graphs: the first run of a size goes as it is, the second captures. The
// parts of a large forecast are alike but for their windows, which lie in device memory.
void DevicePaths::extend(const PathRows& paths, DeviceSpan<const float> params) {
  const Steps steps{paths.rows.N, paths.paths, paths.first_path, paths.seed, params.data()};
  if (!recurrence_.capturable() || warm_.insert(steps).second) {
    rows_.enqueue(paths, params);
    return;
  }
  GraphExec& graph = graphs_[steps];
  if (!graph) {
    graph = capture_graph(
        context_.stream(), [&] { rows_.enqueue(paths, params); }, recurrence_.capture_mode());
  }
  check(cudaGraphLaunch(graph.get(), context_.stream()), "cudaGraphLaunch of sample paths");
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
    drop_graphs();
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

}  // namespace sluice
