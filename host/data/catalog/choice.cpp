#include "data/catalog/choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "data/catalog/crosstab.hpp"
#include "data/catalog/kinds.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/time_cells.hpp"
#include "data/catalog/time_parts.hpp"
#include "data/catalog/unique.hpp"
#include "data/catalog/uses.hpp"
#include "data/catalog/value_names.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Where a row's value begins, not when a row is: of files with a series in each row.
constexpr std::string_view kStarts[] = {"start_timestamp", "start"};
/// So many names that count on are no accident.
constexpr int kManySteps = 3;

class Chooser {
 public:
  Chooser(const Table::Impl& table, const CatalogSpec& spec, CatalogNotes& notes)
      : table_(table), header_(header_of(table)), spec_(spec), notes_(notes) {}

  Choice choose() {
    Choice choice;
    choice.layout = spec_.layout;
    ColumnChoice& columns = choice.columns;
    columns.ids = find_columns(header_, spec_.id, "data.id");
    if (columns.ids.empty()) usual_id(columns);
    if (choice.layout == Layout::automatic &&
        (lists_hold_values(columns) || !spec_.first_value.empty())) {
      choice.layout = Layout::rows;
    }
    if (choice.layout == Layout::rows) return choice;
    if (choice.layout == Layout::automatic && spec_.time.empty()) {
      refuse_crosstab(table_, spec_, std::nullopt);
    }
    columns.time =
        spec_.time.empty() ? guess_time() : find_column(header_, spec_.time, "data.time");
    if (choice.layout == Layout::automatic && columns.time) {
      refuse_crosstab(table_, spec_, columns.time);
    }
    if (choice.layout == Layout::automatic && !columns.time) {
      refuse_unless_rows();
      choice.layout = Layout::rows;
      return choice;
    }
    const bool wants_ids = choice.layout == Layout::automatic || choice.layout == Layout::long_form;
    if (columns.ids.empty() && columns.time && wants_ids) guess_ids(columns);
    if (choice.layout == Layout::automatic) {
      choice.layout = columns.ids.empty() ? Layout::columns : Layout::long_form;
    }
    return choice;
  }

 private:
  const std::string& name(int column) const {
    return table_.names[static_cast<std::size_t>(column)];
  }
  int count() const { return static_cast<int>(table_.names.size()); }
  std::string names(const std::vector<int>& columns) const {
    return some_names(names_of(header_, columns));
  }
  std::string shown(int column) const {
    return is_unnamed(name(column)) ? fmt::format("#{}", column) : name(column);
  }

  /// Whether a column's lists are the values of series. They may be something else (an embedding):
  /// so the id is looked at, which a row of its own has only where a row is a series; without one,
  /// whether there is a time and something else to forecast.
  bool lists_hold_values(const ColumnChoice& columns) const {
    std::vector<int> lists, others;
    for (int column = 0; column < count(); ++column) {
      (is_list(table_, column) ? lists : others).push_back(column);
    }
    if (lists.empty() || table_.tsf_frequency || is_one_of(spec_.time, kStarts)) {
      return !lists.empty();
    }
    if (!spec_.targets.empty()) {
      return is_list(table_, find_columns(header_, spec_.targets, "data.targets").front());
    }
    const std::vector<int> none;
    if (!columns.ids.empty()) return !unique_columns(table_, none, columns.ids).empty();
    const auto is_time = [&](int column) {
      return !is_one_of(name(column), kStarts) && contents_of(table_, column).holds == Holds::dates;
    };
    const auto is_target = [&](int column) { return is_target_name(name(column)); };
    const bool has_time = !spec_.time.empty() || std::ranges::any_of(others, is_time);
    return !has_time || std::ranges::none_of(others, is_target);
  }

  void usual_id(ColumnChoice& columns) const {
    const auto usual = usual_column(header_, kUsualIds);
    if (!usual) return;
    refuse_second_name(header_, *usual, "data.id");
    columns.ids = {*usual};
    columns.ids_guessed = true;
  }

