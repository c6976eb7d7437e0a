// Runs cases on the device: parity, warm-up, samples by CUDA events, first launched one by one and
// then replayed from a graph.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "gpu/bench.hpp"
#include "gpu/rows.hpp"

namespace sluice::bench {

struct GpuRunSettings {
  int repeat = 21;                ///< samples of each way of launching
  double sample_seconds = 0.005;  ///< least duration of a sample; a short run is repeated
};

/// Blocks. Throws what the work throws; a capture that is refused is Samples::no_graph.
Samples time_work(const GpuWork& work, DeviceContext& context, const GpuRunSettings& settings);

/// Reads the clocks now, or nothing where there is no way to.
using ReadClocks = std::function<std::optional<ClockReading>()>;
/// Told of each row's name before it is measured.
using OnCase = std::function<void(const std::string&)>;

/// A row a case, in order. A case whose arrays or whose shape are refused, whose error is above the
/// tolerance or that breaks is a row that says so; the others go on.
std::vector<GpuRow> run_cases(std::span<const GpuCase> cases, DeviceContext& context,
                              const GpuRunSettings& settings, const ReadClocks& read_clocks,
                              const OnCase& on_case);
std::vector<RateRow> run_rates(std::span<const RateCase> cases, DeviceContext& context,
                               const GpuRunSettings& settings, const OnCase& on_case);

}  // namespace sluice::bench
