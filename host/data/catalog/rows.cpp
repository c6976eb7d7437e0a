// A series in each row: value columns side by side (M4, M5), or a list of values (.tsf).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/calendar/civil.hpp"
#include "data/catalog/build.hpp"
#include "data/catalog/choice.hpp"
#include "data/catalog/ends.hpp"
#include "data/catalog/gaps.hpp"
#include "data/catalog/kinds.hpp"
#include "data/catalog/names.hpp"
#include "data/catalog/precision.hpp"
#include "data/catalog/starts.hpp"
#include "data/catalog/unique.hpp"
#include "data/catalog/uses.hpp"
#include "data/catalog/value_names.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::string_view kSeriesNames[] = {"series_name"};
constexpr std::string_view kStarts[] = {"start_timestamp", "start"};

class RowsBuilder {
 public:
  RowsBuilder(const Table::Impl& table, const CatalogSpec& spec, const ColumnChoice& choice,
              CatalogNotes& notes)
      : table_(table), header_(header_of(table)), spec_(spec), ids_(choice.ids), notes_(notes) {
    if (!spec.past.empty() || !spec.future.empty() || !spec.past_categories.empty() ||
        !spec.future_categories.empty() || !spec.future_files.empty()) {
      throw DataError(fmt::format(
          "{}: past and future channels have no place where a row is a series (data.layout "
          "\"rows\"); give the data in long form: a row for each series and time",
          table.source));
    }
    if (!spec.aggregate.empty()) {
      throw DataError(fmt::format(
          "{}: where a row is a series (data.layout \"rows\") there are no rows to add up; remove "
          "data.aggregate, or set data.time to the column of the times",
          table.source));
    }
  }

  CatalogParts build() {
    const std::optional<int> lists = list_column();
    choose_ids();
    Series series = read_ids();
    notes_.id_columns = series.keys.columns;
    notes_.file_horizon = table_.tsf_horizon;
    std::vector<int> columns;
    for (const int id : ids_) use_column(notes_, id, "id");
    if (lists) {
      use_column(notes_, *lists, "values");
      notes_.target_columns = names_of(header_, std::vector<int>{*lists});
    } else {
      columns = without_totals(table_, value_columns(), notes_);
      refuse_one_value(columns);
      settle_names(columns);
      for (const int column : columns) use_column(notes_, column, "value");
      const std::string& first = table_.names[static_cast<std::size_t>(columns.front())];
      const std::string& last = table_.names[static_cast<std::size_t>(columns.back())];
      notes_.target_columns = {columns.size() == 1 ? first : first + " .. " + last};
    }
    CatalogParts parts;
    parts.ids = series.ids;
    parts.channels.push_back({"y", Role::target, {}});
    parts.offsets = {0};
    ReadAgain read_again;
    if (lists) {
      read_again = take_lists(*lists, parts);
    } else {
      read_again = take_columns(columns, parts);
    }
    settle_starts(columns, parts);
    keep_steps(parts, 0, read_again, steps_to_end(spec_, parts));
    trim_missing(parts, true);
    finish_wide(parts, spec_, table_.source, own_starts_, notes_);
    add_statics(table_, spec_, series, parts, notes_);
    return parts;
  }

 private:
  std::optional<int> list_column() const {
    const std::vector<int> wanted = find_columns(header_, spec_.targets, "data.targets");
    if (wanted.size() == 1 && is_list(table_, wanted.front())) return wanted.front();
    std::vector<int> lists;
    for (int column = 0; column < static_cast<int>(table_.names.size()); ++column) {
      if (is_list(table_, column)) lists.push_back(column);
    }
    if (lists.empty()) return std::nullopt;
    if (lists.size() > 1) {
      throw DataError(fmt::format("{}: several columns hold lists; set data.targets to one of: {}",
                                  table_.source, list_columns(header_)));
    }
    return lists.front();
  }

