// What belongs to a series: from a file with a row for each series (or for each value of some of
// the id columns: a store's type), or from a column of the main table that is constant in a series.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/text.hpp"
#include "data/catalog/build.hpp"
#include "data/catalog/join.hpp"
#include "data/catalog/words.hpp"
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
    refuse_words(table_, column, "data.static_reals", "data.static_categories");
    read_numbers(table_, column, [&](std::int64_t row, std::span<const float> block) {
      for (std::size_t i = 0; i < block.size(); ++i) {
        if (std::isnan(block[i])) continue;
        const std::int64_t r = row + static_cast<std::int64_t>(i);
        float& value = real.values[series_.at(r)];
        if (std::isnan(value)) value = block[i];
        if (value != block[i]) {
          not_constant(r, column, fmt::format("{}", block[i]), fmt::format("{}", value),
                       "data.past or data.future");
        }
      }
    });
    return real;
  }

  bool is_constant(int column) const { return constant_words(table_, column, series_).has_value(); }

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
                     codes.words[static_cast<std::size_t>(known)],
                     "data.past_categories or data.future_categories");
      }
    }
    const std::string& name = table_.names[static_cast<std::size_t>(column)];
    std::vector<const std::string*> words;
    for (std::size_t i = 0; i < code_of_series.size(); ++i) {
      const std::int32_t code = code_of_series[i];
      words.push_back(code >= 0 ? &codes.words[static_cast<std::size_t>(code)]
                                : word_without_row(name, i));
    }
    return category_of(name, words);
  }

 private:
  /// What is known of a series that has no row here: its id, and what the future file says of it.
  const std::string* word_without_row(const std::string& name, std::size_t s) const {
    const auto& ids = series_.keys.columns;
    const auto id = std::find(ids.begin(), ids.end(), name);
    if (id != ids.end()) return &series_.keys.key[static_cast<std::size_t>(id - ids.begin())][s];
    const auto found = series_.of_new.find(name);
    if (found == series_.of_new.end()) return nullptr;
    const std::size_t known = series_.ids.size() - found->second.size();
    if (s < known || !found->second[s - known]) return nullptr;
    return &*found->second[s - known];
  }

  [[noreturn]] void not_constant(std::int64_t row, int column, const std::string& value,
                                 const std::string& before, const char* keys) const {
    throw DataError(fmt::format(
        "{}: a static column must be constant in a series, but series '{}' has '{}' here and '{}' "
        "above; correct the cell, or name the column in {}",
        place_of_row(table_, row, column), series_.ids[series_.at(row)], value, before, keys));
  }

  const Table::Impl& table_;
  const Series& series_;
};

/// From a file beside the main one.
class FromFile {
 public:
  /// `others`: there are other files, the main one among them, that may say what this one does not.
  FromFile(const Table::Impl& main, Table beside, const CatalogSpec& spec, const Series& series,
           bool others, CatalogNotes& notes)
      : table_(std::move(beside)) {
    const Table::Impl& table = table_.impl();
    if (table_.rows() == 0) {
      throw DataError(fmt::format("{}: the file has no rows; write it again", table.source));
    }
    notes.remarks.insert(notes.remarks.end(), table.remarks.begin(), table.remarks.end());
    const Join join = join_series(table, join_columns(main, spec, series), series);
    tell_unmatched(join, table.source, series,
                   others ? "what no other file says of them is missing, or \"unknown\""
                          : "their numbers are missing and their categories \"unknown\"",
                   "not used", notes);
    if (!join.by_id) {
      notes.remarks.push_back(
          fmt::format("{0}: joined on {1}: a row holds for every series with the same {1}",
                      table.source, fmt::join(join.columns, ", ")));
    }
    row_of_series_ = rows_of(join, spec, notes);
    const auto covered = std::count_if(row_of_series_.begin(), row_of_series_.end(),
                                       [](std::int64_t row) { return row >= 0; });
    coverage_ = fmt::format("{} of {} series", covered, row_of_series_.size());
  }

