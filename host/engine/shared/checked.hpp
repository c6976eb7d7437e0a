// A recurrence that runs two on the same batches and compares them (engine.recurrence =
// "check:A,B"): a user's own proof on their own machine and data. Twice the time and memory.
#pragma once

#include <memory>

#include "engine/recurrence.hpp"
#include "engine/shared/comparison.hpp"

namespace sluice {

/// Gives what `used` gives, and says by `say` how `other` differs from it. Both are of the same
/// sizes: inputs C, units H, layers L.
std::unique_ptr<Recurrence> make_checked_recurrence(int C, int H, int L,
                                                    std::unique_ptr<Recurrence> used,
                                                    std::unique_ptr<Recurrence> other,
                                                    RecurrenceComparison::Say say);

}  // namespace sluice