  /// Without data.id the first column of a usual name that is different in every row; else the
  /// first column, where it holds words.
  void choose_ids() {
    if (!spec_.id.empty()) return;
    std::vector<int> candidates = ids_;
    const auto add = [&](int column) {
      if (std::find(candidates.begin(), candidates.end(), column) == candidates.end()) {
        candidates.push_back(column);
      }
    };
    for (const std::string_view word : kUsualIds) {
      const std::string_view usual[] = {word};
      if (const auto column = usual_column(header_, usual)) add(*column);
    }
    if (const auto usual = usual_column(header_, kSeriesNames)) add(*usual);
    for (int column = 0; column < static_cast<int>(table_.names.size()); ++column) {
      if (is_id_name(name(column)) && !is_numeric(table_, column)) add(column);
    }
    if (!is_numeric(table_, 0) && !is_list(table_, 0)) add(0);
    if (candidates.empty()) {
      throw DataError(fmt::format(
          "{}: neither a time column nor an id column has a usual name; set data.time where a row "
          "is a time, or data.id where a row is a series; the columns are: {}",
          table_.source, list_columns(header_)));
    }
    const std::vector<int> none;
    for (const int column : candidates) {
      const std::vector<int> one = {column};
      if (unique_columns(table_, none, one).empty()) continue;
      ids_ = one;
      if (column != candidates.front()) {
        notes_.remarks.push_back(
            fmt::format("the series are named by the column {} (data.id): {} repeats", name(column),
                        name(candidates.front())));
      }
      return;
    }
    ids_ = {candidates.front()};
  }

  const std::string& name(int column) const {
    return table_.names[static_cast<std::size_t>(column)];
  }

  /// A table of two columns, "Month, Passengers", is a series of many rows with an unusual name for
  /// its time rather than many series of one value.
  void refuse_one_value(const std::vector<int>& columns) const {
    if (columns.size() > 1 || spec_.layout == Layout::rows) return;
    throw DataError(fmt::format(
        "{}: no time column has a usual name (ds, timestamp, date, time, 日期), and with '{}' as "
        "the only value of a row there is nothing to forecast; set data.time, or data.layout = "
        "\"rows\"; the columns are: {}",
        table_.source, table_.names[static_cast<std::size_t>(columns.front())],
        list_columns(header_)));
  }

  /// "dept and store together are unique: --data.id dept,store; else ".
  std::string unique_remedy() const {
    std::vector<int> candidates = id_candidates(table_, spec_, std::nullopt);
    std::vector<int> fixed;
    if (!spec_.id.empty()) {
      fixed = ids_;
      for (const int id : ids_) std::erase(candidates, id);
    }
    std::vector<int> found = unique_columns(table_, fixed, candidates);
    if (found.empty()) return {};
    found.insert(found.begin(), fixed.begin(), fixed.end());
    return unique_ids_text(table_, found) + "; else ";
  }

  Series read_ids() const {
    Series series = read_series(table_, ids_);
    std::vector<std::int64_t> row_of(series.ids.size(), -1);
    for (std::size_t row = 0; row < series.of_row.size(); ++row) {
      std::int64_t& first = row_of[series.at(static_cast<std::int64_t>(row))];
      if (first >= 0) {
        throw DataError(fmt::format(
            "{}: a second row for series '{}' (the first one: {}); where a row is a series the id "
            "must be unique: {}remove one, or name more id columns (data.id)",
            place_of_row(table_, static_cast<std::int64_t>(row)),
            series.ids[series.at(static_cast<std::int64_t>(row))], place_of_row(table_, first),
            unique_remedy()));
      }
      first = static_cast<std::int64_t>(row);
    }
    return series;
  }

  /// Columns that say something about the series and hold no values.
  std::vector<int> described_columns() const {
    std::vector<int> columns = ids_;
    for (const auto* names : {&spec_.static_reals, &spec_.static_categories}) {
      for (const std::string& name : *names) {
        if (!spec_.static_files.empty() && !has_column(header_, name)) continue;
        const std::vector<int> found = find_columns(header_, {name}, "data.static_*");
        columns.insert(columns.end(), found.begin(), found.end());
      }
    }
    if (const auto start = start_column()) columns.push_back(*start);
    return columns;
  }

