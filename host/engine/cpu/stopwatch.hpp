// Seconds of an engine's parts.
#pragma once

#include "base/steady_seconds.hpp"

namespace sluice {

/// Adds the time since its construction to `total`.
class Stopwatch {
 public:
  explicit Stopwatch(double& total) : total_(total), start_(steady_seconds()) {}
  ~Stopwatch() { total_ += steady_seconds() - start_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& total_;
  double start_;
};

}  // namespace sluice
