// The subcommands of sluice-bench. CMake links one source or another for each: what this build has
// no engine for is refused, or is not a subcommand.
#pragma once

#include <CLI/CLI.hpp>

namespace sluice::bench {

/// cpu/command.cpp; in a build of the CUDA engine alone no_cpu.cpp, which adds nothing.
void add_cpu_command(CLI::App& app);
/// gpu/gpu_command.cpp; without a CUDA engine no_gpu.cpp, which throws DeviceError.
void add_gpu_command(CLI::App& app);

}  // namespace sluice::bench
