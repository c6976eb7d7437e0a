// Cells of a table as numbers, times and codes, whatever types they are stored in. Blocks, so that
// no whole column is copied; errors name the cell by a second pass that only an error pays for.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/impl.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {

inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// Gives the numbers of one column, block by block: `row` counts over all parts of the table. NaN =
/// missing. Throws DataError where a cell is no number, or infinite, or beyond a float.
void read_numbers(const Table::Impl& table, int column,
                  const std::function<void(std::int64_t row, std::span<const float>)>& take);

/// A number, or 1 and 0 of true and false; nullopt if the text is none.
std::optional<double> parse_number(std::string_view text);

/// The same in double, for what a float does not hold.
void read_exact(const Table::Impl& table, int column,
                const std::function<void(std::int64_t row, std::span<const double>)>& take);

/// The whole column.
std::vector<float> read_numbers(const Table::Impl& table, int column);

/// A column of lists of numbers: for each row its list's numbers.
void read_lists(const Table::Impl& table, int column,
                const std::function<void(std::int64_t row, std::span<const float>)>& take);
/// The same in double.
void read_exact_lists(const Table::Impl& table, int column,
                      const std::function<void(std::int64_t row, std::span<const double>)>& take);
/// Whether the column holds lists of numbers.
bool is_list(const Table::Impl& table, int column);

/// Whether every part stores the column as numbers (or has no value in it at all).
bool is_numeric(const Table::Impl& table, int column);

/// A column as codes of its distinct texts, in the order of their first appearance.
struct Codes {
  std::vector<std::int32_t> codes;  ///< a row each; -1 = missing
  std::vector<std::string> words;
};
Codes read_codes(const Table::Impl& table, int column);

/// "FILE:LINE:COLUMN" of a row that counts over all parts.
std::string place_of_row(const Table::Impl& table, std::int64_t row, int column);
/// "FILE:LINE".
std::string place_of_row(const Table::Impl& table, std::int64_t row);

}  // namespace sluice
