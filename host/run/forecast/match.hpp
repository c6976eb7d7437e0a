// A model meets a catalogue's series by their ids.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Known series keep the scaling they were trained with; new ones are fitted on [0, end[s]) (empty:
/// their history).
SeriesScaling match_scaling(const Model& model, const Catalog& catalog,
                            std::span<const std::int64_t> end);

}  // namespace sluice
