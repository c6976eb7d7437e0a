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

/// Has SIGINT and SIGTERM delivered to a thread of their own, and neither to this thread nor to
/// those that it starts later; what they do stays as it is. For the beginning of main(): a signal
/// that met a thread inside one of oneDNN's products was seen to overwrite the heap.
void keep_interrupts_off_this_thread();

}  // namespace sluice
