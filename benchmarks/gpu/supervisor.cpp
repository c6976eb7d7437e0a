#include "gpu/supervisor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "gpu/pipe.hpp"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// A context on a machine of eight cards without persistence mode takes many seconds.
constexpr Seconds kMostToBeReady{60};
/// The budget bounds that, but not below what a worker takes when all is well.
constexpr Seconds kLeastToBeReady{5};
/// For a worker that has closed its pipe to end by itself, so that its status can be told.
constexpr std::chrono::milliseconds kGrace{2000};
constexpr int kMostStarts = 2;

class Supervisor {
 public:
  Supervisor(const Supervision& supervision, const Listener& listener)
      : supervision_(supervision), listener_(listener) {}

  Ending run(std::span<const std::string> names) {
    for (const std::string& name : names) {
      if (left_of_budget() <= Seconds(0)) ending_.stopped = "budget";
      if (ending_.stopped.empty() && !worker_) start();
      if (!ending_.stopped.empty() || !ending_.no_device.empty()) break;
      listener_.begin(name);
      if (!measure(name)) break;
      ++ending_.done;
    }
    ending_.left = static_cast<int>(std::ssize(names)) - ending_.done;
    ending_.seconds = Seconds(Clock::now() - begin_).count();
    return ending_;
  }

 private:
  Seconds left_of_budget() const {
    if (supervision_.budget <= 0) return Seconds::max();
    return Seconds(supervision_.budget) - (Clock::now() - begin_);
  }

  /// One line of the worker, or nothing and the reason: why_, or ending_.stopped.
  std::optional<Line> hear(Seconds most) {
    std::string text;
    switch (worker_->wait(text, most, interrupts_)) {
      case Process::Event::line:
        if (Line line = Line::parse(text, nullptr, false); line.is_object()) return line;
        why_ = "worker wrote what is no line: " + text;
        break;
      case Process::Event::silence:
        why_ = fmt::format("silent for {:.3g} s", most.count());
        break;
      case Process::Event::ended:
        why_ = "worker died: " + worker_->end(kGrace);
        break;
      case Process::Event::interrupt:
        ending_.stopped = fmt::format("signal {}", interrupts_.taken());
        break;
    }
    worker_.reset();
    return {};
  }

  /// A worker that is ready, or a reason in ending_.
  void start() {
    const Seconds most = std::max(kMostToBeReady, Seconds(supervision_.case_timeout));
    for (int starts = 0; starts < kMostStarts && left_of_budget() > Seconds(0); ++starts) {
      worker_.emplace(supervision_.worker);
      const auto line = hear(std::clamp(left_of_budget(), kLeastToBeReady, most));
      if (!ending_.stopped.empty()) return;
      if (line && line->value("kind", "") == "machine") {
        if (!std::exchange(machine_told_, true)) listener_.take(*line);
        return;
      }
      if (line) why_ = line->value("reason", line->dump());
      worker_.reset();
    }
    ending_.no_device = why_;
  }

  /// Whether the run goes on.
  bool measure(const std::string& name) {
    worker_->send(name);
    while (true) {
      std::optional<Line> line = hear(Seconds(supervision_.case_timeout));
      if (!ending_.stopped.empty()) return false;
      if (!line) {
        listener_.take(lost_line(name, why_));
        return true;
      }
      if (line->value("kind", "") == "phase") continue;
      const bool last = line->value("last", false);
      line->erase("last");
      if (last) {
        worker_->end(kGrace);
        worker_.reset();
      }
      listener_.take(*line);
      return true;
    }
  }

  const Supervision& supervision_;
  const Listener& listener_;
  Interrupts interrupts_;
  const Clock::time_point begin_ = Clock::now();
  std::optional<Process> worker_;
  Ending ending_;
  std::string why_;
  bool machine_told_ = false;
};

}  // namespace

Ending supervise(std::span<const std::string> names, const Supervision& supervision,
                 const Listener& listener) {
  return Supervisor(supervision, listener).run(names);
}

}  // namespace sluice::bench
