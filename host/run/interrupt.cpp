#include "run/interrupt.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <span>
#include <system_error>
#include <thread>
#include <vector>

#include "base/ranks/ranks.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

// Atomic in sequence: a handler may still run while its guard ends in another thread. Then either
// who looks at `flag` after the guard's end sees it, or the handler sees that `noting` is over.
std::atomic<bool> flag = false, noting = false;
std::atomic<bool> agreed = false;  ///< what all ranks know of each other's flags
static_assert(std::atomic<bool>::is_always_lock_free);  // for the handler
volatile std::int64_t flagged_at =
    0;  // read and written by the handler alone, which is blocked in itself
int guards = 0;
struct sigaction before_int, before_term, before_hup;

std::int64_t milliseconds_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

extern "C" void note_signal(int number) {
  constexpr std::int64_t kOneWish = 1000;
  if (!flag) {
    flagged_at = milliseconds_now();
    flag = true;
    if (!noting) kill(getpid(), number);
    return;
  }
  // timeout(1) sends its signal to the program and to its group, a terminal that is closed sends
  // SIGHUP more than once: what comes together is one wish.
  if (number == SIGHUP || milliseconds_now() - flagged_at < kOneWish) return;
  std::signal(number, SIG_DFL);
  kill(getpid(), number);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (guards++ > 0) return;
  flag = agreed = false;
  noting = true;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGTERM);
  sigaddset(&action.sa_mask, SIGHUP);
  sigaction(SIGINT, &action, &before_int);
  sigaction(SIGTERM, &action, &before_term);
  sigaction(SIGHUP, nullptr, &before_hup);
  // Under nohup it stays ignored.
  if (before_hup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

InterruptGuard::~InterruptGuard() {
  if (--guards > 0) return;
  sigaction(SIGINT, &before_int, nullptr);
  sigaction(SIGTERM, &before_term, nullptr);
  sigaction(SIGHUP, &before_hup, nullptr);
  noting = false;
}

void keep_interrupts_off_this_thread() {
  sigset_t both;
  sigemptyset(&both);
  sigaddset(&both, SIGINT);
  sigaddset(&both, SIGTERM);
  sigaddset(&both, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &both, nullptr);
  try {
    std::thread([both] {
      pthread_sigmask(SIG_UNBLOCK, &both, nullptr);
      for (;;) pause();
    }).detach();
  } catch (const std::system_error& error) {
    throw DeviceError(
        fmt::format("no thread can be started ({}); allow more threads or memory (ulimit -u, "
                    "ulimit -v, the container's limits)",
                    error.code().message()));
  }
}

bool InterruptGuard::requested() { return ranks().size() > 1 ? agreed : flag; }

void InterruptGuard::agree() {
  std::vector<std::byte> flags(static_cast<std::size_t>(ranks().size()));
  const auto own = static_cast<std::byte>(flag.load());
  ranks().gather_all(std::span(&own, 1), flags);
  agreed = std::ranges::count(flags, std::byte{0}) < std::ssize(flags);
}

}  // namespace sluice