  std::vector<int> value_columns() {
    const std::vector<int> described = described_columns();
    const auto is_described = [&](int column) {
      return std::find(described.begin(), described.end(), column) != described.end();
    };
    int count = static_cast<int>(table_.names.size());
    std::vector<int> empty;
    while (count > 0 && is_unnamed(name(count - 1)) &&
           contents_of(table_, count - 1).holds == Holds::nothing) {
      leave_out(notes_, --count, "there is neither a name nor a value");
      empty.insert(empty.begin(), count);
    }
    remark_left_out(table_, empty, notes_);
    int first = count;
    if (!spec_.first_value.empty()) {
      first = find_column(header_, spec_.first_value, "data.first_value");
    } else {
      while (first > 0 && is_numeric(table_, first - 1) && !is_described(first - 1)) --first;
      // A wrong cell makes a column of the values look like words: the values begin where their
      // names begin to count on, and the cell is named when it is read.
      NamedSteps steps = named_steps(header_);
      while (steps.begin < first && is_described(steps.begin)) ++steps.begin;
      if (steps.begin < first && steps.count() > 2 &&
          is_number(contents_of(table_, steps.begin).holds)) {
        first = steps.begin;
      }
      refuse_number_before(first, is_described);
    }
    std::vector<int> columns;
    for (int column = first; column < count; ++column) {
      if (!is_described(column)) columns.push_back(column);
    }
    if (columns.empty()) {
      throw DataError(fmt::format(
          "{}: no value columns at the end of the rows and no time column; set data.first_value "
          "(a row for each series) or data.time (a row for each time); the columns are: {}",
          table_.source, list_columns(header_)));
    }
    return columns;
  }

  /// A number column before the last text column may be a value column whose neighbour has one
  /// wrong cell: taking the values after it only would drop half the data without a word.
  template <typename IsDescribed>
  void refuse_number_before(int first, IsDescribed is_described) const {
    for (int column = 0; column < first; ++column) {
      if (is_described(column) || !is_numeric(table_, column)) continue;
      int text = column;
      while (is_numeric(table_, text) || is_described(text)) ++text;
      throw DataError(fmt::format(
          "{}: column '{}' holds numbers but '{}' after it holds text; set data.first_value to the "
          "first value column, or name '{}' in data.id, data.static_reals or "
          "data.static_categories",
          table_.source, name(column), name(text), name(column)));
    }
  }

  /// Fills parts; what it returns reads the numbers again.
  ReadAgain take_lists(int column, CatalogParts& parts) {
    std::vector<float>& values = parts.channels.front().values;
    read_lists(table_, column, [&](std::int64_t, std::span<const float> numbers) {
      values.insert(values.end(), numbers.begin(), numbers.end());
      if (numbers.empty()) values.push_back(kMissing);
      parts.offsets.push_back(static_cast<std::int64_t>(values.size()));
    });
    return [this, column, &parts](ExactSeries& exact) {
      read_exact_lists(table_, column, [&](std::int64_t row, std::span<const double> numbers) {
        const std::int64_t begin = parts.offsets[static_cast<std::size_t>(row)];
        for (std::size_t i = 0; i < numbers.size(); ++i) {
          exact.put(begin + static_cast<std::int64_t>(i), numbers[i]);
        }
      });
    };
  }

  /// The transpose of the table's value columns, a few columns at a time.
  ReadAgain take_columns(const std::vector<int>& columns, CatalogParts& parts) {
    const std::size_t rows = parts.ids.size(), width = columns.size();
    std::vector<float>& values = parts.channels.front().values;
    values.resize(rows * width);
    constexpr std::size_t kGroup = 16;  // one cache line of a row
    std::vector<std::vector<float>> group;
    for (std::size_t begin = 0; begin < width; begin += kGroup) {
      group.clear();
      for (std::size_t c = begin; c < std::min(begin + kGroup, width); ++c) {
        group.push_back(read_numbers(table_, columns[c]));
      }
      for (std::size_t row = 0; row < rows; ++row) {
        float* out = values.data() + row * width + begin;
        for (std::size_t c = 0; c < group.size(); ++c) out[c] = group[c][row];
      }
    }
    for (std::size_t row = 1; row <= rows; ++row) {
      parts.offsets.push_back(static_cast<std::int64_t>(row * width));
    }
    return [this, &columns, width](ExactSeries& exact) {
      for (std::size_t c = 0; c < width; ++c) {
        read_exact(table_, columns[c], [&](std::int64_t row, std::span<const double> block) {
          for (std::size_t i = 0; i < block.size(); ++i) {
            exact.put((row + static_cast<std::int64_t>(i)) * static_cast<std::int64_t>(width) +
                          static_cast<std::int64_t>(c),
                      block[i]);
          }
        });
      }
    };
  }

