// SIGINT and SIGTERM while a training runs: noted, not obeyed at once, so that the state can be
// saved first.
#pragma once

namespace sluice {

/// While it lives, the first signal only sets a flag; a second one ends the process as usual.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  static bool requested();
};

}  // namespace sluice