  const std::string& coverage() const { return coverage_; }
  std::string source() const { return table_.source(); }

  bool has(const std::string& name) const {
    return name.starts_with('#') || has_column(header_of(table_.impl()), name);
  }

  /// Neither this file nor the main one has the column.
  [[noreturn]] void refuse(const std::string& name, const char* key, const Header& main) const {
    throw DataError(fmt::format(
        "{}: no column '{}' ({}), and none in {}; the columns are: {}; those of {} are: {}",
        table_.source(), name, key, main.source, list_columns(header_of(table_.impl())),
        main.source, list_columns(main)));
  }

  int column_of(const std::string& name, const char* key) const {
    return find_column(header_of(table_.impl()), name, key);
  }
  const std::string& name_of(int column) const {
    return table_.impl().names[static_cast<std::size_t>(column)];
  }
  /// Where the file says it of a series that has a row; reads the file again.
  std::string place(std::size_t s, int column) const {
    return place_of_row(table_.impl(), row_of_series_[s], column);
  }

  std::vector<std::optional<float>> numbers(int column) const {
    refuse_words(table_.impl(), column, "data.static_reals", "data.static_categories");
    const std::vector<float> numbers = read_numbers(table_.impl(), column);
    std::vector<std::optional<float>> of_series(row_of_series_.size());
    for (std::size_t s = 0; s < of_series.size(); ++s) {
      if (row_of_series_[s] < 0) continue;
      const float number = numbers[static_cast<std::size_t>(row_of_series_[s])];
      if (!std::isnan(number)) of_series[s] = number;
    }
    return of_series;
  }

  SeriesWords words(int column) const {
    const Codes codes = read_codes(table_.impl(), column);
    SeriesWords of_series(row_of_series_.size());
    for (std::size_t s = 0; s < of_series.size(); ++s) {
      if (row_of_series_[s] < 0) continue;
      const std::int32_t code = codes.codes[static_cast<std::size_t>(row_of_series_[s])];
      if (code >= 0) of_series[s] = codes.words[static_cast<std::size_t>(code)];
    }
    return of_series;
  }

 private:
  /// The id columns that are there; with none, other columns that both files have: those that are
  /// not asked for as statics, or else those that are (a country, and what belongs to it).
  std::vector<JoinColumn> join_columns(const Table::Impl& main, const CatalogSpec& spec,
                                       const Series& series) const {
    const Table::Impl& table = table_.impl();
    std::vector<JoinColumn> columns = id_join_columns(table, series);
    std::vector<std::string> asked = spec.static_reals;
    asked.insert(asked.end(), spec.static_categories.begin(), spec.static_categories.end());
    const bool rows_have_series = !series.of_row.empty();
    if (columns.empty() && rows_have_series) {
      columns = attribute_join_columns(main, table, series, asked, {});
    }
    if (columns.empty() && rows_have_series) {
      columns = attribute_join_columns(main, table, series, {}, {});
    }
    if (columns.empty()) {
      const std::string bridge = bridge_remedy(table, spec, series, {});
      throw DataError(
          fmt::format("{}: none of the id columns ({}) is in this file; {}; its columns are: {}",
                      table.source, fmt::join(series.keys.columns, ", "),
                      bridge.empty() ? "give it at least one of them" : bridge,
                      list_columns(header_of(table))));
    }
    return columns;
  }

