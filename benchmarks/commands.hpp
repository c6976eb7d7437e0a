// The subcommands of sluice-bench. CMake links one source or another for each: what this build has
// no engine for is refused, or is not a subcommand.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace sluice::bench {

/// cpu/command.cpp; in a build of the CUDA engine alone no_cpu.cpp, which adds nothing.
void add_cpu_command(CLI::App& app);
/// gpu/command.cpp; without a CUDA engine no_gpu.cpp, whose command throws DeviceError.
void add_gpu_command(CLI::App& app);

/// Accepts a number between the two; refuses what is no number ("nan").
CLI::Validator seconds_in(double least, double most);

/// Parses and runs the command line with the subcommands that `add` adds; the exit status. An Error
/// becomes a line on standard error and its status; so does standard output that cannot be written
/// (1).
int run_program(int argc, char** argv, const std::function<void(CLI::App&)>& add);

}  // namespace sluice::bench
