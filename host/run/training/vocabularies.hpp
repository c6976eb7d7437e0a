// The words that a model in training knows: the catalogue's, or those of the earlier model that it
// goes on from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct Vocabularies {
  std::vector<std::vector<std::string>> series, steps;  ///< of the categories of each
};

/// Of a model that is trained on [0, end[s]).
Vocabularies vocabularies_of(const Config& config, const Catalog& catalog,
                             std::span<const std::int64_t> end);

/// The earlier model's words take the place of the catalogue's, in `spec` too, where its tables
/// have the widths that the settings ask for; their categories must be the same (check_channels).
void take_words_of(const Model& start, const Config& config, Vocabularies& vocabularies,
                   ModelSpec& spec);

/// The catalogue's codes as this model's.
void set_codes(const Vocabularies& vocabularies, const Catalog& catalog, EngineSetup& setup);

/// Names and words of the model's categories.
void name_words(const Vocabularies& vocabularies, const Catalog& catalog, Model& model);

}  // namespace sluice
