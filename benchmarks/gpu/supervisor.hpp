// Has cases measured by a worker process, one at a time, so that a case which hangs, kills its
// process or breaks the device's state costs itself only. This process never calls CUDA.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "gpu/lines.hpp"

namespace sluice::bench {

struct Supervision {
  std::vector<std::string> worker;  ///< arguments of this program that make it a worker
  double case_timeout = 15;         ///< seconds of silence after which a worker is ended
  double budget = 0;                ///< seconds after which no case is begun; 0: none
};

struct Listener {
  std::function<void(const std::string& name)> begin;
  std::function<void(const Line& line)> take;  ///< "machine" once, then "rate", "case", "lost"
};

/// How a run ended.
struct Ending {
  int done = 0, left = 0;  ///< cases, lost ones done
  double seconds = 0;
  std::string stopped;    ///< why it did not reach its end: "budget", "signal 2"; else empty
  std::string no_device;  ///< why no worker gets ready any more: the last words of one
};

/// `names` one after the other. A worker that is silent, ends or has lost the device is replaced
/// for the next case. Ends early for the budget, SIGINT, SIGTERM, SIGHUP, and when two workers in a
/// row do not get ready, or the budget ends while one does not. Blocks; throws what `listener`
/// throws, and DeviceError if no process can be made.
Ending supervise(std::span<const std::string> names, const Supervision& supervision,
                 const Listener& listener);

}  // namespace sluice::bench
