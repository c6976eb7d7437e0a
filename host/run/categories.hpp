// Words between a catalogue and a model: which of them a model knows, by which code, and what it
// makes of those that it does not know.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// Of each word of `words` its place in `vocabulary`; 0, unknown, for those that are not in it.
std::vector<std::int32_t> codes_in(const std::vector<std::string>& vocabulary,
                                   const std::vector<std::string>& words);

/// EngineSetup::codes for a model with these vocabularies of its static categories.
std::vector<std::vector<std::int32_t>> series_codes(
    const std::vector<std::vector<std::string>>& vocabularies, const Catalog& catalog);

/// EngineSetup::word_codes for a model with these vocabularies of its steps' categories.
std::vector<std::vector<std::int32_t>> word_codes(
    const std::vector<std::vector<std::string>>& vocabularies, const Catalog& catalog);

/// Throws DataError where the categories of steps, or which of them are known ahead, are not those
/// that the model was trained with.
void check_step_categories(const Model& model, const Catalog& catalog);

/// Gives "unknown" a meaning where the training, steps [0, end[s]), never met it: the row of such a
/// table becomes the mean of the other rows, each counted as often as its word was met, so that a
/// word that is new at the forecast means a step like any. `params`: the flat buffer.
void settle_unknown_words(const Model& model, const Catalog& catalog,
                          std::span<const std::int64_t> end, std::span<float> params);

}  // namespace sluice
