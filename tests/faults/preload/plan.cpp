// Without the C++ library's containers: the allocations that they make would be met by the faults.
#include "faults/preload/plan.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace faults {
namespace {

constexpr int kDescriptors = 1024;
constexpr std::size_t kPath = 512, kName = 32;

struct Word {
  const char* text;
  int number;
};
constexpr Word kErrors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EACCES", EACCES}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR},
                            {"EROFS", EROFS},   {"EMFILE", EMFILE}, {"ENOLCK", ENOLCK}, {"EXDEV", EXDEV},   {"ENOENT", ENOENT}};
constexpr Word kSignals[] = {{"SIGTERM", SIGTERM}, {"SIGINT", SIGINT}, {"SIGHUP", SIGHUP}};

enum class Act { none, fail, half, end, kill, kill_after, torn, signal };

struct Plan {
  char folder[kPath] = {};
  long at = 0;
  Act act = Act::none;
  int number = 0;  ///< errno or signal
  bool ever = false;
  char only_name[kName] = {}, only_ending[kPath] = {};  ///< empty: all calls
  long allocation = 0;
  bool all_allocations = false;
  long moment = 0;  ///< microseconds; 0: none
  int trace = -1;
};
Plan plan;
std::atomic<long> asked = 0, allocations = 0;
std::atomic<bool> in_main = false;
long begun = 0;  ///< microseconds()
char met_name[kName];  ///< of the call that met its fate: the name that `ever` means
std::atomic<bool> met = false;
char paths[kDescriptors][kPath];
std::atomic<bool> known[kDescriptors];

int number_of(const char* text, const Word* words, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (std::strcmp(text, words[i].text) == 0) return words[i].number;
  }
  return 0;
}

[[noreturn]] void refuse(const char* variable) {
  std::fprintf(stderr, "faults: %s is not understood\n", variable);
  std::_Exit(99);
}

void read_call(const char* text) {
  char what[kName] = {}, ever[kName] = {};
  const int read = std::sscanf(text, "%ld:%31[A-Za-z_]:%31s", &plan.at, what, ever);
  if (read < 2 || (read == 3 && std::strcmp(ever, "ever") != 0)) refuse("FAULTS_CALL");
  plan.ever = read == 3;
  if ((plan.number = number_of(what, kErrors, std::size(kErrors))) != 0) {
    plan.act = Act::fail;
  } else if ((plan.number = number_of(what, kSignals, std::size(kSignals))) != 0) {
    plan.act = Act::signal;
  } else {
    constexpr struct {
      const char* text;
      Act act;
    } kActs[] = {{"short", Act::half}, {"end", Act::end}, {"KILL", Act::kill}, {"KILL_AFTER", Act::kill_after}, {"TORN", Act::torn}};
    for (const auto& one : kActs) {
      if (std::strcmp(what, one.text) == 0) plan.act = one.act;
    }
    if (plan.act == Act::none) refuse("FAULTS_CALL");
  }
}

