// Channels of words: which holiday a day is, which promotion runs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/catalog/build.hpp"
#include "data/catalog/places.hpp"
#include "data/catalog/roles.hpp"

namespace sluice {

class FutureRows;

/// The columns of data.past_categories, then of data.future_categories; column -1 where only the
/// future file has it. Throws DataError where one has another role too (`channels`).
std::vector<ChannelSource> category_sources(const Table::Impl& table, const CatalogSpec& spec,
                                            const std::vector<ChannelSource>& channels);

/// Where each row of the main file lies.
struct LaidRows {
  const Places& places;
  bool merged = false;  ///< several rows of one step: the first word counts
};

/// Adds a channel of words for each of `sources`; cells that the main file leaves empty take the
/// word of the first future file that has one.
void add_categories(const Table::Impl& table, const std::vector<ChannelSource>& sources,
                    const LaidRows& rows, std::span<const FutureRows> future, CatalogParts& parts,
                    CatalogNotes& notes);

/// Throws DataError where a column that should be numbers (of `role`) holds words, and says which
/// setting takes words; a single cell that is no number is left to read_numbers.
void refuse_words(const Table::Impl& table, int column, Role role);
/// The same of a column named in the setting `numbers_key`; `words_key` takes words.
void refuse_words(const Table::Impl& table, int column, const char* numbers_key,
                  const char* words_key);

}  // namespace sluice
