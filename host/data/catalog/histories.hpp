// How long the histories of a catalogue's parts are.
#pragma once

#include <cstdint>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// Steps of each series' history as parts.history and the targets have it. [S]
std::vector<std::int64_t> histories_of(const CatalogParts& parts);

}  // namespace sluice
