#include "data/table/csv/scan.hpp"

#include <arrow/buffer.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "data/table/files.hpp"
#include "data/table/numerals.hpp"
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
    quote_line_ = line_;
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

/// Calls `on_row(scanner, bytes so far)` for each row from the header on until it returns false.
/// Bytes are counted without a byte order mark; `block` is called with each block of text first.
template <typename OnBlock, typename OnRow>
void walk(const Text& csv, RowScanner& scanner, OnBlock on_block, OnRow on_row) {
  const auto stream = csv.stream();
  std::int64_t bytes = 0;
  bool above_header = csv.form().separator_line;
  for (bool first = true;; first = false) {
    const auto block = files::value_of(stream->Read(std::int64_t{1} << 20), csv.path(),
                                       "the file is damaged or cut off: copy or write it again");
    std::string_view text(reinterpret_cast<const char*>(block->data()),
                          static_cast<std::size_t>(block->size()));
    if (text.empty()) break;
    if (first && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    on_block(text);
    for (const char c : text) {
      ++bytes;
      if (!scanner.feed(c)) continue;
      if (!above_header && !on_row(scanner, bytes)) return;
      above_header = false;
    }
  }
  if (scanner.finish() && !above_header) on_row(scanner, bytes);
}

constexpr auto kNothing = [](std::string_view) {};

}  // namespace

std::vector<std::string> header_of(const Text& text) {
  RowScanner scanner(text.form().delimiter);
  scanner.keep_text = true;
  bool found = false;
  walk(text, scanner, kNothing, [&](RowScanner&, std::int64_t) {
    found = true;
    return false;
  });
  if (!found) {
    text.check();
    throw DataError(fmt::format("{}: the file has no rows; its first line must name the columns",
                                text.path().string()));
  }
  return scanner.texts;
}

std::optional<Ragged> find_ragged_row(const Text& text) {
  RowScanner scanner(text.form().delimiter);
  scanner.keep_text = true;
  std::int64_t expected = 0;
  std::optional<Ragged> found;
  bool even_before = false;
  walk(text, scanner, kNothing, [&](const RowScanner& row, std::int64_t) {
    if (expected == 0) {
      expected = row.cells();
    } else if (found) {
      found->all_alike = found->all_alike && row.cells() == found->cells;
      found->at_end = found->at_end && row.cells() != expected;
      return found->all_alike || found->at_end;
    } else if (row.cells() == expected) {
      even_before = true;
    } else {
      found = Ragged{row.row_line(), row.cells(), expected, !even_before, true, row.texts.front()};
    }
    return true;
  });
  return found;
}

std::optional<std::int64_t> find_open_quote(const Text& text) {
  RowScanner scanner(text.form().delimiter);
  // The end of the text ends the last row too: what is open then is looked at before.
  const auto stream = text.stream();
  for (;;) {
    const auto block =
        files::value_of(stream->Read(std::int64_t{1} << 20), text.path(), "check the file");
    if (block->size() == 0) break;
    for (std::int64_t i = 0; i < block->size(); ++i) {
      scanner.feed(static_cast<char>(block->data()[i]));
    }
  }
  return scanner.open_quote();
}

std::string first_rows(const Text& text, std::int64_t rows) {
  RowScanner scanner(text.form().delimiter);
  std::string taken;
  std::int64_t seen = 0, end = 0;
  walk(
      text, scanner, [&](std::string_view block) { taken += block; },
      [&](const RowScanner&, std::int64_t bytes) {
        end = bytes;
        return seen++ < rows;
      });
  taken.resize(static_cast<std::size_t>(end));
  return taken;
}

Head rows_within(const Text& text, std::int64_t bytes) {
  RowScanner scanner(text.form().delimiter);
  Head head{{}, -1, true};  // the header is no row of data
  std::int64_t end = 0;
  walk(
      text, scanner,
      [&](std::string_view block) {
        if (std::ssize(head.text) < bytes) head.text += block;
      },
      [&](const RowScanner&, std::int64_t at) {
        head.is_all = at <= bytes;
        if (head.is_all) end = at, ++head.rows;
        return head.is_all;
      });
  head.text.resize(static_cast<std::size_t>(end));
  return head;
}