  std::optional<int> guess_time() {
    if (const auto usual = usual_time()) return usual;
    std::vector<int> dates, named_dates, named, digits;
    for (int column = 0; column < count(); ++column) {
      if (is_one_of(name(column), kStarts) || is_id_of_user(column)) continue;
      const Contents contents = contents_of(table_, column);
      const bool integers = contents.holds == Holds::integers || contents.holds == Holds::digits;
      if (contents.holds == Holds::dates) {
        refuse_second_header(column, contents);
        dates.push_back(column);
        if (is_time_name(name(column))) named_dates.push_back(column);
      } else if ((integers && is_time_name_of_integers(name(column))) ||
                 (contents.holds == Holds::text &&
                  (is_time_name(name(column)) || numbers_steps(name(column), contents.example)))) {
        named.push_back(column);
      } else if (contents.holds == Holds::digits) {
        digits.push_back(column);
      }
    }
    if (named_dates.size() == 1) dates = named_dates;
    const NamedSteps steps = named_steps(header_);
    if (dates.size() == 1) return guessed_time(dates.front(), "it holds dates", steps);
    if (dates.size() > 1) {
      throw DataError(fmt::format(
          "{}: several columns hold dates: {}; say which one is the time of a row: "
          "--data.time {}",
          table_.source, names(dates), shell_quoted(setting_text(header_, {&dates.front(), 1}))));
    }
    if (steps.count() >= kManySteps) return std::nullopt;
    if (named.size() == 1) return guessed_time(named.front(), "by its name", {});
    if (named.size() > 1) {
      for (const int column : named) {
        const std::vector<int> rest = completing_columns(table_, column);
        if (rest.empty()) continue;
        throw DataError(
            fmt::format("{}: which column is the time? {}; or set data.time to one column",
                        table_.source, whole_time_text(table_, spec_, column, rest)));
      }
      throw DataError(
          fmt::format("{}: the time could be in any of the columns {}; write one column of dates "
                      "(2022-01-31), or of times (2022-01-31 13:00), and set data.time to it",
                      table_.source, names(named)));
    }
    if (digits.size() == 1) return guessed_time(digits.front(), "its numbers are dates", {});
    return std::nullopt;
  }

  /// The one of a usual name; where several have one, the first of these that holds dates.
  std::optional<int> usual_time() const {
    const auto first = usual_column(header_, kUsualTimes);
    if (!first) return std::nullopt;
    refuse_second_name(header_, *first, "data.time");
    std::vector<int> usual;
    for (const std::string_view word : kUsualTimes) {
      const std::string_view one[] = {word};
      if (const auto column = usual_column(header_, one)) usual.push_back(*column);
    }
    if (usual.size() == 1) return first;
    std::erase_if(usual, [&](int column) {
      const Holds holds = contents_of(table_, column).holds;
      return (holds != Holds::dates && holds != Holds::digits) || has_other_use(column);
    });
    if (usual.empty()) return first;
    if (usual.size() > 1) {
      const int other = usual[1];
      notes_.remarks.push_back(fmt::format(
          "the time is taken from the column {}, although {} has a usual name and holds dates, "
          "too: --data.time {} chooses it",
          name(usual.front()), name(other), shell_quoted(setting_text(header_, {&other, 1}))));
    }
    return usual.front();
  }

  /// Whether a setting names the column as something else.
  bool has_other_use(int column) const {
    for (const auto* words :
         {&spec_.id, &spec_.targets, &spec_.past, &spec_.future, &spec_.past_categories,
          &spec_.future_categories, &spec_.static_reals}) {
      if (std::find(words->begin(), words->end(), name(column)) != words->end()) return true;
    }
    return false;
  }

  bool is_id_of_user(int column) const {
    const std::vector<int> ids = find_columns(header_, spec_.id, "data.id");
    return std::find(ids.begin(), ids.end(), column) != ids.end();
  }

  std::optional<int> guessed_time(int column, const std::string& why, NamedSteps steps) {
    const bool guessed = spec_.layout == Layout::automatic && spec_.targets.empty();
    if (steps.count() >= kManySteps && guessed) {
      refuse_crosstab(table_, spec_, column);
      throw DataError(fmt::format(
          "{}: '{}' holds dates, and the columns {} to {} count on; if a row is a time, set "
          "data.layout to long, columns or single; if a row is a series, set it to rows",
          table_.source, shown(column), name(steps.begin), name(steps.end - 1)));
    }
    if (parse_time(name(column))) {
      throw DataError(
          fmt::format("{}: the first line holds values ('{}' is a time), not names; put a line of "
                      "names above it",
                      table_.source, name(column)));
    }
    notes_.remarks.push_back(
        fmt::format("the time is taken from the column {} ({}; data.time)", shown(column), why));
    return column;
  }

  /// Words above dates: the header has two lines, of which the second one is a row.
  void refuse_second_header(int column, const Contents& contents) const {
    if (contents.odd_row != 0) return;
    throw DataError(fmt::format(
        "{}: '{}' stands above dates: this line seems to belong to the header; leave one line of "
        "names (remove the line above it, or this one)",
        place_of_row(table_, 0, column), contents.odd_word));
  }

  /// Without a time column a row is a series, and then its values have names that count on.
  void refuse_unless_rows() {
    NamedSteps steps = named_steps(header_);
    if (steps.count() > 0 && contents_of(table_, steps.begin).holds == Holds::text) {
      ++steps.begin;  // V1, the id
    }
    const NamedSteps down = names_down(header_);
    if (steps.count() < 2 && down.count() > 0) {
      throw DataError(
          fmt::format("{}: no column holds times, and the names of the columns {}; where a row is "
                      "a time, set data.time",
                      table_.source, down_remedy(name(down.begin), name(down.end - 1))));
    }
    if (steps.count() < 2) {
      throw DataError(fmt::format(
          "{}: which column is the time? none has a usual name (ds, timestamp, date, time, 日期) "
          "or holds dates; set data.time where a row is a time; where a row is a series, "
          "--data.layout rows; the columns are: {}",
          table_.source, list_columns(header_)));
    }
    if (usual_column(header_, kStarts)) return;  // which says that a row is a series
    notes_.remarks.push_back(fmt::format(
        "no column holds times and {} to {} count on: a row is taken for a series (data.layout)",
        name(steps.begin), name(steps.end - 1)));
  }

