// Whether a catalogue has the columns that a model was trained on.
#pragma once

#include <cstdint>
#include <span>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Throws DataError where frequency, channels, static columns or categories are not those of the
/// training. A single target may have another name.
void check_channels(const Model& model, const Catalog& catalog);

/// Throws DataError where an input has no value in any history before end[s]: a training would
/// learn nothing of it, and any value over the horizon would move forecasts by chance.
void refuse_unseen_inputs(const Catalog& catalog, std::span<const std::int64_t> end);

}  // namespace sluice
