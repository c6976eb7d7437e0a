#include "gpu/worker.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include "gpu/driver.hpp"
#include "gpu/lines.hpp"
#include "gpu/pipe.hpp"
#include "gpu/plan.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;

void answer(const Line& line) {
  const std::string text = text_of(line) + '\n';
  for (std::size_t done = 0; done < text.size();) {
    const auto written = ::write(kAnswers, text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) std::_Exit(EXIT_FAILURE);  // nobody listens any more
    if (written > 0) done += static_cast<std::size_t>(written);
  }
}

/// Tells phases, but not many a second: between samples there should be nothing else.
class Heartbeat {
 public:
  void operator()(const char* phase) {
    constexpr std::chrono::milliseconds kApart{200};
    if (Clock::now() - last_ < kApart) return;
    last_ = Clock::now();
    answer({{"kind", "phase"}, {"phase", phase}});
  }

 private:
  Clock::time_point last_{};
};

GpuMachine machine_of(const DeviceContext& context, const Driver& driver) {
  GpuMachine machine;
  machine.device = context.info();
  machine.driver = driver.version();
  machine.cudnn = cudnn_version();
  machine.compiler = fmt::format("g++ {}", __VERSION__);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  machine.date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
  machine.highest_clocks = driver.highest_clocks().value_or(ClockReading{});
  return machine;
}

class Worker {
 public:
  Worker(const std::vector<GpuCase>& cases, const GpuRunSettings& settings)
      : settings_(settings), rates_(rate_cases(context_.info())) {
    for (const GpuCase& c : cases) cases_.emplace(name_of(c), &c);
    answer(machine_line(machine_of(context_, driver_), settings));
  }

  void measure(const std::string& name) {
    Line line = row_of(name);
    const std::string broken = lasting_error();
    if (broken.empty()) {
      answer(line);
      return;
    }
    if (!line.at("failed").is_null()) {
      line = lost_line(name, "sticky error: " + line.at("failed").get<std::string>());
    }
    line["last"] = true;
    answer(line);
    std::_Exit(EXIT_SUCCESS);  // owners would call a driver that may not come back
  }

 private:
  Line row_of(const std::string& name) {
    if (const auto found = cases_.find(name); found != cases_.end()) {
      return case_line(run_case(
          *found->second, context_, settings_, [this] { return driver_.clocks(); },
          std::ref(heartbeat_)));
    }
    for (const RateCase& rate : rates_) {
      if (name_of(rate) == name) {
        return rate_line(run_rate(rate, context_, settings_, std::ref(heartbeat_)));
      }
    }
    throw InternalError("the benchmark's worker was asked for what it does not have: " + name);
  }

  /// What the device says to the least thing it can be asked; empty if that works.
  std::string lasting_error() {
    try {
      set_zero(scrap_.span(), context_.stream());
      context_.synchronize();
      check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    } catch (const DeviceError& error) {
      return error.what();
    }
    return {};
  }

  GpuRunSettings settings_;
  DeviceContext context_;
  Driver driver_;
  DeviceBuffer<std::byte> scrap_{context_.memory(), 1, "the benchmark's look at the device"};
  std::vector<RateCase> rates_;
  std::map<std::string, const GpuCase*> cases_;
  Heartbeat heartbeat_;
};

}  // namespace

void work_off(const std::vector<GpuCase>& cases, const GpuRunSettings& settings) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also one that hangs ends with its supervisor
  std::optional<Worker> worker;
  try {
    worker.emplace(cases, settings);
  } catch (const DeviceError& error) {
    answer({{"kind", "no_device"}, {"reason", error.what()}});
    return;
  }
  for (std::string name; std::getline(std::cin, name);) worker->measure(name);
}

}  // namespace sluice::bench
