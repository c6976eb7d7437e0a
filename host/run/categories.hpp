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

/// The words of the catalogue that a model with these vocabularies does not know: "promo: Ja, Nein
/// (known: 0, 1)", the first three of each category; empty if it knows all.
std::string unknown_words_text(const std::vector<std::vector<std::string>>& series,
                               const std::vector<std::vector<std::string>>& steps,
                               const Catalog& catalog);

/// Throws DataError where the categories of steps, or which of them are known ahead, are not those
/// that the model was trained with.
void check_step_categories(const Model& model, const Catalog& catalog);

/// What "unknown" is to a model whose training never met it: the mean of the other rows of its
/// table, each counted as often as its word was met, so that a word that is new at the forecast
/// means a series or a step like any. Words are met in the series that are trained on, those of
/// steps at their steps [0, end[s]).
class UnknownWords {
 public:
  UnknownWords() = default;  ///< of a model without categories
  /// `series`, `steps`: the vocabularies of the model's categories.
  UnknownWords(const ModelSpec& spec, const std::vector<std::vector<std::string>>& series,
               const std::vector<std::vector<std::string>>& steps, const Catalog& catalog,
               std::span<const std::int64_t> end, std::int64_t min_history);

  /// Writes the rows of "unknown" that the training did not; `params`: the flat buffer.
  void settle(std::span<float> params) const;

 private:
  struct Table {  ///< in which "unknown" was not met
    std::size_t at = 0, width = 0;
    std::vector<std::int64_t> met;  ///< [rows]
  };
  void add(std::int64_t at, int width, std::vector<std::int64_t> met);

  std::vector<Table> tables_;
};

}  // namespace sluice
