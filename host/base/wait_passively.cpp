#include "base/wait_passively.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "sluice/base/log.hpp"

namespace sluice {
namespace {

constexpr const char* kPolicy = "OMP_WAIT_POLICY";
constexpr const char* kSpins = "GOMP_SPINCOUNT";
/// Tells the program that was started again whose policy it is.
constexpr const char* kOurs = "SLUICE_SET_OMP_WAIT_POLICY";
/// Some microseconds: the next parallel region of a step often begins sooner than a thread could
/// fall asleep and be woken.
constexpr const char* kFewSpins = "1000";

bool set(const char* name, const char* value) { return ::setenv(name, value, 1) == 0; }

/// Whether the process was started with these arguments, and not a host of the library, which is
/// another program and says what it likes.
bool are_of_process(char** argv) {
  if (argv == nullptr) return false;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string given{std::istreambuf_iterator<char>(file), {}};
  std::string here;
  for (char** argument = argv; *argument != nullptr; ++argument) {
    here.append(*argument).push_back('\0');
  }
  return given == here || !file.is_open();  // else the start fails, too, which is said
}

}  // namespace

void wait_passively(char** argv) {
  if (std::getenv(kPolicy) || std::getenv(kSpins) || !are_of_process(argv)) return;
  if (!set(kPolicy, "passive") || !set(kSpins, kFewSpins) || !set(kOurs, "1")) return;
  ::execv("/proc/self/exe", argv);
  log_warning("cannot start itself again with OMP_WAIT_POLICY=passive; set it before the start");
}

std::vector<std::string> environment_of_user() {
  const bool ours = std::getenv(kOurs) != nullptr;
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view name =
        std::string_view(*variable).substr(0, std::string_view(*variable).find('='));
    if (!ours || (name != kPolicy && name != kSpins && name != kOurs)) {
      variables.emplace_back(*variable);
    }
  }
  return variables;
}

}  // namespace sluice
