// What belongs to a series: from a file with a row for each series (or for each value of some of
// the id columns: a store's type), or from a column of the main table that is constant in a series.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "data/catalog/build.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// A category of words per series (nullopt = unknown); the vocabulary is sorted, so that it does
/// not depend on the order of rows.
StaticCategory category_of(const std::string& name,
                           const std::vector<const std::string*>& word_of_series) {
  std::map<std::string_view, std::int32_t> codes;
  for (const std::string* word : word_of_series) {
    if (word != nullptr) codes.emplace(*word, 0);
  }
  StaticCategory category{name, {"unknown"}, {}};
  for (auto& [word, code] : codes) {
    code = static_cast<std::int32_t>(category.vocabulary.size());
    category.vocabulary.emplace_back(word);
  }
  category.codes.reserve(word_of_series.size());
  for (const std::string* word : word_of_series) {
    category.codes.push_back(word == nullptr ? 0 : codes.at(*word));
  }
  return category;
}

/// From columns of the main table.
class FromRows {
 public:
  FromRows(const Table::Impl& table, const Series& series) : table_(table), series_(series) {}

  StaticReal real(int column) const {
    StaticReal real{table_.names[static_cast<std::size_t>(column)],
                    std::vector<float>(series_.ids.size(), kMissing)};
    read_numbers(table_, column, [&](std::int64_t row, std::span<const float> block) {
      for (std::size_t i = 0; i < block.size(); ++i) {
        if (std::isnan(block[i])) continue;
        const std::int64_t r = row + static_cast<std::int64_t>(i);
        float& value = real.values[series_.at(r)];
        if (std::isnan(value)) value = block[i];
        if (value != block[i]) {
          not_constant(r, column, fmt::format("{}", block[i]), fmt::format("{}", value));
        }
      }
    });
    return real;
  }

  StaticCategory category(int column) const {
    const Codes codes = read_codes(table_, column);
    std::vector<std::int32_t> code_of_series(series_.ids.size(), -1);
    for (std::size_t row = 0; row < codes.codes.size(); ++row) {
      const std::int32_t code = codes.codes[row];
      if (code < 0) continue;
      std::int32_t& known = code_of_series[series_.at(static_cast<std::int64_t>(row))];
      if (known < 0) known = code;
      if (known != code) {
        not_constant(static_cast<std::int64_t>(row), column,
                     codes.words[static_cast<std::size_t>(code)],
                     codes.words[static_cast<std::size_t>(known)]);
      }
    }
    std::vector<const std::string*> words;
    for (const std::int32_t code : code_of_series) {
      words.push_back(code < 0 ? nullptr : &codes.words[static_cast<std::size_t>(code)]);
    }
    return category_of(table_.names[static_cast<std::size_t>(column)], words);
  }

 private:
  [[noreturn]] void not_constant(std::int64_t row, int column, const std::string& value,
                                 const std::string& before) const {
    throw DataError(fmt::format(
        "{}: a static column must be constant in a series, but series '{}' has '{}' here and '{}' "
        "above; correct the cell, or make the column a past or future channel",
        place_of_row(table_, row, column), series_.ids[series_.at(row)], value, before));
  }

  const Table::Impl& table_;
  const Series& series_;
};

/// From a file beside the main one.
class FromFile {
 public:
  FromFile(const CatalogSpec& spec, const Series& series) : table_(read_file(spec, series)) {
    const Table::Impl& table = table_.impl();
    const Header header = header_of(table);
    std::vector<int> columns;
    std::vector<std::size_t> key_columns;
    for (std::size_t k = 0; k < series.keys.columns.size(); ++k) {
      if (!has_column(header, series.keys.columns[k])) continue;
      columns.push_back(find_column(header, series.keys.columns[k], "data.id"));
      key_columns.push_back(k);
    }
    const auto usual = usual_column(header, kUsualIds);
    if (columns.empty() && usual && series.keys.columns.size() == 1) {
      columns = {*usual};
      key_columns = {0};
    }
    if (columns.empty()) {
      throw DataError(fmt::format(
          "{}: none of the id columns is in this file; give it at least one of them; its columns "
          "are: {}",
          table.source, list_columns(header)));
    }
    row_of_series_ = match(series, read_series(table, columns), key_columns);
  }

