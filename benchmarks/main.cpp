// sluice-bench: measures parts of Sluice. `sluice-bench cpu` takes some minutes.
#include "base/wait_passively.hpp"
#include "commands.hpp"

int main(int argc, char** argv) {
  sluice::wait_passively(argv);
  return sluice::bench::run_program(argc, argv, [](CLI::App& app) {
    sluice::bench::add_cpu_command(app);
    sluice::bench::add_gpu_command(app);
  });
}
