#include "app/several.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "app/output.hpp"
#include "base/ranks/ranks.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::string_view kShared[] = {"train", "forecast", "evaluate", "report"};
constexpr std::string_view kReading[] = {"check", "explain", "info", "devices", "completion"};

/// Long enough for the first rank to find the same mistake, and to end this one.
constexpr std::chrono::seconds kFirstSpeaks{1};

}  // namespace

void join_ranks(std::string_view command) {
  if (std::ranges::find(kShared, command) != std::end(kShared)) return open_ranks();
  if (std::ranges::find(kReading, command) != std::end(kReading)) return;
  const auto launch = find_launch([](const char* name) { return std::getenv(name); });
  if (!launch) return;
  throw ConfigError(fmt::format(
      "sluice {} works in one process, and this one was started as one of {} ({}), which would all "
      "write the same files; start it without mpirun or srun, or inside of such a job without "
      "its variables: env -u {} sluice {}",
      command, launch->size, launch->by, launch->by.substr(0, launch->by.find('=')), command));
}

void check_ranks(bool in_parts, std::string_view path) {
  if (in_parts || ranks().size() == 1) return;
  throw ConfigError(fmt::format(
      "path.forecast = \"{}\" is one file, and this forecast is made by {} processes, which write "
      "parts "
      "of a directory; let it end in / (--path.forecast forecasts/), or start one process, without "
      "mpirun or srun",
      path, ranks().size()));
}

int fail_on_rank(std::string_view message, int exit_code) noexcept {
  Ranks& all = ranks();
  if (all.size() == 1) return fail(message, exit_code);
  if (all.rank() == 0) {
    fail(message, exit_code);
  } else {
    std::this_thread::sleep_for(kFirstSpeaks);
    try {
      char host[256] = {};
      gethostname(host, sizeof host - 1);
      fail(fmt::format("process {} of {}, on {}: {}", all.rank() + 1, all.size(), host, message),
           exit_code);
    } catch (const std::exception&) {
      fail(message, exit_code);
    }
  }
  all.abort(exit_code);
  return exit_code;  // GCC 12 does not know it of a virtual function
}

}  // namespace sluice
