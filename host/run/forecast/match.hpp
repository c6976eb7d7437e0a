// A model meets a catalogue: channels and categories by name, series by id.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Throws DataError where frequency, channels or static columns are not those of the training.
void check_channels(const Model& model, const Catalog& catalog);

/// Known series keep the scaling they were trained with; new ones are fitted on [0, end[s]) (empty:
/// their history).
SeriesScaling match_scaling(const Model& model, const Catalog& catalog,
                            std::span<const std::int64_t> end);

}  // namespace sluice
