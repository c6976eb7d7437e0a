#include "data/catalog/unique.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <unordered_map>

#include "base/text.hpp"
#include "data/catalog/kinds.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/time_parts.hpp"
#include "data/catalog/uses.hpp"

namespace sluice {
namespace {

constexpr std::size_t kMostCandidates = 8;

/// Dense codes of rows by some columns; `distinct` of them.
struct RowCodes {
  std::vector<std::int32_t> of_row;
  std::int64_t distinct = 0;
};

class RowsApart {
 public:
  explicit RowsApart(const Table::Impl& table) : table_(table) {}

  const RowCodes& of(int column) {
    const auto known = codes_.find(column);
    if (known != codes_.end()) return known->second;
    Codes codes = read_codes(table_, column);
    // A missing cell is a value of its own here.
    for (std::int32_t& code : codes.codes) ++code;
    return codes_
        .emplace(column, RowCodes{std::move(codes.codes),
                                  static_cast<std::int64_t>(codes.words.size()) + 1})
        .first->second;
  }

  static RowCodes both(const RowCodes& a, const RowCodes& b) {
    RowCodes codes;
    codes.of_row.reserve(a.of_row.size());
    std::unordered_map<std::int64_t, std::int32_t> known;
    for (std::size_t row = 0; row < a.of_row.size(); ++row) {
      const std::int64_t key = a.of_row[row] * b.distinct + b.of_row[row];
      const auto next = static_cast<std::int32_t>(known.size());
      codes.of_row.push_back(known.emplace(key, next).first->second);
    }
    codes.distinct = static_cast<std::int64_t>(known.size());
    return codes;
  }

  static bool all_differ(const RowCodes& codes) {
    std::vector<char> seen(static_cast<std::size_t>(codes.distinct) + 1, 0);
    return std::all_of(codes.of_row.begin(), codes.of_row.end(), [&](std::int32_t code) {
      return seen[static_cast<std::size_t>(code)]++ == 0;
    });
  }

 private:
  const Table::Impl& table_;
  std::map<int, RowCodes> codes_;
};

/// Whether the numbers are 1 to n or 0 to n - 1, each of them several times: parts of a day.
bool counts_up(const Table::Impl& table, int column) {
  constexpr std::int64_t kFewest = 3, kMost = 1440;
  const Codes codes = read_codes(table, column);
  const auto count = std::ssize(codes.words);
  if (count < kFewest || count > kMost || count == std::ssize(codes.codes)) return false;
  const bool zero = std::find(codes.words.begin(), codes.words.end(), "0") != codes.words.end();
  return std::all_of(codes.words.begin(), codes.words.end(), [&](const std::string& word) {
    std::int64_t number = -1;
    std::from_chars(word.data(), word.data() + word.size(), number);
    return number >= (zero ? 0 : 1) && number <= count - (zero ? 1 : 0);
  });
}

/// Rows that are not of the longest series by `base` and `more` among those of one series by
/// `base`.
std::int64_t rows_split_off(RowsApart& rows, const RowCodes& base, std::span<const int> more) {
  RowCodes split = base;
  for (const int column : more) split = RowsApart::both(split, rows.of(column));
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(split.distinct) + 1, 0);
  std::vector<std::int64_t> longest(static_cast<std::size_t>(base.distinct) + 1, 0);
  for (const std::int32_t code : split.of_row) ++lengths[static_cast<std::size_t>(code)];
  for (std::size_t row = 0; row < split.of_row.size(); ++row) {
    std::int64_t& most = longest[static_cast<std::size_t>(base.of_row[row])];
    most = std::max(most, lengths[static_cast<std::size_t>(split.of_row[row])]);
  }
  std::int64_t off = std::ssize(split.of_row);
  for (const std::int64_t length : longest) off -= length;
  return off;
}

/// The value of the row above that has one, where a cell is empty; nullopt where a row has none.
std::optional<RowCodes> filled_down(const Codes& codes) {
  RowCodes filled{codes.codes, static_cast<std::int64_t>(codes.words.size())};
  for (std::size_t row = 0; row < filled.of_row.size(); ++row) {
    if (filled.of_row[row] >= 0) continue;
    if (row == 0) return std::nullopt;
    filled.of_row[row] = filled.of_row[row - 1];
  }
  return filled;
}

bool in(std::span<const int> list, int column) {
  return std::find(list.begin(), list.end(), column) != list.end();
}

/// The first `size` of `candidates` (from `from` on) that complete `so_far`.
bool complete(RowsApart& rows, const RowCodes& so_far, std::span<const int> candidates,
              std::size_t size, std::vector<int>& chosen) {
  for (std::size_t i = 0; i + size <= candidates.size(); ++i) {
    const RowCodes more = RowsApart::both(so_far, rows.of(candidates[i]));
    chosen.push_back(candidates[i]);
    if (size == 1 ? RowsApart::all_differ(more)
                  : complete(rows, more, candidates.subspan(i + 1), size - 1, chosen)) {
      return true;
    }
    chosen.pop_back();
  }
  return false;
}

}  // namespace