std::vector<std::int64_t> rows_of_delimiters(const Text& text,
                                             const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> empty;
  if (rows.empty()) return empty;
  RowScanner scanner(text.form().delimiter);
  scanner.keep_text = true;
  std::size_t next = 0;
  std::int64_t row = -1;  // the header
  walk(text, scanner, kNothing, [&](const RowScanner& scanned, std::int64_t) {
    if (row++ == rows[next]) {
      const auto& cells = scanned.texts;
      const bool all =
          std::all_of(cells.begin(), cells.end(), [](const auto& c) { return c.empty(); });
      if (all) empty.push_back(rows[next]);
      ++next;
    }
    return next < rows.size();
  });
  return empty;
}

std::vector<char> columns_with_decimal_points(const Text& text) {
  constexpr std::int64_t kRows = 1000, kBytes = 1 << 16;
  RowScanner scanner(text.form().delimiter);
  scanner.keep_text = true;
  std::vector<char> found;
  std::int64_t rows = 0;
  walk(text, scanner, kNothing, [&](const RowScanner& row, std::int64_t bytes) {
    found.resize(std::max(found.size(), row.texts.size()), 0);
    for (std::size_t c = 0; rows > 0 && c < row.texts.size(); ++c) {
      const std::string& cell = row.texts[c];
      if (found[c] != 0 || cell.find('.') == std::string::npos) continue;
      found[c] = numerals::read(cell, '.') && !numerals::read(cell, ',') ? 1 : 0;
    }
    return rows++ < kRows && bytes < kBytes;
  });
  return found;
}

std::vector<int> columns_with_points_of_thousands(const Text& text,
                                                  const std::vector<int>& columns) {
  RowScanner scanner(text.form().delimiter);
  scanner.keep_text = true;
  std::vector<int> without = columns, with;
  bool header = true;
  walk(text, scanner, kNothing, [&](const RowScanner& row, std::int64_t) {
    const auto has_one = [&](int column) {
      const auto c = static_cast<std::size_t>(column);
      if (c >= row.texts.size() || row.texts[c].find('.') == std::string::npos) return false;
      return numerals::read(row.texts[c], ',').has_value();
    };
    if (!header) {
      std::ranges::copy_if(without, std::back_inserter(with), has_one);
      std::erase_if(without, has_one);
    }
    header = false;
    return !without.empty();
  });
  std::ranges::sort(with);
  return with;
}

std::optional<Title> find_title(const Text& text) {
  constexpr int kLines = 20;
  RowScanner scanner(text.form().delimiter);
  scanner.keep_text = true;
  Title title{};
  int rows = 0;
  walk(text, scanner, kNothing, [&](const RowScanner& row, std::int64_t) {
    const auto& cells = row.texts;
    const auto filled = std::ssize(cells) - std::count(cells.begin(), cells.end(), "");
    if (rows++ == 0) {
      title.title = cells.front();
      return std::ssize(cells) > 1 && filled == 1 && !title.title.empty();
    }
    // Numbers are a row's, under a header that names one column.
    const auto is_number = [](const std::string& cell) {
      return numerals::read(cell, '.') || numerals::read(cell, ',');
    };
    if (std::any_of(cells.begin(), cells.end(), is_number)) return false;
    if (filled == std::ssize(cells)) {
      title.line = row.row_line();
      title.names = cells;
    }
    return title.line == 0 && rows < kLines;
  });
  return title.line > 0 ? std::optional(title) : std::nullopt;
}

std::int64_t line_of_row(const Text& text, std::int64_t row) {
  RowScanner scanner(text.form().delimiter);
  std::int64_t seen = 0, line = 0;
  walk(text, scanner, kNothing, [&](const RowScanner& scanned, std::int64_t) {
    line = scanned.row_line();
    return seen++ <= row;
  });
  return line;
}

void Marks::take(std::string_view block) {
  // Most files have none, and looking is quicker than counting.
  if (block.find('"') != block.npos) quotes_ += std::count(block.begin(), block.end(), '"');
  for (const char x : {'x', 'X'}) look_for_hexadecimal(block, x);
  if (block.size() > 1) last_[0] = block[block.size() - 2];
  if (block.size() == 1) last_[0] = last_[1];
  if (!block.empty()) last_[1] = block.back();
}

void Marks::look_for_hexadecimal(std::string_view block, char x) {
  const auto at = [&](std::size_t back, std::size_t i) {
    return i >= back ? block[i - back] : last_[2 + i - back];
  };
  for (std::size_t i = block.find(x); !hexadecimal_ && i != block.npos; i = block.find(x, i + 1)) {
    if (at(1, i) != '0') continue;
    const auto before = static_cast<unsigned char>(at(2, i));
    hexadecimal_ = before < 0x80 && std::isalnum(before) == 0;
  }
}

}  // namespace sluice::csv
