// Whether a catalogue has the columns that a model was trained on.
#pragma once

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Throws DataError where frequency, channels, static columns or categories are not those of the
/// training. A single target may have another name.
void check_channels(const Model& model, const Catalog& catalog);

}  // namespace sluice