  std::optional<int> start_column() const {
    if (!spec_.time.empty()) return find_column(header_, spec_.time, "data.time");
    return usual_column(header_, kStarts);
  }

  /// Where each series begins: by the names of the value columns, a start column, data.start, or 0.
  void settle_starts(const std::vector<int>& columns, CatalogParts& parts) {
    if (const auto start = start_column()) {
      own_starts_ = true;
      return starts_of_column(*start, parts);
    }
    if (!spec_.start.empty()) return start_of_all(columns, parts);
    if (!columns.empty() && starts_of_names(columns, parts)) return;
    if (spec_.frequency != "auto" && parse_frequency(spec_.frequency).unit != Unit::integer) {
      throw DataError(fmt::format(
          "{}: data.frequency is {}, but nothing says when the first value was; set data.start",
          table_.source, spec_.frequency));
    }
    own_starts_ = true;  // places, not times
    parts.axis.integers = true;
    parts.first.assign(parts.ids.size(), 0);
    if (spec_.frequency != "auto") parts.axis.frequency = parse_frequency(spec_.frequency);
  }

  /// data.frequency, or the .tsf file's own, or steps of one integer.
  std::string wanted_frequency(Timestamp start) const {
    if (spec_.frequency != "auto") return spec_.frequency;
    if (!table_.tsf_frequency) return "1";
    if (*table_.tsf_frequency != "W") return *table_.tsf_frequency;
    // .tsf files say "weekly" and nothing about the weekday.
    Frequency weekly{.unit = Unit::week};
    weekly.anchor = static_cast<int>(civil::weekday(civil::day_of(start)));
    return to_string(weekly);
  }

  /// The spec with which times of starts are read: steps are as long as the file says.
  CatalogSpec spec_of_starts() const {
    CatalogSpec spec = spec_;
    if (spec.frequency == "auto" && table_.tsf_frequency) spec.frequency = *table_.tsf_frequency;
    return spec;
  }

  void starts_of_column(int column, CatalogParts& parts) {
    CatalogSpec spec = spec_of_starts();
    const Times times = read_times_as(table_, column, spec);
    notes_.time_columns = names_of(header_, std::vector<int>{column});
    use_column(notes_, column, "start");
    if (spec.frequency == "auto" && !times.axis.integers) {
      throw DataError(fmt::format(
          "{}: column '{}' says when each series begins, but nothing says how far its values are "
          "apart; set data.frequency",
          table_.source, table_.names[static_cast<std::size_t>(column)]));
    }
    const Timestamp earliest = *std::min_element(times.values.begin(), times.values.end());
    const bool weekly =
        !times.axis.integers && wanted_frequency(earliest).find('W') != std::string::npos;
    const Timestamp first = weekly ? most_frequent_weekday(times.values) : earliest;
    spec.frequency = wanted_frequency(first);
    settle_grid(times, std::vector<Timestamp>{first}, spec, table_.source, parts, notes_);
    // Monash's files stamp days at noon and months on any day: a start means its period.
    if (parts.axis.frequency.unit == Unit::day) parts.axis.frequency.phase = 0;
    for (const Timestamp time : times.values) {
      parts.first.push_back(spec.align_to_period ? *period_for(spec, parts.axis.frequency, time)
                                                 : period_containing(parts.axis.frequency, time));
    }
    if (!spec.align_to_period) keep_weekdays(times.values, parts, notes_);
    say_periods(times.values, parts, notes_);
  }

  /// Reads the names of the value columns as times, where no start is given in another form, and
  /// turns the columns round where the newest one stands first.
  void settle_names(std::vector<int>& columns) {
    const bool form_of_start = !spec_.start.empty() && spec_.time_format != "auto";
    if (!start_column() && !form_of_start) named_ = times_of_names(columns);
    if (!named_) {
      check_counted_names(table_, columns, !spec_.first_value.empty(), notes_);
    } else if (count_down(table_, columns, *named_)) {
      std::reverse(columns.begin(), columns.end());
      std::reverse(named_->values.begin(), named_->values.end());
      notes_.remarks.push_back(
          fmt::format("the value columns stand from the newest, {}, to the oldest, {}: they are "
                      "read the other way round",
                      name(columns.back()), name(columns.front())));
    }
  }

