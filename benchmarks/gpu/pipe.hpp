// A process at the other end of two pipes, which may hang, die or fall silent: lines to its
// standard input, lines from its descriptor kAnswers. POSIX, no device.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace sluice::bench {

/// What the process writes its lines to: its standard output belongs to whoever prints.
constexpr int kAnswers = 3;

/// A descriptor that is closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  int get() const { return number_; }
  void reset(int number = -1);

 private:
  int release() {
    const int number = number_;
    number_ = -1;
    return number;
  }
  int number_ = -1;
};

/// SIGINT, SIGTERM and SIGHUP as something to wait for beside a pipe, while this lives; those that
/// the program was started to ignore (nohup) stay ignored. SIGPIPE is ignored: a process that has
/// ended does not end the one that writes to it.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  int descriptor() const { return descriptor_.get(); }
  /// The signal that has come, or 0. Does not wait.
  int taken();

 private:
  void (*pipe_before_)(int);
  sigset_t before_{};
  Descriptor descriptor_;
};

class Process {
 public:
  /// Starts this program again, in a process group of its own, with `arguments`. Throws DeviceError
  /// where the system has no process or pipe left.
  explicit Process(const std::vector<std::string>& arguments);
  /// Ends the group.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// A process that has ended shows in the next wait().
  void send(const std::string& line);

  enum class Event { line, silence, ended, interrupt };
  /// Waits until there is a line (without its newline, in `line`), the process has closed its side,
  /// a signal has come, or `most` has passed.
  Event wait(std::string& line, std::chrono::duration<double> most, const Interrupts& interrupts);

  /// SIGKILL to the group, unless the process ends by itself within `grace`; then how it ended:
  /// "signal 11", "status 4". What the kernel cannot end within seconds (it waits inside a driver)
  /// is left to itself. Blocks.
  std::string end(std::chrono::milliseconds grace = {});

 private:
  pid_t process_ = 0;
  Descriptor to_, from_;
  std::string unread_;
};

}  // namespace sluice::bench
