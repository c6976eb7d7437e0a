// A model meets a catalogue's series by their ids.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Known series keep the scaling that they were trained with, translated to the offset beside which
/// this catalogue stores their values; new ones are fitted on [0, end[s]) (end empty, or end[s]
/// below 1: their history). So are channels that had no value when the model was trained, series
/// that it was not trained on, and large values that left the training's for good: a meter that was
/// changed for a new one.
SeriesScaling match_scaling(const Model& model, const Catalog& catalog,
                            std::span<const std::int64_t> end);

/// Whether match_scaling() may give another result for another `end`.
bool scaling_follows_end(const Model& model, const Catalog& catalog);

}  // namespace sluice
