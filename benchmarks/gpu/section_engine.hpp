// Cases of whole CUDA engines, beside engine_cases() in bench.hpp: for the tests, at sizes of their
// own.
#pragma once

#include <string>
#include <vector>

#include "gpu/bench.hpp"
#include "sluice/model/precision.hpp"
#include "sluice/model/spec.hpp"

namespace sluice::bench {

/// A model and a made-up catalogue of `series` series of `length` steps each, with the channels
/// that the model wants.
struct EngineJob {
  ModelSpec spec;
  int batch = 1, series = 1, length = 1;
  /// The engine gets so little memory that the catalogue stays on the host. The workspace of a step
  /// must fit beside less than twice the catalogue.
  bool streamed = false;
  int steps = 4;  ///< of one run, after which the host waits
};

/// "engine/fused_mma/bf16/train/..." and ".../forward/...", a forecast.
GpuCase engine_case(const EngineJob& job, const std::string& recurrence, Precision precision,
                    Phase phase);

}  // namespace sluice::bench
