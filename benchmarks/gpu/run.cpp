#include "gpu/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/graph.hpp"
#include "base/handles.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

/// One way to launch the work: `before` is not timed.
struct Launches {
  std::function<void()> before, run;
};

/// Seconds of one run, from `times` of them; each by its own events if something untimed lies
/// between. Blocks.
class Stopwatch {
 public:
  explicit Stopwatch(cudaStream_t stream) : stream_(stream) {}

  double seconds(const Launches& launches, int times) {
    if (!launches.before)
      return between([&] {
               for (int i = 0; i < times; ++i) launches.run();
             }) /
             times;
    double sum = 0;
    for (int i = 0; i < times; ++i) {
      launches.before();
      sum += between(launches.run);
    }
    return sum / times;
  }

 private:
  template <typename Run>
  double between(const Run& run) {
    check(cudaEventRecord(begin_.get(), stream_), "cudaEventRecord");
    run();
    check(cudaEventRecord(end_.get(), stream_), "cudaEventRecord");
    check(cudaEventSynchronize(end_.get()), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin_.get(), end_.get()), "cudaEventElapsedTime");
    return 1e-3 * static_cast<double>(milliseconds);
  }

  cudaStream_t stream_;
  Event begin_ = make_event(true), end_ = make_event(true);
};

void tell(const OnPhase& on_phase, const char* phase) {
  if (on_phase) on_phase(phase);
}

/// `seconds_of(times)`: of one run, from so many.
template <typename SecondsOf>
std::vector<double> samples_of(const SecondsOf& seconds_of, const GpuRunSettings& settings,
                               const OnPhase& on_phase) {
  seconds_of(1);  // first use: code is loaded, a graph uploaded
  const double once = seconds_of(2);
  constexpr double kMostRuns = 1000;
  const double wanted = once > 0 ? std::ceil(settings.sample_seconds / once) : 1;
  const int times = static_cast<int>(std::clamp(wanted, 1.0, kMostRuns));
  seconds_of(times);  // the clocks rise
  tell(on_phase, "warm");
  std::vector<double> seconds;
  for (int i = 0; i < settings.repeat; ++i) {
    seconds.push_back(seconds_of(times));
    tell(on_phase, "sampled");
  }
  return seconds;
}

std::vector<double> sample(const Launches& launches, cudaStream_t stream,
                           const GpuRunSettings& settings, const OnPhase& on_phase) {
  Stopwatch stopwatch(stream);
  return samples_of([&](int times) { return stopwatch.seconds(launches, times); }, settings,
                    on_phase);
}

/// Seconds of a step of a run that waits by itself, by the host's clock.
std::vector<double> sample_waiting(const GpuWork& work, const GpuRunSettings& settings,
                                   const OnPhase& on_phase) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_of = [&](int times) {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < times; ++i) work.run();
    return std::chrono::duration<double>(Clock::now() - begin).count() / times;
  };
  std::vector<double> seconds = samples_of(seconds_of, settings, on_phase);
  for (double& s : seconds) s /= work.waited_steps;
  return seconds;
}

void measure(GpuRow& row, const GpuWork& work, DeviceContext& context,
             const GpuRunSettings& settings, const OnPhase& on_phase) {
  if (work.model_bytes > 0) row.demand.bytes = work.model_bytes;
  row.tolerance = work.tolerance;
  if (work.error) {
    row.error = work.error();
    if (!(*row.error <= work.tolerance)) {
      row.failed = fmt::format("differs from double precision by {:.2g}; {:.2g} is allowed",
                               *row.error, work.tolerance);
    }
  }
  tell(on_phase, "checked");
  if (work.facts) row.facts = work.facts();
  if (!row.failed.empty()) return;
  tell(on_phase, "told");
  row.samples = time_work(work, context, settings, on_phase);
}

/// The graphs of one work, or why there are none.
struct Graphs {
  GraphExec before, run;
  std::string refused;
};

Graphs capture(const GpuWork& work, cudaStream_t stream) {
  Graphs graphs;
  if (!work.capturable) {
    graphs.refused = "cannot be captured";
    return graphs;
  }
  try {
    // Relaxed: cuDNN may make calls that another capture forbids.
    constexpr cudaStreamCaptureMode kMode = cudaStreamCaptureModeRelaxed;
    if (work.before) graphs.before = capture_graph(stream, work.before, kMode);
    graphs.run = capture_graph(stream, work.run, kMode);
  } catch (const DeviceError& error) {
    graphs.refused = error.what();
  }
  return graphs;
}

}  // namespace

Samples time_work(const GpuWork& work, DeviceContext& context, const GpuRunSettings& settings,
                  const OnPhase& on_phase) {
  const cudaStream_t stream = context.stream();
  const Launches launches{work.before, work.run};
  Samples samples;
  if (work.waited_steps > 0) {
    samples.stream = sample_waiting(work, settings, on_phase);
    samples.no_graph = "has a stream and graphs of its own; timed by the host's clock";
    return samples;
  }
  if (settings.graph_only) {
    Stopwatch(stream).seconds(launches, 1);  // first use: what may not happen in a capture
  } else {
    samples.stream = sample(launches, stream, settings, on_phase);
  }
  const Graphs graphs = capture(work, stream);
  samples.no_graph = graphs.refused;
  if (!graphs.refused.empty()) {
    if (settings.graph_only) samples.stream = sample(launches, stream, settings, on_phase);
    return samples;
  }
  const auto replay = [stream](const GraphExec& graph) {
    return [&graph, stream] { check(cudaGraphLaunch(graph.get(), stream), "cudaGraphLaunch"); };
  };
  Launches replays;
  if (work.before) replays.before = replay(graphs.before);
  replays.run = replay(graphs.run);
  samples.graph = sample(replays, stream, settings, on_phase);
  return samples;
}

GpuRow run_case(const GpuCase& gpu_case, DeviceContext& context, const GpuRunSettings& settings,
                const ReadClocks& read_clocks, const OnPhase& on_phase) {
  GpuRow row = row_of(gpu_case);
  try {
    const GpuWork work = gpu_case.make(context);
    tell(on_phase, "made");
    measure(row, work, context, settings, on_phase);
    if (read_clocks && !row.samples.empty()) row.clocks = read_clocks();
  } catch (const NotSupportedError& error) {
    row.refused = error.what();
  } catch (const std::exception& error) {
    row.failed = error.what();
  }
  return row;
}

RateRow run_rate(const RateCase& rate, DeviceContext& context, const GpuRunSettings& settings,
                 const OnPhase& on_phase) {
  RateRow row{rate.name, rate.unit, rate.work, {}, {}};
  try {
    const GpuWork work = rate.make(context);
    tell(on_phase, "made");
    if (work.facts) row.facts = work.facts();
    row.samples = time_work(work, context, settings, on_phase);
  } catch (const std::exception& error) {
    row.failed = error.what();
  }
  return row;
}

}  // namespace sluice::bench
