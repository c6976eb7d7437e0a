// Runs cases on the device: parity, warm-up, samples by CUDA events, first launched one by one and
// then replayed from a graph.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/context.hpp"
#include "gpu/bench.hpp"
#include "gpu/rows.hpp"

namespace sluice::bench {

struct GpuRunSettings {
  int repeat = 21;                ///< samples of each way of launching
  double sample_seconds = 0.005;  ///< least duration of a sample; a short run is repeated
  /// Only replayed from a graph; what cannot be captured is launched one by one and says so.
  bool graph_only = false;
};

/// Told that the case at hand lives: "made", "checked", "told" (its facts), "warm", and "sampled"
/// after each sample.
using OnPhase = std::function<void(const char* phase)>;

/// Blocks. Throws what the work throws; a capture that is refused is Samples::no_graph.
Samples time_work(const GpuWork& work, DeviceContext& context, const GpuRunSettings& settings,
                  const OnPhase& on_phase = {});

/// Reads the clocks now, or nothing where there is no way to.
using ReadClocks = std::function<std::optional<ClockReading>()>;

/// The case's row, whatever happens: `refused` if something throws NotSupportedError, `failed` if
/// the error is above the tolerance or anything else is thrown. Blocks.
GpuRow run_case(const GpuCase& gpu_case, DeviceContext& context, const GpuRunSettings& settings,
                const ReadClocks& read_clocks = {}, const OnPhase& on_phase = {});
RateRow run_rate(const RateCase& rate, DeviceContext& context, const GpuRunSettings& settings,
                 const OnPhase& on_phase = {});

}  // namespace sluice::bench