/// Whether FAULTS_ONLY means the call.
bool is_asked(const char* name, const char* path) {
  if (plan.only_name[0] == '\0') return true;
  const std::size_t length = std::strlen(path), ending = std::strlen(plan.only_ending);
  return std::strcmp(name, plan.only_name) == 0 && length >= ending && std::strcmp(path + length - ending, plan.only_ending) == 0;
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

bool is_below(const char* path) {
  const std::size_t length = std::strlen(plan.folder);
  if (length == 0) return false;
  if (path[0] == '/') return std::strncmp(path, plan.folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
  char working[kPath];
  if (::getcwd(working, sizeof working) == nullptr) return false;
  return std::strncmp(working, plan.folder, length) == 0;
}

long microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1'000;
}

/// Whether the faults are another process's.
bool is_of_another_rank() {
  const char *asked = std::getenv("FAULTS_RANK"), *own = std::getenv("OMPI_COMM_WORLD_RANK");
  return asked != nullptr && (own == nullptr || std::strcmp(asked, own) != 0);
}

void read_plan() {
  if (const char* folder = std::getenv("FAULTS_FOLDER")) std::snprintf(plan.folder, sizeof plan.folder, "%s", folder);
  if (const char* call = std::getenv("FAULTS_CALL")) read_call(call);
  if (const char* only = std::getenv("FAULTS_ONLY")) {
    if (std::sscanf(only, "%31s %511s", plan.only_name, plan.only_ending) != 2) refuse("FAULTS_ONLY");
  }
  if (const char* memory = std::getenv("FAULTS_MEMORY")) {
    char ever[kName] = {};
    const int read = std::sscanf(memory, "%ld:%31s", &plan.allocation, ever);
    if (read < 1 || (read == 2 && std::strcmp(ever, "ever") != 0)) refuse("FAULTS_MEMORY");
    plan.all_allocations = read == 2;
  }
  if (const char* moment = std::getenv("FAULTS_MOMENT")) {
    if (std::sscanf(moment, "%ld", &plan.moment) != 1 || plan.moment <= 0) refuse("FAULTS_MOMENT");
  }
  if (const char* trace = std::getenv("FAULTS_TRACE")) {
    plan.trace = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
    if (plan.trace < 0) refuse("FAULTS_TRACE");
  }
}

__attribute__((constructor)) void begin() {
  if (!is_of_another_rank()) read_plan();
  for (const char* name : {"LD_PRELOAD", "FAULTS_FOLDER", "FAULTS_CALL", "FAULTS_ONLY", "FAULTS_MEMORY", "FAULTS_MOMENT", "FAULTS_RANK",
                           "FAULTS_TRACE"}) {
    ::unsetenv(name);
  }
}

void trace(const char* line, int length) {
  if (plan.trace >= 0 && length > 0) ::syscall(SYS_write, plan.trace, line, static_cast<std::size_t>(length));
}

__attribute__((destructor)) void finish() {
  char line[64];
  trace(line, std::snprintf(line, sizeof line, "end %ld %ld\n", allocations.load(), microseconds() - begun));
}

}  // namespace

Fate meet(const char* name, const char* path) {
  const int before = errno;
  if (path == nullptr || !is_below(path)) {
    errno = before;
    return {};
  }
  char line[kPath + 96];
  const int length = std::snprintf(line, sizeof line, "%s %ld %s\n", name, allocations.load(), path);
  trace(line, length);
  errno = before;
  if (!is_asked(name, path)) return {};
  const long number = ++asked;
  const bool later = plan.ever && met && number > plan.at && std::strcmp(name, met_name) == 0;
  if (number != plan.at && !later) return {};
  if (number == plan.at) {
    std::snprintf(met_name, sizeof met_name, "%s", name);
    met = true;
  }
  switch (plan.act) {
    case Act::none: return {};
    case Act::fail: return {.error = plan.number};
    case Act::half: return {.half = true};
    case Act::end: return {.end = true};
    case Act::kill: die();
    case Act::kill_after: return {.kill_after = true};
    case Act::torn: return {.half = true, .kill_after = true};
    case Act::signal: ::kill(::getpid(), plan.number); errno = before; return {};
  }
  return {};
}

Fate meet(const char* name, int descriptor) {
  if (descriptor < 0 || descriptor >= kDescriptors || !known[descriptor]) return {};
  return meet(name, paths[descriptor]);
}

void after(Fate fate) {
  if (fate.kill_after) die();
}

void remember(int descriptor, const char* path) {
  if (descriptor < 0 || descriptor >= kDescriptors || path == nullptr || !is_below(path)) return;
  std::snprintf(paths[descriptor], kPath, "%s", path);
  known[descriptor] = true;
}

void forget(int descriptor) {
  if (descriptor >= 0 && descriptor < kDescriptors) known[descriptor] = false;
}

void main_begins() {
  begun = microseconds();
  if (plan.moment > 0) {
    std::signal(SIGALRM, [](int) { die(); });
    constexpr long kSecond = 1'000'000;
    const itimerval at{.it_interval = {}, .it_value = {plan.moment / kSecond, plan.moment % kSecond}};
    ::setitimer(ITIMER_REAL, &at, nullptr);
  }
  in_main = true;
}

bool allocation_fails() {
  if (!in_main) return false;
  const long number = ++allocations;
  return number == plan.allocation || (plan.all_allocations && plan.allocation > 0 && number > plan.allocation);
}

}  // namespace faults
