// An engine whose every call is shared out among the ranks of a job: each works on its part of the
// windows, and all have the whole result.
#pragma once

#include <memory>

#include "base/ranks/ranks.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// `engine`, made with these EngineSetup::ranks, as one of all ranks: every call but seconds() and
/// level_statistics() is made by all of them with the same arguments, and gives all the same bits.
/// With the windows that one engine would be given, the numbers are its own but for the rounding of
/// sums. It has no engine beside it.
std::unique_ptr<Engine> across_ranks(std::unique_ptr<Engine> engine, const ModelSpec& spec,
                                     Ranks& ranks);

}  // namespace sluice
