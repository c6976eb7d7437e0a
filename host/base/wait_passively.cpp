#include "base/wait_passively.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "sluice/base/log.hpp"

namespace sluice {
namespace {

constexpr const char* kPolicy = "OMP_WAIT_POLICY";
/// Tells the program that was started again whose policy it is.
constexpr const char* kOurs = "SLUICE_SET_OMP_WAIT_POLICY";

}  // namespace

void wait_passively(char** argv) {
  if (std::getenv(kPolicy) || std::getenv("GOMP_SPINCOUNT")) return;
  if (::setenv(kPolicy, "passive", 1) != 0 || ::setenv(kOurs, "1", 1) != 0) return;
  ::execv("/proc/self/exe", argv);
  log_warning("cannot start itself again with OMP_WAIT_POLICY=passive; set it before the start");
}

std::vector<std::string> environment_of_user() {
  const bool ours = std::getenv(kOurs) != nullptr;
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view name =
        std::string_view(*variable).substr(0, std::string_view(*variable).find('='));
    if (!ours || (name != kPolicy && name != kOurs)) variables.emplace_back(*variable);
  }
  return variables;
}

}  // namespace sluice
