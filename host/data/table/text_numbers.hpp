// Columns of a CSV file that Arrow took for text, because their numbers are written as people write
// them. The work is done on the distinct words, not on the rows.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/numerals.hpp"
#include "data/table/part_table.hpp"

namespace sluice::text_numbers {

/// What the words of a table's columns say, and what that makes of the file.
struct Findings {
  /// For each column of text all of whose words are numbers; none for all other columns.
  std::vector<std::optional<numerals::Evidence>> columns;
  /// '.' or ',' where the file as a whole leaves no doubt, else 0.
  char decimal = 0;
  /// Columns that Arrow took for numbers with a decimal point, and that may be thousands of whole
  /// numbers ("1.200"): their words have to be seen.
  std::vector<int> doubtful;
};

/// What is known of the points in a column's words.
enum class Points : char {
  unknown,
  decimal,
  none,  ///< no point can separate thousands: "1e3" makes a column one of decimal numbers, too
};

/// `keep`: columns that stay text whatever they hold. `missing`: words that mean "no value".
/// `decimal`: '.' or ',' where it is told, 0 where it has to be found. `points`: of each column.
Findings look_at(const PartTable& table, const std::vector<char>& keep,
                 const std::vector<std::string>& missing, char decimal,
                 const std::vector<Points>& points);

/// Whether a table that was read with the decimal sign `decimal` has numbers with the other sign
/// only.
bool says_other_decimal(const PartTable& table, const Findings& findings, char decimal);

/// The table with such columns as numbers, where their words can be read together, packed
/// (packed_cells.hpp) or not. Each reading that is not a machine's is added to `remarks`, after the
/// path.
PartTable converted(PartTable table, const Findings& findings,
                    const std::vector<std::string>& missing, bool decimal_is_told, bool packs,
                    const std::filesystem::path& path, std::vector<std::string>& remarks);

/// What the words of a column say; nullopt where it is no text or one of them is no number.
std::optional<numerals::Evidence> evidence_of(const PartTable& table, int column,
                                              const std::vector<std::string>& missing);

/// Whether `word` means "no value", spaces around it left out.
bool is_missing(const std::vector<std::string>& missing, std::string_view word);

}  // namespace sluice::text_numbers
