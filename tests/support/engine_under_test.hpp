// The engine that tests/contract is compiled for: each test program links its own.
#pragma once

#include <memory>

#include "sluice/engine/engine.hpp"

namespace sluice::testing {

/// In fp32, whatever `setup` says of recurrence and precision.
std::unique_ptr<Engine> make_engine_under_test(EngineSetup setup);

/// Skips the running test where that engine cannot run at all, with the reason; then returns true.
bool skip_without_engine();

}  // namespace sluice::testing