  /// A start from the settings of other data must not take the place of the dates that are there.
  void check_against_names(const Times& start, const std::vector<int>& columns) const {
    if (!named_ || named_->axis.integers || start.values.front() == named_->values.front()) return;
    throw DataError(
        fmt::format("{}: data.start is {}, and the first value column is named '{}'; where columns "
                    "are named by their times leave data.start out (--data.start '')",
                    table_.source, spec_.start, name(columns.front())));
  }

  /// nullopt: the value columns are not named by times.
  std::optional<Times> times_of_names(const std::vector<int>& columns) const {
    CatalogSpec spec = spec_;
    spec.time_format = time_format_of_names(table_, spec_, columns, notes_);
    if (spec.time_format.empty()) return std::nullopt;
    return read_times_as(names_of(header_, columns), table_.source, "column", spec);
  }

  static Times read_start(const CatalogSpec& spec) {
    try {
      return read_times_as({spec.start}, "data.start", "the time", spec);
    } catch (const DataError& e) {
      throw ConfigError(e.what());  // the setting is wrong, not the file
    }
  }

  void start_of_all(const std::vector<int>& columns, CatalogParts& parts) {
    CatalogSpec spec = spec_of_starts();
    const Times start = read_start(spec);
    check_against_names(start, columns);
    if (!start.axis.integers && spec.frequency == "auto") {
      throw ConfigError(
          "data.start is a date, but nothing says how far the values are apart; set "
          "data.frequency (\"D\", \"h\", ...)");
    }
    spec.frequency = wanted_frequency(start.values.front());
    settle_grid(start, start.values, spec, table_.source, parts, notes_);
    const auto period = period_for(spec, parts.axis.frequency, start.values.front());
    if (!period) {
      throw ConfigError(fmt::format(
          "data.start: {} is not on the grid of frequency {}; set another start or data.frequency, "
          "or data.align to period",
          spec_.start, to_string(parts.axis.frequency)));
    }
    parts.first.assign(parts.ids.size(), *period);
  }

  /// Value columns named by dates or integers, one step apart.
  bool starts_of_names(const std::vector<int>& columns, CatalogParts& parts) {
    const std::vector<std::string> names = names_of(header_, columns);
    if (!named_) {
      notes_.remarks.push_back(fmt::format(
          "the value columns are not named by times ({}): their steps are counted from 0; "
          "data.start and data.frequency can say when they were",
          notes_.target_columns.front()));
      return false;
    }
    const std::vector<Timestamp>& times = named_->values;
    for (std::size_t i = 1; i < times.size(); ++i) {
      if (times[i] <= times[i - 1]) out_of_step(names[i], names[i - 1]);
    }
    settle_grid(*named_, times, spec_, table_.source, parts, notes_);
    notes_.time_columns = notes_.target_columns;
    const auto first = period_for(spec_, parts.axis.frequency, times.front());
    for (std::size_t i = 0; i < times.size(); ++i) {
      const auto period = period_for(spec_, parts.axis.frequency, times[i]);
      if (!first || !period || *period != *first + static_cast<std::int64_t>(i)) {
        out_of_step(names[i], names[i == 0 ? 0 : i - 1]);
      }
    }
    parts.first.assign(parts.ids.size(), *first);
    return true;
  }

  [[noreturn]] void out_of_step(const std::string& name, const std::string& before) const {
    throw DataError(fmt::format(
        "{}: value column '{}' does not follow '{}' by one step; name the columns one step apart, "
        "or set data.frequency (with data.align = \"period\" where they lie inside their periods)",
        table_.source, name, before));
  }

  const Table::Impl& table_;
  Header header_;
  const CatalogSpec& spec_;
  std::vector<int> ids_;
  CatalogNotes& notes_;
  std::optional<Times> named_;  // the names of the value columns, oldest first
  bool own_starts_ = false;     // series are not on one calendar
};

}  // namespace

CatalogParts build_rows(const Table::Impl& table, const CatalogSpec& spec,
                        const ColumnChoice& choice, CatalogNotes& notes) {
  return RowsBuilder(table, spec, choice, notes).build();
}

}  // namespace sluice