  void guess_ids(ColumnChoice& columns) {
    std::vector<int> named;
    for (const int column : id_candidates(table_, spec_, columns.time)) {
      if (is_id_name(name(column))) named.push_back(column);
    }
    if (named.size() > 1) without_row_numbers(named);
    if (named.empty()) return;
    const bool rows_add_up = spec_.duplicates != DuplicatePolicy::error || !spec_.aggregate.empty();
    int chosen = named.front();
    if (named.size() > 1) {
      chosen = rows_add_up ? refuse_ids(columns, named) : the_unique_one(columns, named);
    }
    if (!rows_add_up && is_only_value(columns, chosen)) return;
    refuse_value_of_id_name(columns, chosen, rows_add_up);
    refuse_second_name(header_, chosen, "data.id");
    columns.ids = {chosen};
    columns.ids_guessed = true;
    notes_.remarks.push_back(
        fmt::format("the series are named by the column {} (data.id)", name(chosen)));
  }

  /// A column that is different in each of many rows names no series of two steps: "row_id" beside
  /// "store". Where all of them are, they stay, to be refused by their names.
  void without_row_numbers(std::vector<int>& named) const {
    constexpr std::int64_t kMany = 10;
    const std::int64_t rows = row_count(table_);
    std::vector<int> left;
    for (const int column : named) {
      const bool few = rows < kMany && !counts_rows(table_, column);
      if (few || std::ssize(read_codes(table_, column).words) < rows) left.push_back(column);
    }
    if (!left.empty()) named = std::move(left);
  }

  /// The only one of several names of ids that tells the rows of a time apart.
  int the_unique_one(const ColumnChoice& columns, const std::vector<int>& named) {
    const std::vector<int> time = {*columns.time};
    std::vector<int> unique;
    for (const int column : named) {
      const std::vector<int> one = {column};
      if (!unique_columns(table_, time, one).empty()) unique.push_back(column);
    }
    if (unique.size() == 1) return unique.front();
    return refuse_ids(columns, named);
  }

  [[noreturn]] int refuse_ids(const ColumnChoice& columns, const std::vector<int>& named) const {
    const std::vector<int> time = {*columns.time};
    std::vector<int> together = unique_columns(table_, time, named);
    const bool need_more = together.empty();
    if (need_more) {
      together = unique_columns(table_, time, id_candidates(table_, spec_, columns.time));
    }
    std::string remedy;
    if (together.size() > 1 || (need_more && !together.empty())) {
      remedy = fmt::format("rows repeat for one time; {}", unique_ids_text(table_, together));
    } else {
      remedy = fmt::format("set data.id to those that name a series: --data.id {}",
                           shell_quoted(setting_text(header_, named)));
    }
    throw DataError(fmt::format("{}: several columns could name the series: {}; {}", table_.source,
                                names(named), remedy));
  }

  /// Whether nothing else could be forecast: "date, shop" is one series.
  bool is_only_value(const ColumnChoice& columns, int chosen) const {
    for (int column = 0; column < count(); ++column) {
      if (column == columns.time || column == chosen) continue;
      if (is_number(contents_of(table_, column).holds)) return false;
    }
    return is_number(contents_of(table_, chosen).holds);
  }

  /// Where every time has one row, a column that is named "store" and changes is no id: the sales
  /// in the store beside those of the web.
  void refuse_value_of_id_name(const ColumnChoice& columns, int column, bool rows_add_up) const {
    if (rows_add_up) return;
    const std::vector<int> time = {*columns.time}, none;
    if (unique_columns(table_, none, time).empty()) return;
    const std::size_t ids = read_codes(table_, column).words.size();
    if (ids < 2) return;
    const bool values = is_number(contents_of(table_, column).holds);
    throw DataError(fmt::format(
        "{}: '{}' has the name of an id, but each time has one row only; if it names {} series: "
        "--data.id {}; if {}: --data.layout columns",
        table_.source, name(column), grouped(static_cast<std::int64_t>(ids)),
        shell_quoted(setting_text(header_, {&column, 1})),
        values ? "it holds values" : "all rows are of one series"));
  }

  const Table::Impl& table_;
  Header header_;
  const CatalogSpec& spec_;
  CatalogNotes& notes_;
};

}  // namespace

Choice choose_layout(const Table::Impl& table, const CatalogSpec& spec, CatalogNotes& notes) {
  return Chooser(table, spec, notes).choose();
}

}  // namespace sluice
