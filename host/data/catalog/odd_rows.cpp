#include "data/catalog/odd_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "data/table/cells.hpp"

namespace sluice {
namespace {

constexpr std::string_view kTotals[] = {
    "total",         "totals",         "grand total", "sum",    "subtotal", "sub-total",
    "overall",       "summe",          "gesamt",      "somme",  "suma",     "gesamtsumme",
    "zwischensumme", "gesamtergebnis", "insgesamt",   "totale", "totaal",   "sous-total",
    "total general", "total général",  "razem",       "toplam", "итого",    "Итого",
    "всего",         "Всего",          "总计",        "合计",   "小计",     "總計",
    "合計",          "小計",           "总和",        "합계",   "총계"};

/// In lower case (of ASCII letters), without spaces and colons at the ends.
std::string plain(std::string_view text) {
  const auto at_end = [](char c) { return c == ' ' || c == ':' || c == '\t'; };
  while (!text.empty() && at_end(text.front())) text.remove_prefix(1);
  while (!text.empty() && at_end(text.back())) text.remove_suffix(1);
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 0x80 ? std::tolower(c) : c); });
  return out;
}

bool is_letter(const std::string& text, std::size_t at) {
  const auto c = static_cast<unsigned char>(text[at]);
  return c < 0x80 && std::isalnum(c) != 0;
}

struct Around {
  bool any_before = false, any_after = false;
};

/// Whether times stand above and below the row.
Around times_around(const Table::Impl& table, int column, std::int64_t row,
                    const std::function<bool(std::string_view)>& is_time) {
  Around around;
  cells::for_each_chunk(table, column, [&](const cells::Chunk& chunk) {
    for (std::int64_t i = 0; i < chunk.array.length(); ++i) {
      bool& any = chunk.row + i < row ? around.any_before : around.any_after;
      if (any || chunk.row + i == row) continue;
      const auto name = cells::name_at(chunk.array, i);
      any = name && is_time(*name);
    }
  });
  return around;
}

/// Whether more than half of the cells below the first one are times, as far as can be seen at
/// once.
bool times_follow(const Table::Impl& table, int column,
                  const std::function<bool(std::string_view)>& is_time) {
  constexpr std::int64_t kSeen = 20;
  std::int64_t times = 0, cells = 0;
  cells::each_chunk_while(table, column, [&](const cells::Chunk& chunk) {
    for (std::int64_t i = 0; i < chunk.array.length() && chunk.row + i <= kSeen; ++i) {
      if (chunk.row + i == 0) continue;
      const auto name = cells::name_at(chunk.array, i);
      ++cells;
      times += name && is_time(*name) ? 1 : 0;
    }
    return chunk.row + chunk.array.length() <= kSeen;
  });
  return 2 * times > cells;
}

/// The first cell of the row that speaks of a total.
std::optional<std::string> total_in(const Table::Impl& table, std::int64_t row) {
  std::optional<std::string> found;
  for (int column = 0; !found && column < static_cast<int>(table.names.size()); ++column) {
    cells::each_chunk_while(table, column, [&](const cells::Chunk& chunk) {
      if (row >= chunk.row + chunk.array.length()) return true;
      const auto name = cells::name_at(chunk.array, row - chunk.row);
      if (name && speaks_of_total(*name)) found = *name;
      return false;
    });
  }
  return found;
}

/// Rather a sentence than a time that is wrong: no digits, or more letters than a month has.
bool is_words(std::string_view text) {
  constexpr std::ptrdiff_t kLetters = 4;
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto is_alpha = [](unsigned char c) { return c < 0x80 && std::isalpha(c) != 0; };
  return std::none_of(text.begin(), text.end(), is_digit) ||
         std::count_if(text.begin(), text.end(), is_alpha) >= kLetters;
}

bool is_only(std::string_view text, std::string_view signs) {
  return !text.empty() && text.find_first_not_of(signs) == std::string_view::npos;
}

}  // namespace

bool is_total(std::string_view name) {
  const std::string word = plain(name);
  return std::find(std::begin(kTotals), std::end(kTotals), word) != std::end(kTotals);
}

bool is_sum_of_parts(double value, double sum, double size) {
  constexpr double kRounding = 1e-3;
  return std::abs(value - sum) <= kRounding * size;
}

bool speaks_of_total(std::string_view text) {
  const std::string all = plain(text);
  return std::any_of(std::begin(kTotals), std::end(kTotals), [&](std::string_view word) {
    for (std::size_t at = all.find(word); at != all.npos; at = all.find(word, at + 1)) {
      const std::size_t end = at + word.size();
      if ((at == 0 || !is_letter(all, at - 1)) && (end == all.size() || !is_letter(all, end))) {
        return true;
      }
    }
    return false;
  });
}

std::string odd_row_text(const Table::Impl& table, int column, std::int64_t row,
                         std::string_view cell,
                         const std::function<bool(std::string_view)>& is_time) {
  const std::string& name = table.names[static_cast<std::size_t>(column)];
  if (cell.starts_with("\uFEFF")) cell.remove_prefix(3);  // files that were put end to end
  if (!cell.empty() && plain(cell) == plain(name)) {
    return "the header stands here a second time: remove this line";
  }
  if (is_only(cell, "#")) {
    return "a spreadsheet shows a column so that is too narrow for its dates: widen it and save "
           "the sheet again";
  }
  if (is_only(cell, "-=+:| ")) {
    return "the line is part of a frame round the table: remove such lines, or export the table as "
           "CSV (psql --csv, mysql --batch)";
  }
  if (const auto total = total_in(table, row)) {
    return fmt::format("the row seems to be a total ('{}'): remove it", cells::visible(*total));
  }
  if (!cell.empty() && (!is_words(cell) || is_time(cell))) return {};
  if (row == 0 && times_follow(table, column, is_time)) {
    return "the line seems to belong to the header (a second line of names, units): leave one line "
           "of names";
  }
  const Around around = times_around(table, column, row, is_time);
  if (around.any_before && !around.any_after) {
    return cell.empty() ? "fill the cell or remove the row; no row from here on has a time, as "
                          "where a total or a note stands below the table"
                        : "no row from here on has a time: remove what stands below the table (a "
                          "note, a total)";
  }
  return {};
}

}  // namespace sluice
