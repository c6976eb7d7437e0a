// The C library's allocations, which operator new and every library's use: counted from main on, and one of them, or all from
// one on, without memory.
//
// A crash tells which library made it: some of them do not look whether they got memory.
#include <dlfcn.h>
#include <execinfo.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "faults/preload/plan.hpp"

extern "C" {

// The true ones, by the names that glibc gives them for this.
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

__attribute__((visibility("default"))) void* malloc(size_t size) {
  if (!faults::allocation_fails()) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}
__attribute__((visibility("default"))) void* calloc(size_t count, size_t size) {
  if (!faults::allocation_fails()) return __libc_calloc(count, size);
  errno = ENOMEM;
  return nullptr;
}
__attribute__((visibility("default"))) void* realloc(void* old, size_t size) {
  if (size == 0 || !faults::allocation_fails()) return __libc_realloc(old, size);
  errno = ENOMEM;
  return nullptr;
}
__attribute__((visibility("default"))) void* memalign(size_t alignment, size_t size) {
  if (!faults::allocation_fails()) return __libc_memalign(alignment, size);
  errno = ENOMEM;
  return nullptr;
}
__attribute__((visibility("default"))) void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
__attribute__((visibility("default"))) int posix_memalign(void** to, size_t alignment, size_t size) {
  if (faults::allocation_fails()) return ENOMEM;
  *to = __libc_memalign(alignment, size);
  return *to == nullptr ? ENOMEM : 0;
}

using Main = int (*)(int, char**, char**);
namespace {
Main true_main;
char signal_stack[1 << 16];

void say(const char* text) { [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, text, std::strlen(text)); }

/// "faults: crashed in /usr/lib/libdnnl.so.2": the innermost function that is neither the C library's nor of this one.
void tell_crash(int number) {
  constexpr int kFrames = 48;
  void* frames[kFrames];
  const int count = ::backtrace(frames, kFrames);
  const char* where = "nowhere that is known";
  for (int i = 0; i < count; ++i) {
    Dl_info about{};
    if (::dladdr(frames[i], &about) == 0 || std::strstr(about.dli_fname, "/libc.so") != nullptr ||
        std::strstr(about.dli_fname, "sluice_faults") != nullptr) {
      continue;
    }
    where = about.dli_fname;
    break;
  }
  for (const char* text : {"faults: crashed in ", where, "\n"}) say(text);
  if (std::getenv("FAULTS_FRAMES") != nullptr) ::backtrace_symbols_fd(frames, count, STDERR_FILENO);
  std::signal(number, SIG_DFL);
  ::kill(::getpid(), number);
}

void watch_crashes() {
  void* frame[1];
  ::backtrace(frame, 1);  // what it needs is loaded now
  stack_t stack{};
  stack.ss_sp = signal_stack;
  stack.ss_size = sizeof signal_stack;
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_handler = tell_crash;
  action.sa_flags = SA_ONSTACK | SA_RESETHAND;
  for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE}) ::sigaction(number, &action, nullptr);
}

int counted_main(int count, char** arguments, char** environment) {
  watch_crashes();
  faults::main_begins();
  return true_main(count, arguments, environment);
}
}  // namespace

__attribute__((visibility("default"))) int __libc_start_main(Main main, int count, char** arguments, void (*init)(),
                                                             void (*fini)(), void (*loader_fini)(), void* stack_end) {
  true_main = main;
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto start = reinterpret_cast<Start>(::dlsym(RTLD_NEXT, "__libc_start_main"));
  return start(counted_main, count, arguments, init, fini, loader_fini, stack_end);
}

}  // extern "C"
