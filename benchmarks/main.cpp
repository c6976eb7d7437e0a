// sluice-bench: measures parts of Sluice. `sluice-bench cpu` takes some minutes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/wait_passively.hpp"
#include "commands.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

int main_of(int argc, char** argv) {
  CLI::App app("Measures parts of Sluice: medians over samples.");
  app.require_subcommand(1);
  add_cpu_command(app);
  add_gpu_command(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const Error& error) {
    fmt::print(stderr, "sluice-bench: {}\n", error.what());
    return error.exit_code();
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  sluice::wait_passively(argv);
  return sluice::bench::main_of(argc, argv);
}