  /// For each series the row of the file that has its key; -1 if there is none.
  std::vector<std::int64_t> rows_of(const Join& join, const CatalogSpec& spec,
                                    CatalogNotes& notes) const {
    const Table::Impl& table = table_.impl();
    std::vector<int> asked;
    for (const auto* names : {&spec.static_reals, &spec.static_categories}) {
      for (const std::string& name : *names) {
        if (has(name)) asked.push_back(find_column(header_of(table), name, "data.static_reals"));
      }
    }
    SameRows same(table, asked);
    std::int64_t repeated = 0;
    const Series& own = join.keys;
    std::vector<std::int64_t> row_of_key(own.ids.size(), -1);
    for (std::size_t row = 0; row < own.of_row.size(); ++row) {
      std::int64_t& known = row_of_key[own.at(static_cast<std::int64_t>(row))];
      if (known < 0) {
        known = static_cast<std::int64_t>(row);
        continue;
      }
      if (!same(row, static_cast<std::size_t>(known))) {
        throw DataError(fmt::format(
            "{}: a second row for '{}' (the first one: {}); a file of static columns "
            "has one row for each series: remove one",
            place_of_row(table, static_cast<std::int64_t>(row)),
            own.ids[own.at(static_cast<std::int64_t>(row))], place_of_row(table, known)));
      }
      ++repeated;
    }
    if (repeated > 0) {
      notes.remarks.push_back(
          fmt::format("{}: {} the same as another row of {} series", table.source,
                      repeated == 1 ? "1 row says" : grouped(repeated) + " rows say",
                      repeated == 1 ? "its" : "their"));
    }
    std::vector<std::int64_t> rows;
    for (const std::int32_t key : join.key_of_series) {
      rows.push_back(key < 0 ? -1 : row_of_key[static_cast<std::size_t>(key)]);
    }
    return rows;
  }

  Table table_;
  std::vector<std::int64_t> row_of_series_;
  std::string coverage_;
};

std::vector<FromFile> read_files(const Table::Impl& main, const CatalogSpec& spec,
                                 const Series& series, CatalogNotes& notes) {
  std::vector<std::string> text = series.keys.columns;
  text.insert(text.end(), spec.static_categories.begin(), spec.static_categories.end());
  text.insert(text.end(), std::begin(kUsualIds), std::end(kUsualIds));
  const auto in_main = [header = header_of(main)](const std::string& name) {
    return !name.starts_with('#') && has_column(header, name);
  };
  const bool main_may_say = std::ranges::any_of(spec.static_categories, in_main) ||
                            std::ranges::any_of(spec.static_reals, in_main);
  std::vector<Table> tables = read_beside("path.statics", spec.static_files, spec, text);
  std::vector<FromFile> files;
  files.reserve(tables.size());
  for (Table& table : tables) {
    const FromFile& file = files.emplace_back(main, std::move(table), spec, series,
                                              tables.size() > 1 || main_may_say, notes);
    notes.static_coverage += (notes.static_coverage.empty() ? "" : "; ") + file.coverage();
    if (tables.size() > 1) notes.static_coverage += fmt::format(" ({})", file.source());
  }
  return files;
}

/// A column that files beside the main one have, of all series: each file says it of those that
/// have a row in it, and the main file of the rest, where it has the column.
class Told {
 public:
  Told(const std::vector<FromFile>& files, const FromRows& rows, const Header& main,
       const Series& series)
      : files_(files), rows_(rows), main_(main), series_(series) {}

  /// nullopt: no file has the column.
  std::optional<StaticReal> real(const std::string& name) const {
    const char* key = "data.static_reals";
    std::string column_name = name;
    const auto told = all<float>(name, key, [&](const FromFile& file, int column) {
      column_name = file.name_of(column);
      return file.numbers(column);
    });
    if (!told) return std::nullopt;
    StaticReal real{column_name, {}};
    for (const std::optional<float>& number : *told) {
      real.values.push_back(number.value_or(kMissing));
    }
    if (const auto column = fills(name, *told)) {
      const StaticReal main = rows_.real(*column);
      for (std::size_t s = 0; s < told->size(); ++s) {
        if (!(*told)[s]) real.values[s] = main.values[s];
      }
    }
    return real;
  }

