#include "data/catalog/join.hpp"

#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "data/catalog/alike.hpp"
#include "data/catalog/names.hpp"
#include "data/table/cells.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// The column of that name, in any case where no column has it exactly.
std::optional<int> column_named(const Header& header, const std::string& name) {
  if (has_column(header, name)) return find_column(header, name, "data.id");
  const std::string_view wanted[] = {name};
  return usual_column(header, wanted);
}

bool is_whole_numbers(const Table::Impl& table, int column) {
  return std::all_of(table.parts.begin(), table.parts.end(), [&](const TablePart& part) {
    return arrow::is_integer(part.table.type(column).id());
  });
}

/// Whether the column says who a row is for rather than when: a time has several of its numbers,
/// the series have several of them, or it has one number only, which some series has too.
bool tells_series_apart(const Codes& codes, std::span<const std::int64_t> times,
                        const std::vector<std::optional<std::string>>& of_series) {
  if (times.empty()) return true;
  std::unordered_map<std::int64_t, std::int32_t> of_time;
  for (std::size_t row = 0; row < times.size(); ++row) {
    if (times[row] == kNoPeriod) continue;
    const auto [entry, fresh] = of_time.try_emplace(times[row], codes.codes[row]);
    if (!fresh && entry->second != codes.codes[row]) return true;
  }
  const std::unordered_set<std::string_view> words(codes.words.begin(), codes.words.end());
  std::unordered_set<std::string_view> shared;
  for (const auto& word : of_series) {
    if (word && words.contains(*word)) shared.insert(*word);
  }
  return shared.size() > 1 || (shared.size() == 1 && codes.words.size() == 1);
}

/// Whether two columns may say the same of what a row is for: a word of one is in the other; of
/// whole numbers, which are soon alike, most of those of `side` are.
bool share_words(const Table::Impl& side, int in_side, const Table::Impl& other, int in_other) {
  const std::vector<std::string> here = read_codes(side, in_side).words;
  const std::vector<std::string> there = read_codes(other, in_other).words;
  const std::unordered_set<std::string_view> known(there.begin(), there.end());
  const auto shared = std::count_if(here.begin(), here.end(),
                                    [&](const std::string& word) { return known.contains(word); });
  return is_words(side, in_side) ? shared > 0 : 2 * shared > std::ssize(here);
}

/// The key of a series, written as the side file's keys are; empty if a column of it is missing.
std::string key_of(const std::vector<JoinColumn>& columns, std::size_t s) {
  std::string key;
  for (const JoinColumn& column : columns) {
    if (!column.of_series[s]) return {};
    key += (&column == &columns.front() ? "" : "/") + *column.of_series[s];
  }
  return key;
}

}  // namespace

std::optional<SeriesWords> constant_words(const Table::Impl& table, int column,
                                          const Series& series) {
  const Codes codes = read_codes(table, column);
  std::vector<std::int32_t> code_of_series(series.ids.size(), -1);
  for (std::size_t row = 0; row < codes.codes.size(); ++row) {
    const std::int32_t code = codes.codes[row];
    if (code < 0) continue;
    std::int32_t& known = code_of_series[series.at(static_cast<std::int64_t>(row))];
    if (known >= 0 && known != code) return std::nullopt;
    known = code;
  }
  SeriesWords words(series.ids.size());
  for (std::size_t s = 0; s < words.size(); ++s) {
    if (code_of_series[s] >= 0) words[s] = codes.words[static_cast<std::size_t>(code_of_series[s])];
  }
  return words;
}

bool is_words(const Table::Impl& table, int column) {
  return std::all_of(table.parts.begin(), table.parts.end(), [&](const TablePart& part) {
    const arrow::DataType& type = part.table.type(column);
    return cells::is_text(type) || type.id() == arrow::Type::DICTIONARY;
  });
}

std::string first_three(std::span<const std::string> names) {
  const auto shown = names.first(std::min<std::size_t>(3, names.size()));
  return fmt::format("{}{}", fmt::join(shown, ", "), names.size() > 3 ? ", ..." : "");
}

std::vector<JoinColumn> id_join_columns(const Table::Impl& side, const Series& series) {
  const Header header = header_of(side);
  const SeriesKeys& keys = series.keys;
  std::vector<JoinColumn> columns;
  for (std::size_t k = 0; k < keys.columns.size(); ++k) {
    auto column = column_named(header, keys.columns[k]);
    if (!column && keys.columns.size() == 1) column = usual_column(header, kUsualIds);
    if (!column) continue;
    columns.push_back({keys.columns[k], *column, {keys.key[k].begin(), keys.key[k].end()}});
  }
  return columns;
}

std::string bridge_remedy(const Table::Impl& side, const CatalogSpec& spec, const Series& series,
                          std::span<const int> others) {
  for (const Table& statics :
       read_beside("path.statics", spec.static_files, spec, series.keys.columns)) {
    const Table::Impl& table = statics.impl();
    const std::vector<JoinColumn> ids = id_join_columns(table, series);
    if (ids.empty()) continue;
    for (std::size_t c = 0; c < side.names.size(); ++c) {
      const std::string& name = side.names[c];
      const bool other =
          std::find(others.begin(), others.end(), static_cast<int>(c)) != others.end();
      const Header header = header_of(table);
      if (other || is_calendar_name(name) || !has_column(header, name)) continue;
      const int in_statics = find_column(header, name, "path.statics");
      if (!share_words(side, static_cast<int>(c), table, in_statics)) continue;
      return fmt::format(
          "its column '{0}' stands beside {1} in {2}, and a file beside the data is joined with "
          "the data alone: write {0} into the data (that of each {1}, from {2}), or {1} into this "
          "file",
          name, ids.front().name, table.source);
    }
  }
  return {};
}

