// `sluice-bench gpu` in a build without the CUDA engine.
#include "commands.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {

void add_gpu_command(CLI::App& app) {
  CLI::App* gpu = app.add_subcommand("gpu", "the CUDA engine's recurrences (not in this build)");
  gpu->allow_extras();
  gpu->callback([] {
    throw DeviceError(
        "this build has no CUDA engine; install the CUDA toolkit (nvcc), configure again in a new "
        "build folder, and see that CMake says 'Sluice: CUDA compiler'");
  });
}

}  // namespace sluice::bench
