// SIGINT, SIGTERM and SIGHUP while a training runs: noted, not obeyed at once, so that the state
// can be saved first, or the finished model written.
#pragma once

#include <string>

#include "sluice/base/error.hpp"

namespace sluice {

/// As a shell reports Ctrl-C: the job is not done.
constexpr int kInterrupted = 130;

/// A signal ended what has nothing to show for it.
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& message) : Error(message, kInterrupted) {}
};

/// While it lives, the first signal only sets a flag; a SIGINT or SIGTERM that comes a second after
/// it or later ends the process as usual, one that comes sooner is taken for the same wish. SIGHUP
/// is left ignored where it is (nohup). Guards may be nested: the outermost counts. Made and
/// destroyed by one thread.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  /// Whether a signal came, since the outermost guard was made; also after its end, until the next.
  /// On several ranks whether agree() found one.
  static bool requested();
  /// Called by all ranks together (base/ranks): a signal to one of them is one to all. Blocks.
  static void agree();
};

/// Has SIGINT, SIGTERM and SIGHUP delivered to a thread of their own, and none to this thread nor
/// to those that it starts later; what they do stays as it is. For the beginning of main(): a
/// signal that met a thread inside one of oneDNN's products was seen to overwrite the heap.
void keep_interrupts_off_this_thread();

}  // namespace sluice
