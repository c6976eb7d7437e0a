#include "data/catalog/roles.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "base/text.hpp"
#include "data/catalog/crosstab.hpp"
#include "data/catalog/kinds.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/uses.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

bool in(const std::vector<int>& list, int column) {
  return std::find(list.begin(), list.end(), column) != list.end();
}

/// Finds the targets where data.targets names none.
class TargetGuess {
 public:
  TargetGuess(const Table::Impl& table, const CatalogSpec& spec, const ColumnChoice& choice,
              const std::vector<int>& others, CatalogNotes& notes)
      : table_(table),
        header_(header_of(table)),
        spec_(spec),
        choice_(choice),
        others_(others),
        flags_(spec.layout == Layout::automatic ? flags_of_periods(table) : std::vector<int>()),
        notes_(notes) {}

  /// The one column of a usual name; else the only one that could be meant.
  std::vector<int> one() {
    for (const std::string_view word : kUsualTargets) {
      const std::string_view usual[] = {word};
      const auto column = usual_column(header_, usual);
      if (!column || is_taken(*column)) continue;
      refuse_second_name(header_, *column, "data.targets");
      remark_other_usual(*column);
      return {*column};
    }
    std::vector<int> numbers, named;
    for (int column = 0; column < count(); ++column) {
      if (is_taken(column) || !why_no_target(column).empty() || is_id_name(name(column))) continue;
      numbers.push_back(column);
      if (is_target_name(name(column))) named.push_back(column);
    }
    const bool by_name = named.size() == 1;
    if (by_name || numbers.size() == 1) {
      const int column = by_name ? named.front() : numbers.front();
      refuse_second_name(header_, column, "data.targets");
      notes_.remarks.push_back(
          fmt::format("{} is forecast ({}; data.targets)", name(column),
                      by_name ? "by its name" : "no other column could be meant"));
      return {column};
    }
    const std::string what = named.empty() ? "none has a usual name (y, target, value, sales)"
                                           : "several have usual names";
    const std::vector<int>& candidates = named.empty() ? numbers : named;
    if (candidates.empty()) {
      throw DataError(fmt::format(
          "{}: which column is to be forecast? none holds numbers beside id and time; set "
          "data.targets; the columns are: {}",
          table_.source, list_columns(header_)));
    }
    throw DataError(fmt::format(
        "{}: which column is to be forecast? {}; set data.targets to one or more of: {}",
        table_.source, what, fmt::join(names_of(header_, candidates), ", ")));
  }

  /// Every column of numbers, but those that certainly are no series.
  std::vector<int> each() {
    std::vector<int> columns, left;
    for (int column = 0; column < count(); ++column) {
      if (is_taken(column)) continue;
      const std::string reason = why_no_target(column);
      if (reason.empty()) {
        columns.push_back(column);
        continue;
      }
      leave_out(notes_, column, reason);
      left.push_back(column);
    }
    // A single column of values is a series even under the name of a shop, and is meant even where
    // none of its cells is a number: reading it names the first one.
    if (columns.empty()) {
      for (const auto could_be : {&TargetGuess::is_number_of_id_name, &TargetGuess::is_words}) {
        std::copy_if(left.begin(), left.end(), std::back_inserter(columns),
                     [&](int column) { return (this->*could_be)(column); });
        if (columns.size() == 1) break;
        columns.clear();
      }
      if (columns.empty()) columns = flags_;  // nothing else could be meant
      for (const int column : columns) std::erase(left, column);
    }
    refuse_second_names(columns);
    if (columns.empty()) {
      throw DataError(
          fmt::format("{}: which column is to be forecast? none holds numbers beside the time; set "
                      "data.targets; the columns are: {}",
                      table_.source, list_columns(header_)));
    }
    remark_left_out(table_, left, notes_);
    if (columns.size() > 1 && spec_.layout == Layout::automatic) {
      notes_.remarks.push_back(fmt::format(
          "no column names the series, so each of {} columns is one (data.layout \"columns\"): {}; "
          "for one series with inputs set data.layout = \"single\", data.targets and data.past",
          columns.size(), some_names(names_of(header_, columns))));
    }
    return columns;
  }

 private:
  int count() const { return static_cast<int>(table_.names.size()); }
  const std::string& name(int column) const {
    return table_.names[static_cast<std::size_t>(column)];
  }
  /// A file with both "value" and "sales" leaves a choice, which their order here makes.
  void remark_other_usual(int chosen) {
    std::vector<int> others;
    for (int column = 0; column < count(); ++column) {
      if (column == chosen || is_taken(column) || !is_one_of(name(column), kUsualTargets)) continue;
      if (is_number(contents_of(table_, column).holds)) others.push_back(column);
    }
    if (others.empty()) return;
    notes_.remarks.push_back(fmt::format(
        "{} is forecast, although {} {} a usual name, too: --data.targets {} chooses {}",
        name(chosen), some_names(names_of(header_, others)), others.size() == 1 ? "has" : "have",
        shell_quoted(setting_text(header_, {&others.front(), 1})),
        others.size() == 1 ? "it" : name(others.front())));
  }
  bool is_taken(int column) const {
    return column == choice_.time || in(choice_.ids, column) || in(others_, column);
  }

  /// Of many columns at once.
  void refuse_second_names(const std::vector<int>& columns) const {
    std::unordered_set<std::string_view> seen;
    for (const int column : columns) {
      if (!seen.insert(name(column)).second) refuse_second_name(header_, column, "data.targets");
    }
  }

  bool is_number_of_id_name(int column) const {
    return is_id_name(name(column)) && is_number(contents_of(table_, column).holds);
  }
  bool is_words(int column) const { return contents_of(table_, column).holds == Holds::text; }