std::vector<JoinColumn> attribute_join_columns(const Table::Impl& main, const Table::Impl& side,
                                               const Series& series,
                                               std::span<const std::string> left_out,
                                               std::span<const std::int64_t> times) {
  const Header here = header_of(main), there = header_of(side);
  std::vector<JoinColumn> columns;
  for (const std::string& name : there.names) {
    const bool is_id = std::find(series.keys.columns.begin(), series.keys.columns.end(), name) !=
                       series.keys.columns.end();
    if (is_id || std::find(left_out.begin(), left_out.end(), name) != left_out.end()) continue;
    if (std::count(there.names.begin(), there.names.end(), name) != 1 ||
        std::count(here.names.begin(), here.names.end(), name) != 1) {
      continue;
    }
    const int in_side = find_column(there, name, "data.id");
    const int in_main = find_column(here, name, "data.id");
    const bool words = is_words(side, in_side);
    if (!words && !is_whole_numbers(side, in_side)) continue;
    auto of_series = constant_words(main, in_main, series);
    if (!of_series) continue;
    if (!words && !tells_series_apart(read_codes(side, in_side), times, *of_series)) continue;
    columns.push_back({name, in_side, std::move(*of_series)});
  }
  return columns;
}

Join join_series(const Table::Impl& side, const std::vector<JoinColumn>& columns,
                 const Series& series) {
  Join join;
  std::vector<int> places;
  for (const JoinColumn& column : columns) {
    join.columns.push_back(column.name);
    places.push_back(column.column);
  }
  join.by_id = join.columns == series.keys.columns;
  join.keys = read_series(side, places);
  std::unordered_map<std::string_view, std::int32_t> codes;
  for (std::size_t k = 0; k < join.keys.ids.size(); ++k) {
    codes.emplace(join.keys.ids[k], static_cast<std::int32_t>(k));
  }
  for (std::size_t s = 0; s < series.ids.size(); ++s) {
    join.text_of_series.push_back(key_of(columns, s));
    const auto found = codes.find(join.text_of_series.back());
    join.key_of_series.push_back(found == codes.end() ? -1 : found->second);
  }
  return join;
}

std::vector<std::int32_t> keys_without_series(const Join& join) {
  std::vector<char> used(join.keys.ids.size(), 0);
  for (const std::int32_t key : join.key_of_series) {
    if (key >= 0) used[static_cast<std::size_t>(key)] = 1;
  }
  std::vector<std::int32_t> unused;
  for (std::size_t key = 0; key < used.size(); ++key) {
    if (used[key] == 0) unused.push_back(static_cast<std::int32_t>(key));
  }
  return unused;
}

bool SameRows::operator()(std::size_t row, std::size_t other) {
  if (codes_.empty()) {
    for (const int column : columns_) codes_.push_back(read_codes(table_, column));
  }
  return std::all_of(codes_.begin(), codes_.end(),
                     [&](const Codes& column) { return column.codes[row] == column.codes[other]; });
}

void tell_unmatched(const Join& join, const std::string& source, const Series& series,
                    const std::string& without_row, const std::string& without_series,
                    CatalogNotes& notes) {
  std::vector<std::string> lonely_series, their_keys, other_keys, lonely_keys;
  for (std::size_t s = 0; s < series.ids.size(); ++s) {
    if (join.key_of_series[s] >= 0) {
      other_keys.push_back(join.text_of_series[s]);
      continue;
    }
    lonely_series.push_back(series.ids[s]);
    their_keys.push_back(join.text_of_series[s]);
  }
  for (const std::int32_t key : keys_without_series(join)) {
    lonely_keys.push_back(join.keys.ids[static_cast<std::size_t>(key)]);
  }
  const std::string on = fmt::format("{}", fmt::join(join.columns, ", "));
  const std::string alike = say_alike(lonely_keys, their_keys);
  if (lonely_series.size() == series.ids.size()) {
    throw DataError(fmt::format(
        "{}: none of its {} values of {} is in the data (there: '{}'; in the data: '{}'); {}",
        source, lonely_keys.size(), on, lonely_keys.front(), their_keys.front(),
        alike.empty() ? "write them alike in both files" : alike));
  }
  if (!lonely_series.empty()) {
    notes.remarks.push_back(
        fmt::format("{}: {} of {} series {} no row in it ({}): {}{}", source, lonely_series.size(),
                    series.ids.size(), lonely_series.size() == 1 ? "has" : "have",
                    first_three(lonely_series), without_row, alike.empty() ? "" : "; " + alike));
  }
  if (!lonely_keys.empty() && !without_series.empty()) {
    const std::string also = alike.empty() ? say_alike(lonely_keys, other_keys) : "";
    notes.remarks.push_back(fmt::format(
        "{}: {} of its {} values of {} {} not in the data ({}): {}{}{}", source, lonely_keys.size(),
        join.keys.ids.size(), on, lonely_keys.size() == 1 ? "is" : "are", first_three(lonely_keys),
        without_series, also.empty() ? "" : "; ", also));
  }
}

}  // namespace sluice
