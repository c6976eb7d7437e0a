// A build of the CUDA engine alone (SLUICE_GPU_ONLY) has no CPU engine to measure.
#include "commands.hpp"

namespace sluice::bench {

void add_cpu_command(CLI::App&) {}

}  // namespace sluice::bench