  /// Empty for a column that can be a target.
  std::string why_no_target(int column) const {
    const Contents contents = contents_of(table_, column);
    const bool whole = contents.holds == Holds::integers || contents.holds == Holds::digits;
    if (is_pandas_index(name(column))) return "it is the index that pandas writes";
    if (is_unnamed(name(column))) {
      if (contents.holds == Holds::nothing) return "there is neither a name nor a value";
      if (column == 0 && is_number(contents.holds)) return "it has no name (row numbers)";
      if (is_number(contents.holds)) refuse_unnamed(column);
    }
    switch (contents.holds) {
      case Holds::nothing:
        return "it has no value";
      case Holds::booleans:
        return "it holds true and false (data.past or data.future takes it)";
      case Holds::dates:
        return "it holds dates";
      case Holds::clock:
        return "it holds times of a day";
      case Holds::lists:
        return "it holds lists";
      case Holds::text:
        if (is_one_of(name(column), kUsualTargets)) return {};  // its first cell will be named
        return fmt::format("it holds text ('{}')", cut_to_width(contents.example, 30));
      case Holds::integers:
      case Holds::reals:
      case Holds::digits:
        break;
    }
    if (is_row_number_name(name(column)) && whole && counts_rows(table_, column)) {
      return "it numbers the rows";
    }
    if (is_calendar_name(name(column)) && whole) return "it says when a row is, as the time does";
    if (is_position_name(name(column))) return "it says where a series is (data.static_reals)";
    if (in(flags_, column)) {
      return "it is 0 or 1 by when a row is, as its time says (data.future takes it)";
    }
    const bool id = is_one_of(name(column), kUsualIds) ||
                    (is_id_name(name(column)) && spec_.layout == Layout::automatic);
    if (id) return "it has the name of an id (data.id)";
    return {};
  }

  /// A spreadsheet's title fills one cell of its line.
  std::string title_remedy() const {
    const auto named = std::count_if(table_.names.begin(), table_.names.end(),
                                     [](const auto& name) { return !is_unnamed(name); });
    if (named != 1 || is_unnamed(table_.names.front())) return {};
    return fmt::format(
        " (the first line names only '{}': if that is a title, remove what stands above the "
        "header)",
        table_.names.front());
  }

  [[noreturn]] void refuse_unnamed(int column) const {
    throw DataError(
        fmt::format("{}: column #{} holds numbers and has no name; name it in the header{}, or say "
                    "which columns are meant (data.targets)",
                    table_.source, column, title_remedy()));
  }

  const Table::Impl& table_;
  Header header_;
  const CatalogSpec& spec_;
  const ColumnChoice& choice_;
  const std::vector<int>& others_;
  const std::vector<int> flags_;  // one for each weekday or month
  CatalogNotes& notes_;
};

}  // namespace

int require_time(const Table::Impl& table, const ColumnChoice& choice) {
  if (choice.time) return *choice.time;
  throw DataError(fmt::format(
      "{}: no time column among the usual names (ds, timestamp, date, time, 日期), and none holds "
      "dates; set data.time; the columns are: {}",
      table.source, list_columns(header_of(table))));
}

std::vector<ChannelSource> channel_sources(const Table::Impl& table, const CatalogSpec& spec,
                                           const ColumnChoice& choice, bool every_column,
                                           CatalogNotes& notes) {
  const Header header = header_of(table);
  std::vector<int> future;
  std::vector<std::string> only_in_future_file;
  for (const std::string& name : spec.future) {
    if (!spec.future_files.empty() && !name.starts_with('#') && !has_column(header, name)) {
      only_in_future_file.push_back(name);
      continue;
    }
    const std::vector<int> found = find_columns(header, {name}, "data.future");
    future.insert(future.end(), found.begin(), found.end());
  }
  const std::vector<int> past = find_columns(header, spec.past, "data.past");
  std::vector<int> targets = find_columns(header, spec.targets, "data.targets");
  if (targets.empty()) {
    std::vector<int> others = find_columns(header, spec.more_time, "data.time");
    others.insert(others.end(), future.begin(), future.end());
    others.insert(others.end(), past.begin(), past.end());
    const auto add = [&](const std::vector<int>& words) {
      others.insert(others.end(), words.begin(), words.end());
    };
    add(find_columns(header, spec.past_categories, "data.past_categories"));
    for (const std::string& name : spec.future_categories) {
      if (!spec.future_files.empty() && !name.starts_with('#') && !has_column(header, name))
        continue;
      add(find_columns(header, {name}, "data.future_categories"));
    }
    TargetGuess guess(table, spec, choice, others, notes);
    targets = every_column ? guess.each() : guess.one();
  }
  notes.target_columns = names_of(header, targets);

  std::vector<ChannelSource> sources;
  std::vector<char> used(table.names.size(), 0);
  const auto add = [&](const std::vector<int>& columns, Role role) {
    for (const int column : columns) {
      if (used[static_cast<std::size_t>(column)]++ != 0) continue;
      sources.push_back({table.names[static_cast<std::size_t>(column)], role, column});
      use_column(notes, column,
                 role == Role::target ? "target"
                 : role == Role::past ? "past"
                                      : "future");
    }
  };
  add(targets, Role::target);
  std::vector<int> only_past;
  std::copy_if(past.begin(), past.end(), std::back_inserter(only_past), [&](int column) {
    return std::find(future.begin(), future.end(), column) == future.end();
  });
  add(only_past, Role::past);
  add(future, Role::future);
  for (const std::string& name : only_in_future_file) sources.push_back({name, Role::future, -1});
  return sources;
}

}  // namespace sluice
