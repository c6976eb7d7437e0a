#include "gpu/run.hpp"

#include <fmt/format.h>

#include <algorithm>
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

std::vector<double> sample(const Launches& launches, cudaStream_t stream,
                           const GpuRunSettings& settings) {
  Stopwatch stopwatch(stream);
  stopwatch.seconds(launches, 1);  // first use: code is loaded, a graph uploaded
  const double once = stopwatch.seconds(launches, 2);
  constexpr double kMostRuns = 1000;
  const double wanted = once > 0 ? std::ceil(settings.sample_seconds / once) : 1;
  const int times = static_cast<int>(std::clamp(wanted, 1.0, kMostRuns));
  stopwatch.seconds(launches, times);  // the clocks rise
  std::vector<double> seconds;
  for (int i = 0; i < settings.repeat; ++i) seconds.push_back(stopwatch.seconds(launches, times));
  return seconds;
}

GpuRow row_of(const GpuCase& c) {
  GpuRow row;
  row.name = name_of(c);
  row.section = c.section, row.method = c.method, row.number = c.number, row.phase = c.phase;
  row.shape = c.shape;
  row.demand = demand_of(c.shape, c.phase, c.number);
  return row;
}

void measure(GpuRow& row, const GpuWork& work, DeviceContext& context,
             const GpuRunSettings& settings, const ReadClocks& read_clocks) {
  if (work.model_bytes > 0) row.demand.bytes = work.model_bytes;
  row.tolerance = work.tolerance;
  if (work.error) {
    row.error = work.error();
    if (!(*row.error <= work.tolerance)) {
      row.failed = fmt::format("differs from double precision by {:.2g}; {:.2g} is allowed",
                               *row.error, work.tolerance);
      return;
    }
  }
  row.samples = time_work(work, context, settings);
  if (read_clocks) row.clocks = read_clocks();
}

}  // namespace

Samples time_work(const GpuWork& work, DeviceContext& context, const GpuRunSettings& settings) {
  const cudaStream_t stream = context.stream();
  Samples samples;
  samples.stream = sample({work.before, work.run}, stream, settings);
  if (!work.capturable) {
    samples.no_graph = "cannot be captured";
    return samples;
  }
  GraphExec before, run;
  try {
    // Relaxed: cuDNN may make calls that another capture forbids.
    constexpr cudaStreamCaptureMode kMode = cudaStreamCaptureModeRelaxed;
    if (work.before) before = capture_graph(stream, work.before, kMode);
    run = capture_graph(stream, work.run, kMode);
  } catch (const DeviceError& error) {
    samples.no_graph = error.what();
    return samples;
  }
  const auto replay = [stream](const GraphExec& graph) {
    return [&graph, stream] { check(cudaGraphLaunch(graph.get(), stream), "cudaGraphLaunch"); };
  };
  Launches launches;
  if (work.before) launches.before = replay(before);
  launches.run = replay(run);
  samples.graph = sample(launches, stream, settings);
  return samples;
}

std::vector<GpuRow> run_cases(std::span<const GpuCase> cases, DeviceContext& context,
                              const GpuRunSettings& settings, const ReadClocks& read_clocks,
                              const OnCase& on_case) {
  std::vector<GpuRow> rows;
  for (const GpuCase& c : cases) {
    GpuRow row = row_of(c);
    if (on_case) on_case(row.name);
    GpuWork work;
    try {
      work = c.make(context);
    } catch (const DeviceError& error) {
      row.refused = error.what();
    }
    try {
      if (work.run) measure(row, work, context, settings, read_clocks);
    } catch (const Error& error) {
      row.failed = error.what();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<RateRow> run_rates(std::span<const RateCase> cases, DeviceContext& context,
                               const GpuRunSettings& settings, const OnCase& on_case) {
  std::vector<RateRow> rows;
  for (const RateCase& c : cases) {
    RateRow row{c.name, c.unit, c.work, {}, {}};
    if (on_case) on_case("rate/" + row.name);
    try {
      const GpuWork work = c.make(context);
      row.samples = time_work(work, context, settings);
    } catch (const DeviceError& error) {
      row.failed = error.what();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace sluice::bench
