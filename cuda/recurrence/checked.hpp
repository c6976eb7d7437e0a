// A device recurrence that runs two on the same batches and compares them on the host
// (engine.recurrence = "check:A,B"; host/engine/shared/checked.hpp is the CPU's). It waits in every
// call, so it runs outside of graphs. Twice the time and memory, and more for the copies.
#pragma once

#include <memory>

#include "engine/shared/comparison.hpp"
#include "recurrence/device_recurrence.hpp"

namespace sluice {

/// Gives what `used` gives, and says by `say` how `other` differs from it. Both are made for
/// `spec`; the context outlives it.
std::unique_ptr<DeviceRecurrence> make_checked_device_recurrence(
    const RecurrenceSpec& spec, std::unique_ptr<DeviceRecurrence> used,
    std::unique_ptr<DeviceRecurrence> other, DeviceContext& context, RecurrenceComparison::Say say);

}  // namespace sluice
