#include "base/wait_passively.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
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
/// another program and says what it likes. Without memory of its own: nothing catches its lack
/// here.
bool are_of_process(char** argv) {
  if (argv == nullptr) return false;
  const int file = ::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;  // then the start fails, too, which is said
  char** argument = argv;
  const char* at = *argument;
  bool same = true;
  std::array<char, 4096> given;
  for (ssize_t size; same && (size = ::read(file, given.data(), given.size())) > 0;) {
    for (ssize_t i = 0; same && i < size; ++i) {
      const char byte = given[static_cast<std::size_t>(i)];
      same = at != nullptr && *at == byte;
      if (!same) break;
      at = byte == '\0' ? *++argument : at + 1;
    }
  }
  ::close(file);
  return same && *argument == nullptr;
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
