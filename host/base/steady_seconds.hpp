// The clock by which the program measures how long something takes.
#pragma once

#include <chrono>

namespace sluice {

/// Seconds of a clock that never goes back.
inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace sluice
