// Single cells and chunks of Arrow columns; private to the readers of values.
#pragma once

#include <arrow/array.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/impl.hpp"

namespace sluice::cells {

/// One chunk of one column, and where it lies.
struct Chunk {
  const arrow::Array& array;
  std::size_t part;
  std::int64_t part_row;  ///< of the chunk's first cell, within the part
  std::int64_t row;       ///< of the chunk's first cell, over all parts
};

/// In the order of the rows; an array is there as long as `visit` looks at it. Throws DataError.
void for_each_chunk(const Table::Impl& table, int column,
                    const std::function<void(const Chunk&)>& visit);

/// The same until `visit` says false.
void each_chunk_while(const Table::Impl& table, int column,
                      const std::function<bool(const Chunk&)>& visit);

bool is_text(const arrow::DataType& type);
/// The text of cell `i` of a text array. Undefined for missing cells.
std::string_view text_at(const arrow::Array& array, std::int64_t i);

/// A cell of any type as text, as ids and categories are named; nullopt if it is missing or the
/// type has no text form.
std::optional<std::string> name_at(const arrow::Array& array, std::int64_t i);

/// The start of a cell for a message: what cannot be seen (zeros, a byte order mark in the text,
/// bytes that are not UTF-8) as \x00, \uFEFF.
std::string visible(std::string_view text);

/// Whether text means "no value".
bool is_missing_word(const Table::Impl& table, std::string_view text);

}  // namespace sluice::cells
