// A slow, exact walk over CSV text, a byte at a time, for what Arrow's fast reader does not say:
// the line of a row, the row that has too few cells, the first so many rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  std::int64_t cells() const { return cells_; }
  /// The text of the row's cells, kept while `keep_text`.
  bool keep_text = false;
  std::vector<std::string> texts;

 private:
  bool end_row();

  enum class State { cell_start, plain, quoted, quote_in_quoted } state_ = State::cell_start;
  char delimiter_;
  bool row_has_bytes_ = false, after_carriage_return_ = false;
  std::int64_t line_ = 1, row_line_ = 1, cells_ = 0, open_cells_ = 0, open_line_ = 1;
  std::vector<std::string> open_texts_ = {""};
};

struct Ragged {
  std::int64_t line, cells, expected;
};

/// The names of the first row (UTF-8 byte order mark taken off). Throws DataError if there is no
/// row.
std::vector<std::string> header_of(const std::filesystem::path& path, char delimiter);

/// The first row with another number of cells than the header.
std::optional<Ragged> find_ragged_row(const std::filesystem::path& path, char delimiter);

/// The text of the header and the first `rows` rows.
std::string first_rows(const std::filesystem::path& path, char delimiter, std::int64_t rows);

}  // namespace sluice::csv
