// Which of a catalogue's series a model knows, by their ids, and how far.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Series of the model by id: those that the training has scaled. Views into the model.
std::unordered_map<std::string_view, std::int64_t> scaled_series(const Model& model);

/// Steps of each of the catalogue's series, from its own first one, up to which the model has been
/// trained or chosen ([S]; 0 or less: on none). These data may begin elsewhere than the training's:
/// the periods count.
std::vector<std::int64_t> seen_steps(const Model& model, const Catalog& catalog);

}  // namespace sluice
