#include "run/training/interrupt.hpp"

#include <csignal>

namespace sluice {
namespace {

volatile std::sig_atomic_t flag = 0;
struct sigaction before_int, before_term;

extern "C" void note_signal(int number) {
  flag = 1;
  std::signal(number, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  flag = 0;
  struct sigaction action = {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_int);
  sigaction(SIGTERM, &action, &before_term);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &before_int, nullptr);
  sigaction(SIGTERM, &before_term, nullptr);
}

bool InterruptGuard::requested() { return flag != 0; }

}  // namespace sluice
