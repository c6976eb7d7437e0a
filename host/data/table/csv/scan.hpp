// A slow, exact walk over CSV text, a byte at a time, for what Arrow's fast reader does not say:
// the line of a row, the row that has too few cells, the first so many rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/table/csv/form.hpp"

namespace sluice::csv {

/// Follows rows through quotes and any of the line ends LF, CRLF, CR. Empty lines are no rows.
class RowScanner {
 public:
  explicit RowScanner(char delimiter) : delimiter_(delimiter) {}

  /// True if `c` ends a row (then row_line() and cells() are that row's).
  bool feed(char c);
  /// True if the text's end ends a row that had no line end.
  bool finish() { return end_row(); }

  std::int64_t row_line() const { return row_line_; }  ///< from 1
  /// The line of a quote that is open.
  std::optional<std::int64_t> open_quote() const {
    return state_ == State::quoted ? std::optional(quote_line_) : std::nullopt;
  }
  std::int64_t cells() const { return cells_; }
  /// The text of the row's cells, kept while `keep_text`.
  bool keep_text = false;
  std::vector<std::string> texts;

 private:
  bool end_row();

  enum class State { cell_start, plain, quoted, quote_in_quoted } state_ = State::cell_start;
  char delimiter_;
  bool row_has_bytes_ = false, after_carriage_return_ = false;
  std::int64_t line_ = 1, row_line_ = 1, cells_ = 0, open_cells_ = 0, open_line_ = 1,
               quote_line_ = 1;
  std::vector<std::string> open_texts_ = {""};
};

/// A row with another number of cells than the header.
struct Ragged {
  std::int64_t line, cells, expected;
  bool all_alike;  ///< every row but the first has `cells` cells
  bool at_end;     ///< no row from this one on has as many cells as the header
  std::string first_cell;
};

/// The names of the header. Throws DataError if there is none.
std::vector<std::string> header_of(const Text& text);

/// The first row with another number of cells than the header.
std::optional<Ragged> find_ragged_row(const Text& text);

/// The line on which a quote is opened that nothing closes.
std::optional<std::int64_t> find_open_quote(const Text& text);

/// The text of the header (with what stands above it) and the first `rows` rows.
std::string first_rows(const Text& text, std::int64_t rows);

/// The header and the first rows, as many as lie in so many bytes.
struct Head {
  std::string text;  ///< with what stands above the header
  std::int64_t rows = 0;
  bool is_all = false;  ///< no row lies behind them
};
Head rows_within(const Text& text, std::int64_t bytes);

/// Those of data `rows` (from 0, ascending) all of whose cells are empty.
std::vector<std::int64_t> rows_of_delimiters(const Text& text,
                                             const std::vector<std::int64_t>& rows);

/// For each column whether one of its first cells has a decimal point that cannot separate
/// thousands (5.5, 0.512, 1234.567).
std::vector<char> columns_with_decimal_points(const Text& text);

/// Those of `columns` that have a cell whose point may separate thousands (1.234, 12.345.678): the
/// whole text is walked where one has none.
std::vector<int> columns_with_points_of_thousands(const Text& text,
                                                  const std::vector<int>& columns);

/// A line of names under a title that is alone on the first line, its other cells empty.
struct Title {
  std::int64_t line;  ///< of the names
  std::string title;
  std::vector<std::string> names;
};
std::optional<Title> find_title(const Text& text);

/// Line (from 1) on which data row `row` (from 0) begins.
std::int64_t line_of_row(const Text& text, std::int64_t row);

/// What a file's bytes say about how it has to be read.
class Marks {
 public:
  void take(std::string_view block);
  std::int64_t quotes() const { return quotes_; }
  /// Whether a cell may begin with 0x, which Arrow reads as a hexadecimal number.
  bool hexadecimal() const { return hexadecimal_; }

 private:
  void look_for_hexadecimal(std::string_view block, char x);

  std::int64_t quotes_ = 0;
  bool hexadecimal_ = false;
  char last_[2] = {'\n', '\n'};  ///< of the block before
};

}  // namespace sluice::csv
