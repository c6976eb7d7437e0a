#include <fmt/format.h>

#include <cstdio>

#include "commands.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {

int run_program(int argc, char** argv, const std::function<void(CLI::App&)>& add) {
  CLI::App app("Measures parts of Sluice: medians over samples.");
  app.require_subcommand(1);
  add(app);
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

}  // namespace sluice::bench
