// The worker: a process that measures the cases whose names it is told, on the device.
#pragma once

#include <vector>

#include "gpu/bench.hpp"
#include "gpu/run.hpp"

namespace sluice::bench {

/// Reads a name a line from standard input and answers on kAnswers (pipe.hpp), until the input
/// ends: first the "machine" line (or {"kind": "no_device", "reason"} and the end), then for each
/// name "phase" lines while it lives and a "rate", "case" or "lost" line. One with "last": true is
/// the last of this process: the device answers every call with an error from now on, and only a
/// new process can go on.
void work_off(const std::vector<GpuCase>& cases, const GpuRunSettings& settings);

}  // namespace sluice::bench
