// Times that a wall clock skips.
#pragma once

#include <span>

#include "sluice/data/calendar.hpp"

namespace sluice {

/// The first instant at which the clock shows `wall` or, where it is set forward over that, the one
/// at which it would have shown it.
Timestamp first_instant_from(std::span<const UtcOffset> clock, Timestamp wall);

}  // namespace sluice
