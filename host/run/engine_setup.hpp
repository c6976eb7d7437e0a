// From [engine] of the settings to what the engine is set up with.
#pragma once

#include "sluice/engine/engine.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

inline void set_engine(const Config::Engine& engine, EngineSetup& setup) {
  constexpr double kMiB = 1024.0 * 1024.0;
  setup.recurrence = engine.recurrence;
  setup.precision = engine.precision;
  setup.threads = engine.threads;
  setup.device_memory_limit = static_cast<std::int64_t>(engine.device_memory_limit * kMiB);
}

}  // namespace sluice
