#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "commands.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

/// A file that gets the number of a closed standard stream would get what is printed, too.
void occupy_standard_streams() {
  for (int number = 0; number >= 0 && number <= STDERR_FILENO;) {
    number = ::open("/dev/null", O_RDWR);
    if (number > STDERR_FILENO) ::close(number);
  }
}

int fail(const char* what, int status) {
  std::fputs(fmt::format("sluice-bench: {}\n", what).c_str(), stderr);
  return status;
}

}  // namespace

CLI::Validator seconds_in(double least, double most) {
  const CLI::Validator number(
      [](const std::string& text) {
        return std::isnan(std::strtod(text.c_str(), nullptr)) ? text + " is no number of seconds"
                                                              : std::string();
      },
      "");
  return CLI::Range(least, most) & number;
}

int run_program(int argc, char** argv, const std::function<void(CLI::App&)>& add) {
  occupy_standard_streams();
  CLI::App app("Measures parts of Sluice: medians over samples.");
  app.require_subcommand(1);
  add(app);
  try {
    app.parse(argc, argv);
    if (std::fflush(stdout) != 0) {
      return fail(
          "standard output cannot be written; is its disk full? --jsonl and --json keep all", 1);
    }
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // as for any wrong setting
  } catch (const Error& error) {
    return fail(error.what(), error.exit_code());
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}

}  // namespace sluice::bench
