// `sluice-bench gpu` with the cases that it is given: the tests give it small ones.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

#include "gpu/bench.hpp"

namespace sluice::bench {

/// `cases` gives the same cases in every process (the worker is one of its own) and calls nothing
/// of CUDA.
void add_gpu_command(CLI::App& app, const std::function<std::vector<GpuCase>(bool quick)>& cases);

}  // namespace sluice::bench