std::int64_t row_count(const Table::Impl& table) {
  std::int64_t count = 0;
  for (const TablePart& part : table.parts) count += part.table.num_rows();
  return count;
}

std::vector<int> unique_columns(const Table::Impl& table, std::span<const int> fixed,
                                std::span<const int> candidates) {
  RowsApart rows(table);
  RowCodes start{std::vector<std::int32_t>(static_cast<std::size_t>(row_count(table)), 0), 1};
  for (const int column : fixed) start = RowsApart::both(start, rows.of(column));
  std::vector<int> usable;
  for (const int column : candidates) {
    if (usable.size() == kMostCandidates) break;
    const bool numbers_rows = !fixed.empty() && RowsApart::all_differ(rows.of(column));
    if (!numbers_rows) usable.push_back(column);
  }
  if (usable.size() > 1) {  // else looked at at once, below
    RowCodes all = start;
    for (const int column : usable) all = RowsApart::both(all, rows.of(column));
    if (!RowsApart::all_differ(all)) return {};
  }
  std::vector<int> chosen;
  for (const std::size_t size : {1u, 2u, 3u, 4u}) {
    if (complete(rows, start, usable, size, chosen)) return chosen;
  }
  return {};
}

namespace {

/// Columns that have another role than to name series or times.
std::vector<int> taken_columns(const Header& header, const CatalogSpec& spec) {
  std::vector<int> taken;
  for (const auto* names : {&spec.targets, &spec.past, &spec.future, &spec.static_reals,
                            &spec.past_categories, &spec.future_categories, &spec.more_time}) {
    for (const std::string& name : *names) {
      if (!has_column(header, name) && !name.starts_with('#')) continue;
      const std::vector<int> found = find_columns(header, {name}, "data");
      taken.insert(taken.end(), found.begin(), found.end());
    }
  }
  return taken;
}

}  // namespace

std::vector<int> id_candidates(const Table::Impl& table, const CatalogSpec& spec,
                               std::optional<int> time) {
  const std::vector<int> taken = taken_columns(header_of(table), spec);
  std::vector<int> named, words;
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    if (column == time || in(taken, column)) continue;
    const std::string& name = table.names[static_cast<std::size_t>(column)];
    const bool id_name = is_one_of(name, kUsualIds) || is_id_name(name);
    const Holds holds = contents_of(table, column).holds;
    // Words that are numbers throughout are ids where the file's reader kept them as text ("007").
    const auto is_whole = [&] {
      if (holds == Holds::integers || holds == Holds::digits) return true;
      return holds == Holds::reals &&
             (!is_numeric(table, column) || holds_whole_numbers(table, column));
    };
    if (id_name && (holds == Holds::text || is_whole())) {
      named.push_back(column);
    } else if (holds == Holds::text && !is_target_name(name)) {
      words.push_back(column);
    }
  }
  named.insert(named.end(), words.begin(), words.end());
  return named;
}

