// What a column holds, looked at where a role has to be guessed, and only there.
#pragma once

#include <cstdint>
#include <string>

#include "data/table/impl.hpp"

namespace sluice {

enum class Holds {
  nothing,  ///< no cell has a value
  integers,
  reals,
  booleans,
  dates,
  digits,  ///< integers all of which are dates (20220131)
  clock,   ///< times of a day (13:15), no dates
  text,
  lists
};

struct Contents {
  Holds holds = Holds::nothing;
  /// Some cells are of another kind than the others: the first one of these.
  std::string odd_word;
  std::int64_t odd_row = -1;
  /// Of text: a word of it.
  std::string example;
};

/// Looks at the types, and at the distinct words of text. Text is numbers or dates where most of
/// its words are; then odd_word is the first one that is none. Dates in another form than ISO 8601
/// (31.12.2024) are dates where one pattern fits all words that have a digit.
Contents contents_of(const Table::Impl& table, int column);

inline bool is_number(Holds holds) {
  return holds == Holds::integers || holds == Holds::reals || holds == Holds::digits;
}

/// Whether all numbers of a column of a binary file's floating point are whole and it has some:
/// what pandas makes of ids beside a missing one.
bool holds_whole_numbers(const Table::Impl& table, int column);

/// Whether the integers of a column are a, a + 1, a + 2, ... in the order of its rows.
bool counts_rows(const Table::Impl& table, int column);

}  // namespace sluice
