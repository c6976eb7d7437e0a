// Which settings decide what comes out.
#pragma once

#include "sluice/run/config.hpp"

namespace sluice {

/// The settings with all at their defaults that change no number: where files are, what is shown,
/// how often a state is saved, on how many threads and in which memory.
Config deciding_settings(const Config& config);

}  // namespace sluice