  std::optional<StaticCategory> category(const std::string& name) const {
    const char* key = "data.static_categories";
    std::string column_name = name;
    auto told = all<std::string>(name, key, [&](const FromFile& file, int column) {
      column_name = file.name_of(column);
      return file.words(column);
    });
    if (!told) return std::nullopt;
    if (const auto column = fills(name, *told)) {
      const StaticCategory main = rows_.category(*column);
      for (std::size_t s = 0; s < told->size(); ++s) {
        const auto code = static_cast<std::size_t>(main.codes[s]);
        if (!(*told)[s] && code != 0) (*told)[s] = main.vocabulary[code];
      }
    }
    std::vector<const std::string*> words;
    for (const auto& word : *told) words.push_back(word ? &*word : nullptr);
    return category_of(column_name, words);
  }

 private:
  /// What `read(file, column)` gives of every file that has the column. Throws DataError where two
  /// say different things of a series.
  template <typename Value, typename Read>
  std::optional<std::vector<std::optional<Value>>> all(const std::string& name, const char* key,
                                                       Read read) const {
    std::optional<std::vector<std::optional<Value>>> told;
    std::vector<const FromFile*> said_by(series_.ids.size(), nullptr);
    for (const FromFile& file : files_) {
      if (!file.has(name)) continue;
      if (name.starts_with('#') && files_.size() > 1) {
        throw ConfigError(fmt::format(
            "{}: '{}' is another column in each of the {} files of path.statics; give the "
            "column's name",
            key, name, files_.size()));
      }
      const int column = file.column_of(name, key);
      const std::vector<std::optional<Value>> here = read(file, column);
      if (!told) told.emplace(here.size());
      for (std::size_t s = 0; s < here.size(); ++s) {
        if (!here[s]) continue;
        std::optional<Value>& known = (*told)[s];
        if (known && *known != *here[s]) {
          throw DataError(fmt::format(
              "{}: series '{}' has '{}' here and '{}' at {}; correct one of the files, or take "
              "the column {} out of it",
              file.place(s, column), series_.ids[s], *here[s], *known,
              said_by[s]->place(s, said_by[s]->column_of(name, key)), name));
        }
        known = here[s];
        said_by[s] = &file;
      }
    }
    return told;
  }

  /// The main file's column of that name, where some series have no value yet and it is constant in
  /// each series.
  template <typename Value>
  std::optional<int> fills(const std::string& name,
                           const std::vector<std::optional<Value>>& told) const {
    const bool whole = std::all_of(told.begin(), told.end(), [](const auto& v) { return v; });
    if (whole || name.starts_with('#') || !has_column(main_, name)) return std::nullopt;
    const int column = find_column(main_, name, "data.static_*");
    if (!rows_.is_constant(column)) return std::nullopt;
    return column;
  }

  const std::vector<FromFile>& files_;
  const FromRows& rows_;
  const Header& main_;
  const Series& series_;
};

}  // namespace

void add_statics(const Table::Impl& table, const CatalogSpec& spec, const Series& series,
                 CatalogParts& parts, CatalogNotes& notes) {
  const Header header = header_of(table);
  const std::vector<FromFile> files = read_files(table, spec, series, notes);
  const FromRows rows(table, series);
  const Told told(files, rows, header, series);
  const auto columns_of = [&](const std::string& name, const char* key) {
    if (!files.empty() && !has_column(header, name) && !name.starts_with('#')) {
      files.front().refuse(name, key, header);
    }
    return find_columns(header, {name}, key);
  };
  for (const std::string& name : spec.static_reals) {
    if (auto real = told.real(name)) {
      parts.static_reals.push_back(std::move(*real));
      continue;
    }
    for (const int column : columns_of(name, "data.static_reals")) {
      parts.static_reals.push_back(rows.real(column));
    }
  }
  for (const std::string& name : spec.static_categories) {
    if (auto category = told.category(name)) {
      parts.static_categories.push_back(std::move(*category));
      continue;
    }
    for (const int column : columns_of(name, "data.static_categories")) {
      parts.static_categories.push_back(rows.category(column));
    }
  }
}

}  // namespace sluice