std::string unique_ids_text(const Table::Impl& table, std::span<const int> ids) {
  const std::vector<std::string> names = names_of(header_of(table), ids);
  const std::string setting = shell_quoted(setting_text(header_of(table), ids));
  if (names.size() == 1) {
    return fmt::format("{} alone is unique: --data.id {}", listed(names.front()), setting);
  }
  std::string all = listed(names.front());
  for (std::size_t i = 1; i < names.size(); ++i) {
    all += (i + 1 == names.size() ? " and " : ", ") + listed(names[i]);
  }
  return fmt::format("{} together are unique: --data.id {}", all, setting);
}

std::string whole_time_text(const Table::Impl& table, const CatalogSpec& spec, int time,
                            std::span<const int> rest) {
  const Header header = header_of(table);
  std::vector<std::string> names = parts_of_time(spec);
  if (names.empty()) names = {table.names[static_cast<std::size_t>(time)]};
  for (const std::string& name : names_of(header, rest)) names.push_back(name);
  std::vector<int> columns = find_columns(header, parts_of_time(spec), "data.time");
  if (columns.empty()) columns = {time};
  columns.insert(columns.end(), rest.begin(), rest.end());
  return fmt::format("'{}' and '{}' together are the time: --data.time {}",
                     fmt::join(std::span(names).first(names.size() - 1), "', '"), names.back(),
                     shell_quoted(setting_text(header, columns)));
}

std::string whole_time_remedy(const Table::Impl& table, const CatalogSpec& spec,
                              std::span<const int> ids, int time) {
  const std::vector<int> rest = completing_columns(table, time);
  if (rest.empty()) return {};
  RowsApart rows(table);
  RowCodes codes = rows.of(time);
  for (const int id : ids) codes = RowsApart::both(codes, rows.of(id));
  for (const int column : rest) codes = RowsApart::both(codes, rows.of(column));
  return RowsApart::all_differ(codes) ? whole_time_text(table, spec, time, rest) : "";
}

namespace {

/// Of merged cells a spreadsheet writes the first one only: a column of few cells that, filled
/// down, tells the rows apart.
std::string fill_down_remedy(const Table::Impl& table, std::span<const int> fixed,
                             std::span<const int> candidates) {
  RowsApart rows(table);
  const std::int64_t count = row_count(table);
  for (const int column : candidates) {
    const Codes codes = read_codes(table, column);
    const auto cells = std::count_if(codes.codes.begin(), codes.codes.end(),
                                     [](std::int32_t code) { return code >= 0; });
    if (cells < 2 || 2 * cells > count) continue;
    auto filled = filled_down(codes);
    if (!filled) continue;
    for (const int other : fixed) filled = RowsApart::both(*filled, rows.of(other));
    if (!RowsApart::all_differ(*filled)) continue;
    return fmt::format(
        "'{}' has a value in {} of {} rows, each above a block: fill it down in the file, so that "
        "every row has its own; else ",
        table.names[static_cast<std::size_t>(column)], grouped(cells), grouped(count));
  }
  return {};
}

/// The columns that make rows unique, but a flag or the like, which splits series of hardly any
/// rows off (a row that was corrected later, or deleted); or a sentence on the rows that repeat.
std::string unique_remedy(const Table::Impl& table, const CatalogSpec& spec,
                          std::span<const int> ids, std::span<const int> fixed,
                          std::vector<int> candidates) {
  constexpr std::int64_t kHardlyAny = 20;  // one of so many rows
  RowsApart rows(table);
  const std::int64_t count = row_count(table);
  std::string flags;
  for (;;) {
    std::vector<int> found = unique_columns(table, fixed, candidates);
    if (found.empty()) break;
    RowCodes base{std::vector<std::int32_t>(static_cast<std::size_t>(count), 0), 1};
    std::vector<int> more;
    for (const int id : ids) {
      if (in(fixed, id) || in(found, id)) base = RowsApart::both(base, rows.of(id));
    }
    std::copy_if(found.begin(), found.end(), std::back_inserter(more),
                 [&](int column) { return !in(ids, column); });
    if (more.empty() || kHardlyAny * rows_split_off(rows, base, more) > count) {
      if (!spec.id.empty()) found.insert(found.begin(), ids.begin(), ids.end());
      return fmt::format("rows repeat for one time; {}; else ", unique_ids_text(table, found));
    }
    for (const std::string& name : names_of(header_of(table), more)) {
      flags += (flags.empty() ? "'" : ", '") + name + "'";
    }
    std::erase_if(candidates, [&](int column) { return in(more, column); });
  }
  if (flags.empty()) return {};
  RowCodes codes = rows.of(fixed.front());  // the time
  for (const int id : ids) codes = RowsApart::both(codes, rows.of(id));
  std::vector<char> seen(static_cast<std::size_t>(codes.distinct) + 1, 0);
  std::int64_t second = 0;
  for (const std::int32_t code : codes.of_row) {
    char& known = seen[static_cast<std::size_t>(code)];
    second += known;
    known = 1;
  }
  return fmt::format(
      "{} of {} rows repeat a time of their series, and {} would make series of hardly any rows: "
      "--data.duplicates last keeps the later row of the file; else ",
      grouped(second), grouped(count), flags);
}

}  // namespace