  bool has(const std::string& name) const {
    return name.starts_with('#') || has_column(header_of(table_.impl()), name);
  }

  StaticReal real(const std::string& name) const {
    const int column = find_column(header_of(table_.impl()), name, "data.static_reals");
    const std::vector<float> numbers = read_numbers(table_.impl(), column);
    StaticReal real{table_.impl().names[static_cast<std::size_t>(column)], {}};
    for (const std::int64_t row : row_of_series_) {
      real.values.push_back(row < 0 ? kMissing : numbers[static_cast<std::size_t>(row)]);
    }
    return real;
  }

  StaticCategory category(const std::string& name) const {
    const int column = find_column(header_of(table_.impl()), name, "data.static_categories");
    const Codes codes = read_codes(table_.impl(), column);
    std::vector<const std::string*> words;
    for (const std::int64_t row : row_of_series_) {
      const std::int32_t code = row < 0 ? -1 : codes.codes[static_cast<std::size_t>(row)];
      words.push_back(code < 0 ? nullptr : &codes.words[static_cast<std::size_t>(code)]);
    }
    return category_of(table_.impl().names[static_cast<std::size_t>(column)], words);
  }

 private:
  static Table read_file(const CatalogSpec& spec, const Series& series) {
    std::vector<std::string> text = series.keys.columns;
    text.insert(text.end(), spec.static_categories.begin(), spec.static_categories.end());
    text.insert(text.end(), std::begin(kUsualIds), std::end(kUsualIds));
    Table table = read_beside(*spec.static_file, spec, text);
    if (table.rows() == 0) {
      throw DataError(fmt::format("{}: the file has no rows; write it again", table.source()));
    }
    return table;
  }

  /// For each series the row of the file that has its keys; -1 if there is none.
  std::vector<std::int64_t> match(const Series& series, const Series& own,
                                  const std::vector<std::size_t>& key_columns) const {
    std::vector<std::int64_t> row_of_own(own.ids.size(), -1);
    for (std::size_t row = 0; row < own.of_row.size(); ++row) {
      std::int64_t& known = row_of_own[own.at(static_cast<std::int64_t>(row))];
      if (known >= 0) {
        throw DataError(fmt::format("{}: a second row for '{}' (the first one: {}); remove one",
                                    place_of_row(table_.impl(), static_cast<std::int64_t>(row)),
                                    own.ids[own.at(static_cast<std::int64_t>(row))],
                                    place_of_row(table_.impl(), known)));
      }
      known = static_cast<std::int64_t>(row);
    }
    std::unordered_map<std::string_view, std::int64_t> rows;
    for (std::size_t s = 0; s < own.ids.size(); ++s) rows.emplace(own.ids[s], row_of_own[s]);
    std::vector<std::int64_t> found(series.ids.size(), -1);
    for (std::size_t s = 0; s < series.ids.size(); ++s) {
      std::string key;
      for (const std::size_t column : key_columns) {
        key += (column == key_columns.front() ? "" : "/") + series.keys.key[column][s];
      }
      const auto row = rows.find(key);
      if (row != rows.end()) found[s] = row->second;
    }
    return found;
  }

  Table table_;
  std::vector<std::int64_t> row_of_series_;
};

}  // namespace

void add_statics(const Table::Impl& table, const CatalogSpec& spec, const Series& series,
                 CatalogParts& parts) {
  const Header header = header_of(table);
  std::optional<FromFile> file;
  if (spec.static_file) file.emplace(spec, series);
  const FromRows rows(table, series);
  for (const std::string& name : spec.static_reals) {
    if (file && file->has(name)) {
      parts.static_reals.push_back(file->real(name));
      continue;
    }
    for (const int column : find_columns(header, {name}, "data.static_reals")) {
      parts.static_reals.push_back(rows.real(column));
    }
  }
  for (const std::string& name : spec.static_categories) {
    if (file && file->has(name)) {
      parts.static_categories.push_back(file->category(name));
      continue;
    }
    for (const int column : find_columns(header, {name}, "data.static_categories")) {
      parts.static_categories.push_back(rows.category(column));
    }
  }
}

}  // namespace sluice
