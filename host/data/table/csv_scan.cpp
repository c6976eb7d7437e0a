#include "data/table/csv_scan.hpp"

#include <arrow/buffer.h>
#include <fmt/format.h>

#include "data/table/files.hpp"
#include "data/table/impl.hpp"
#include "sluice/base/error.hpp"

namespace sluice::csv {

bool RowScanner::feed(char c) {
  const bool follows_carriage_return = after_carriage_return_;
  after_carriage_return_ = false;
  const bool line_end = c == '\n' || c == '\r';
  const bool second_half = c == '\n' && follows_carriage_return;  // of CRLF
  if (line_end) after_carriage_return_ = c == '\r';

  if (state_ == State::quote_in_quoted) {
    if (c == '"') {
      state_ = State::quoted;
      if (keep_text) open_texts_.back() += '"';
      return false;
    }
    state_ = State::plain;
  }
  if (state_ == State::quoted) {
    if (line_end && !second_half) ++line_;
    if (c == '"') {
      state_ = State::quote_in_quoted;
    } else if (keep_text) {
      open_texts_.back() += c;
    }
    return false;
  }
  if (line_end) {
    if (second_half) return false;
    const bool ended = end_row();
    ++line_;
    open_line_ = line_;
    return ended;
  }
  row_has_bytes_ = true;
  if (c == delimiter_) {
    ++open_cells_;
    state_ = State::cell_start;
    if (keep_text) open_texts_.emplace_back();
  } else if (c == '"' && state_ == State::cell_start) {
    state_ = State::quoted;
  } else {
    state_ = State::plain;
    if (keep_text) open_texts_.back() += c;
  }
  return false;
}

bool RowScanner::end_row() {
  const bool is_row = row_has_bytes_;
  if (is_row) {
    row_line_ = open_line_;
    cells_ = open_cells_ + 1;
    if (keep_text) texts = open_texts_;
  }
  row_has_bytes_ = false;
  open_cells_ = 0;
  open_texts_.assign(1, "");
  state_ = State::cell_start;
  return is_row;
}

namespace {

/// Calls `on_row(scanner, bytes so far)` for each row until it returns false. Bytes are counted
/// without a byte order mark; `block` is called with each block of text first.
template <typename OnBlock, typename OnRow>
void walk(const std::filesystem::path& path, RowScanner& scanner, OnBlock on_block, OnRow on_row) {
  const auto stream = files::open_stream(path);
  std::int64_t bytes = 0;
  for (bool first = true;; first = false) {
    const auto block = files::value_of(stream->Read(std::int64_t{1} << 20), path,
                                       "the file is damaged or cut off: copy or write it again");
    std::string_view text(reinterpret_cast<const char*>(block->data()),
                          static_cast<std::size_t>(block->size()));
    if (text.empty()) break;
    if (first && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    on_block(text);
    for (const char c : text) {
      ++bytes;
      if (scanner.feed(c) && !on_row(scanner, bytes)) return;
    }
  }
  if (scanner.finish()) on_row(scanner, bytes);
}

constexpr auto kNothing = [](std::string_view) {};

}  // namespace

std::vector<std::string> header_of(const std::filesystem::path& path, char delimiter) {
  RowScanner scanner(delimiter);
  scanner.keep_text = true;
  walk(path, scanner, kNothing, [](RowScanner&, std::int64_t) { return false; });
  if (scanner.texts.empty()) {
    throw DataError(fmt::format("{}: the file has no rows; its first line must name the columns",
                                path.string()));
  }
  return scanner.texts;
}

std::optional<Ragged> find_ragged_row(const std::filesystem::path& path, char delimiter) {
  RowScanner scanner(delimiter);
  std::int64_t expected = 0;
  std::optional<Ragged> found;
  walk(path, scanner, kNothing, [&](const RowScanner& row, std::int64_t) {
    if (expected == 0) expected = row.cells();
    if (row.cells() != expected) found = Ragged{row.row_line(), row.cells(), expected};
    return !found;
  });
  return found;
}

std::string first_rows(const std::filesystem::path& path, char delimiter, std::int64_t rows) {
  RowScanner scanner(delimiter);
  std::string text;
  std::int64_t seen = 0, end = 0;
  walk(
      path, scanner, [&](std::string_view block) { text += block; },
      [&](const RowScanner&, std::int64_t bytes) {
        end = bytes;
        return seen++ < rows;
      });
  text.resize(static_cast<std::size_t>(end));
  return text;
}

}  // namespace sluice::csv

namespace sluice {

std::int64_t csv_line_of_row(const std::filesystem::path& path, char delimiter, std::int64_t row) {
  csv::RowScanner scanner(delimiter);
  std::int64_t seen = 0, line = 0;
  csv::walk(path, scanner, csv::kNothing, [&](const csv::RowScanner& scanned, std::int64_t) {
    line = scanned.row_line();
    return seen++ <= row;
  });
  return line;
}

}  // namespace sluice