std::string year_remedy(const TimeAxis& axis, std::span<const std::int64_t> periods) {
  const bool sorted = std::ranges::is_sorted(periods) ||
                      std::ranges::is_sorted(periods, std::greater());  // the newest row first
  if (!axis.integers || periods.size() < 2 || !sorted) return {};
  return fmt::format(
      "the numbers begin again behind {}: if they count within a year, write them with their year "
      "(2022-W05, 2022-01, 2022-Q1); else ",
      axis.text_of(periods.back()));
}

std::string repeated_rows_remedy(const Table::Impl& table, const CatalogSpec& spec,
                                 std::span<const int> ids, int time) {
  const std::vector<int> times = {time};
  std::vector<int> candidates = id_candidates(table, spec, time);
  // Ids that the user named stay; those that were guessed may be the wrong ones.
  std::vector<int> fixed = times;
  if (!spec.id.empty()) {
    fixed.insert(fixed.end(), ids.begin(), ids.end());
    std::erase_if(candidates, [&](int column) { return in(ids, column); });
  }
  if (std::string down = fill_down_remedy(table, fixed, candidates); !down.empty()) return down;
  if (std::string unique = unique_remedy(table, spec, ids, fixed, candidates); !unique.empty()) {
    return unique;
  }
  if (const std::string whole = whole_time_remedy(table, spec, ids, time); !whole.empty()) {
    return whole + "; else ";
  }
  const std::string& name = table.names[static_cast<std::size_t>(time)];
  const std::vector<int> taken = taken_columns(header_of(table), spec);
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    if (column == time || in(ids, column) || in(taken, column)) continue;
    const Holds holds = contents_of(table, column).holds;
    const std::string& other = table.names[static_cast<std::size_t>(column)];
    if (holds == Holds::clock) {
      return fmt::format(
          "'{}' holds times of a day: write '{}' and '{}' into one column (2022-01-31 13:15); "
          "else ",
          other, name, other);
    }
    // What is to be forecast may happen to grow from row to row.
    const bool counts =
        holds == Holds::integers && !is_one_of(other, kUsualTargets) && counts_up(table, column);
    if (holds != Holds::dates && !counts) continue;
    RowsApart rows(table);
    RowCodes codes = rows.of(column);
    for (const int id : ids) codes = RowsApart::both(codes, rows.of(id));
    if (counts) {
      if (!RowsApart::all_differ(RowsApart::both(codes, rows.of(time)))) continue;
      return fmt::format(
          "'{}' tells the rows of one time apart: if it counts the parts of a day, write the time "
          "of each row into one column (2022-01-31 13:15); else ",
          other);
    }
    if (RowsApart::all_differ(codes)) {
      return fmt::format("the times of '{}' do not repeat: --data.time {}; else ", other,
                         shell_quoted(setting_text(header_of(table), {&column, 1})));
    }
  }
  return {};
}

}  // namespace sluice
