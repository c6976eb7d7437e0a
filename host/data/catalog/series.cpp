// Ids to series. Columns are folded one after the other: (series so far, code of the next column)
// is looked up in a plain table where that is small, else in a hash table.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/text.hpp"
#include "data/catalog/build.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Codes of the columns of each series so far.
using Members = std::vector<std::vector<std::int32_t>>;  // [columns][S]

void check_no_missing(const Table::Impl& table, int column, const Codes& codes) {
  // A name of spaces names nothing either.
  const auto blank = std::find_if(codes.words.begin(), codes.words.end(), [](const auto& word) {
    return word.find_first_not_of(" \t\r\n") == std::string::npos;
  });
  const auto none =
      blank == codes.words.end() ? -1 : static_cast<std::int32_t>(blank - codes.words.begin());
  const auto missing = std::find_if(codes.codes.begin(), codes.codes.end(),
                                    [&](std::int32_t code) { return code == -1 || code == none; });
  if (missing == codes.codes.end()) return;
  const auto empty = std::count_if(missing, codes.codes.end(),
                                   [&](std::int32_t code) { return code == -1 || code == none; });
  const auto rows = std::ssize(codes.codes);
  const bool merged = missing != codes.codes.begin() && 2 * empty > rows;
  throw DataError(fmt::format(
      "{}: the id is missing; {}fill the cell or remove the row (a word that means \"no value\" "
      "cannot be an id: see data.missing)",
      place_of_row(table, missing - codes.codes.begin(), column),
      merged
          ? fmt::format("{} of {} rows have one: if each stands above a block, fill it down; else ",
                        grouped(rows - empty), grouped(rows))
          : ""));
}

/// The integer of "7" and "7.0" as a program writes it; nullopt for other words ("007", "7.5").
/// `with_point` becomes true for "7.0".
std::optional<std::string_view> whole_number(std::string_view word, bool& with_point) {
  const std::size_t sign = word.starts_with('-') ? 1 : 0;
  const std::size_t digits = std::min(word.find_first_not_of("0123456789", sign), word.size());
  if (digits == sign || (word[sign] == '0' && digits > sign + 1)) return std::nullopt;
  const std::string_view rest = word.substr(digits);
  if (!rest.empty()) {
    if (rest.size() < 2 || rest.find_first_not_of('0', 1) != std::string_view::npos ||
        rest.front() != '.') {
      return std::nullopt;
    }
    with_point = true;
  }
  return word.substr(0, digits);
}

/// pandas writes whole numbers beside a missing one as 1.0, which is the id 1 of other files: where
/// all ids are whole numbers they are written without the point.
void write_whole_numbers(Codes& codes) {
  bool with_point = false;
  for (const std::string& word : codes.words) {
    if (!whole_number(word, with_point)) return;
  }
  if (!with_point) return;
  std::unordered_map<std::string, std::int32_t> known;
  std::vector<std::int32_t> new_code;
  std::vector<std::string> words;
  for (const std::string& word : codes.words) {
    std::string whole(*whole_number(word, with_point));
    const auto [entry, fresh] = known.try_emplace(whole, static_cast<std::int32_t>(words.size()));
    if (fresh) words.push_back(std::move(whole));
    new_code.push_back(entry->second);
  }
  for (std::int32_t& code : codes.codes) {
    if (code >= 0) code = new_code[static_cast<std::size_t>(code)];
  }
  codes.words = std::move(words);
}

/// Series that differ in their codes of one more column.
void fold(std::vector<std::int32_t>& of_row, const Codes& codes, Members& members) {
  const std::uint64_t words = codes.words.size();
  const std::uint64_t before = members.front().size();
  std::vector<std::int32_t> next_code;
  std::vector<std::int32_t> parent;
  const auto add = [&](std::int32_t old, std::int32_t code) {
    parent.push_back(old);
    next_code.push_back(code);
    return static_cast<std::int32_t>(parent.size() - 1);
  };
  if (before * words <= 4 * of_row.size() + (1u << 20)) {
    std::vector<std::int32_t> table(before * words, -1);
    for (std::size_t row = 0; row < of_row.size(); ++row) {
      const auto key = static_cast<std::uint64_t>(of_row[row]) * words +
                       static_cast<std::uint64_t>(codes.codes[row]);
      if (table[key] < 0) table[key] = add(of_row[row], codes.codes[row]);
      of_row[row] = table[key];
    }
  } else {
    std::unordered_map<std::uint64_t, std::int32_t> table;
    for (std::size_t row = 0; row < of_row.size(); ++row) {
      const auto key = static_cast<std::uint64_t>(of_row[row]) * words +
                       static_cast<std::uint64_t>(codes.codes[row]);
      const auto found = table.find(key);
      if (found != table.end()) {
        of_row[row] = found->second;
      } else {
        of_row[row] = table[key] = add(of_row[row], codes.codes[row]);
      }
    }
  }
  for (auto& column : members) {
    std::vector<std::int32_t> moved(parent.size());
    for (std::size_t s = 0; s < parent.size(); ++s) {
      moved[s] = column[static_cast<std::size_t>(parent[s])];
    }
    column = std::move(moved);
  }
  members.push_back(std::move(next_code));
}

}  // namespace

Series read_series(const Table::Impl& table, std::span<const int> id_columns) {
  Series series;
  series.keys.columns = names_of(header_of(table), id_columns);
  Members members;
  std::vector<std::vector<std::string>> words;
  for (const int column : id_columns) {
    Codes codes = read_codes(table, column);
    check_no_missing(table, column, codes);
    write_whole_numbers(codes);
    if (members.empty()) {
      members.emplace_back(codes.words.size());
      for (std::size_t s = 0; s < codes.words.size(); ++s) {
        members[0][s] = static_cast<std::int32_t>(s);
      }
      series.of_row = std::move(codes.codes);
    } else {
      fold(series.of_row, codes, members);
    }
    words.push_back(std::move(codes.words));
  }

  const std::size_t count = members.front().size();
  series.ids.resize(count);
  series.keys.key.resize(words.size());
  for (std::size_t column = 0; column < words.size(); ++column) {
    series.keys.key[column].resize(count);
    for (std::size_t s = 0; s < count; ++s) {
      const std::string& word = words[column][static_cast<std::size_t>(members[column][s])];
      series.keys.key[column][s] = word;
      series.ids[s] += (column == 0 ? "" : "/") + word;
    }
  }
  std::unordered_set<std::string_view> distinct;
  for (const std::string& id : series.ids) {
    if (!distinct.insert(id).second) {
      throw DataError(fmt::format(
          "{}: two different series have the joined id '{}', because their id columns contain "
          "'/'; write the ids without it",
          table.source, id));
    }
  }
  return series;
}

}  // namespace sluice
