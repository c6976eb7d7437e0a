#include "data/catalog/future.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "base/text.hpp"
#include "data/calendar/civil.hpp"
#include "data/catalog/alike.hpp"
#include "data/catalog/time_parts.hpp"
#include "data/catalog/uses.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// With the time in one column where it is in several; a file may also have it in one already.
Table with_times(Table table, const CatalogSpec& spec, CatalogNotes& notes) {
  const Header header = header_of(table.impl());
  const auto has = [&](const std::string& name) { return has_column(header, name); };
  if (std::none_of(spec.more_time.begin(), spec.more_time.end(), has)) return table;
  const std::vector<int> columns = find_columns(header, parts_of_time(spec), "data.time");
  WholeTimes whole = with_whole_times(table.impl(), columns, spec, notes.remarks);
  return Table(std::make_unique<Table::Impl>(std::move(whole.table)));
}

bool is_weekend(const Frequency& frequency, Timestamp time) {
  constexpr std::int64_t kSaturday = 5;
  return frequency.unit == Unit::business_day && civil::weekday(civil::day_of(time)) >= kSaturday;
}

/// (key, period) of a row.
using Step = std::pair<std::size_t, std::int64_t>;
struct StepHash {
  std::size_t operator()(const Step& step) const {
    return static_cast<std::size_t>(step.second) * 0x9E3779B97F4A7C15u +
           step.first * 0xC2B2AE3D27D4EB4Fu;
  }
};

}  // namespace

std::vector<Table> read_future_files(const CatalogSpec& spec, const Series& series,
                                     CatalogNotes& notes) {
  std::vector<std::string> text = series.keys.columns;
  text.insert(text.end(), spec.future_categories.begin(), spec.future_categories.end());
  // They may be what the files are joined on.
  text.insert(text.end(), spec.static_categories.begin(), spec.static_categories.end());
  if (series.keys.columns.size() == 1) {
    text.insert(text.end(), std::begin(kUsualIds), std::end(kUsualIds));
  }
  const std::vector<std::string> times = parts_of_time(spec);
  text.insert(text.end(), times.begin(), times.end());
  std::vector<Table> tables = read_beside("path.future", spec.future_files, spec, text);
  for (Table& table : tables) table = with_times(std::move(table), spec, notes);
  const auto says_series = [&](const Table& table) {
    return id_join_columns(table.impl(), series).size() == series.keys.columns.size();
  };
  std::stable_partition(tables.begin(), tables.end(), says_series);
  return tables;
}

FutureRows::FutureRows(const Table::Impl& main, Table beside, const CatalogSpec& spec,
                       const Series& series, const FutureColumns& asked, const TimeAxis& axis,
                       CatalogNotes& notes)
    : spec_(spec),
      table_(std::move(beside)),
      axis_(axis),
      series_count_(std::max(asked.series, series.ids.size())),
      known_series_(series.ids.size()) {
  const Table::Impl& table = table_.impl();
  const Header header = header_of(table);
  for (const std::string& channel : asked.channels) {
    if (asked.files > 1 && !has_column(header, channel)) continue;
    channels_.push_back(channel);
    columns_.push_back(find_column(header, channel, "data.future"));
  }
  for (const std::string& category : asked.categories) {
    if (asked.files > 1 && !has_column(header, category)) continue;
    categories_.push_back(category);
    category_columns_.push_back(find_column(header, category, "data.future_categories"));
  }
  if (channels_.empty() && categories_.empty()) {
    throw DataError(fmt::format(
        "{}: it has no column that data.future or data.future_categories names; its columns are: "
        "{}",
        table.source, list_columns(header)));
  }
  const std::string_view same_name[] = {asked.time};
  auto time = has_column(header, asked.time) ? find_column(header, asked.time, "data.time")
                                             : usual_column(header, same_name);
  if (!time) time = usual_column(header, kUsualTimes);
  time_column_ = time ? *time : find_column(header, asked.time, "data.time");
  Times times = read_times_as(table, time_column_, spec, &axis);
  if (times.axis.integers != axis.integers && table_.rows() > 0) {
    const auto kind = [](const TimeAxis& of) { return of.integers ? "plain integers" : "dates"; };
    throw DataError(fmt::format("{}: its times are {}, those of the data are {}; write both alike",
                                table.source, kind(times.axis), kind(axis)));
  }
  if (!times.repeated.empty()) {
    std::vector<int> ids;
    for (const JoinColumn& id : id_join_columns(table, series)) ids.push_back(id.column);
    const Series own = ids.empty() ? Series{} : read_series(table, ids);
    settle_repeated(times, [&](std::int64_t row) { return own.at(row); });
  }
  const Frequency& grid = axis.frequency;
  std::int64_t weekend_rows = 0;
  for (std::size_t row = 0; row < times.values.size(); ++row) {
    // A calendar has all days. Where rows are added up, those of a weekend belong to their Friday.
    if (spec.aggregate.empty() && is_weekend(grid, times.values[row])) {
      times.values[row] = kNoPeriod;
      ++weekend_rows;
      continue;
    }
    const auto period = period_for(spec, grid, times.values[row]);
    if (!period) {
      const std::int64_t after = axis.first_from(times.values[row], 0);
      throw DataError(fmt::format(
          "{}: {} is not on the data's grid of frequency {}, whose steps there are {} and {}; give "
          "this file one row for each step, at its time, or let rows of both files be added up by "
          "data.aggregate",
          place_of_row(table, static_cast<std::int64_t>(row), time_column_),
          axis.text(times.values[row]), to_string(grid), axis.text_of(after - 1),
          axis.text_of(after)));
    }
    times.values[row] = *period;
  }
  periods_ = std::move(times.values);
  notes.remarks.insert(notes.remarks.end(), table.remarks.begin(), table.remarks.end());
  notes.remarks.insert(notes.remarks.end(), times.remarks.begin(), times.remarks.end());
  if (weekend_rows > 0) {
    notes.remarks.push_back(
        fmt::format("{}: {} of Saturdays and Sundays {} not used: the data have business "
                    "days only (frequency {})",
                    table.source, weekend_rows == 1 ? "1 row" : grouped(weekend_rows) + " rows",
                    weekend_rows == 1 ? "is" : "are", to_string(grid)));
  }
  if (table_.rows() == 0) {
    notes.remarks.push_back(
        fmt::format("{}: it has no rows, so nothing ahead is known of it", table.source));
    hold_for_all(series);
  } else {
    join(main, series, asked, notes);
  }
  index_series();
  settle_duplicates(notes);
}

void FutureRows::join(const Table::Impl& main, const Series& series, const FutureColumns& asked,
                      CatalogNotes& notes) {
  const Table::Impl& table = table_.impl();
  std::vector<JoinColumn> columns = id_join_columns(table, series);
  if (!columns.empty() && spec_.future_for_all.value_or(false)) {
    throw DataError(fmt::format(
        "{}: data.future_for_all says that its rows hold for every series, but its column '{}' "
        "says for which; remove the setting or the column",
        table.source, table.names[static_cast<std::size_t>(columns.front().column)]));
  }
  if (columns.size() < series.keys.columns.size() && !spec_.future_for_all.value_or(false)) {
    if (!columns.empty()) join_ = join_series(table, columns, series);
    if (columns.empty() || repeats(join_)) {
      std::vector<std::string> left_out = asked.others;
      left_out.push_back(table.names[static_cast<std::size_t>(time_column_)]);
      left_out.insert(left_out.end(), spec_.more_time.begin(), spec_.more_time.end());
      auto more = attribute_join_columns(main, table, series, left_out, periods_);
      std::move(more.begin(), more.end(), std::back_inserter(columns));
    }
  }
  if (columns.empty()) {
    hold_for_all(series);
    tell_that_all_are_for_all(series, notes);
    return;
  }
  join_ = join_series(table, columns, series);
  tell_unmatched(join_, table.source, series, "nothing is known of their future",
                 join_.by_id ? "" : "not used", notes);
  if (join_.by_id) return;
  std::vector<std::string> lacking;
  for (const std::string& name : series.keys.columns) {
    if (std::find(join_.columns.begin(), join_.columns.end(), name) == join_.columns.end()) {
      lacking.push_back(name);
    }
  }
  notes.remarks.push_back(fmt::format(
      "{0}: joined on {1} and the time, because it has no {2}: a row holds for every series with "
      "the same {1}",
      table.source, fmt::join(join_.columns, ", "), fmt::join(lacking, ", ")));
}

void FutureRows::refuse_bridge(const Series& series) const {
  std::vector<int> others = columns_;
  others.insert(others.end(), category_columns_.begin(), category_columns_.end());
  others.push_back(time_column_);
  const std::string remedy = bridge_remedy(table_.impl(), spec_, series, others);
  if (remedy.empty()) return;
  throw DataError(fmt::format(
      "{}: it has no {}; {}, or set data.future_for_all = true if every row holds for all series",
      table_.impl().source, fmt::join(series.keys.columns, ", "), remedy));
}

void FutureRows::hold_for_all(const Series& series) {
  join_.keys.ids = {""};
  join_.key_of_series.assign(series.ids.size(), 0);
}

void FutureRows::tell_that_all_are_for_all(const Series& series, CatalogNotes& notes) const {
  if (series_count_ < 2) return;
  if (!spec_.future_for_all.value_or(false)) {
    refuse_bridge(series);
    refuse_other_words(series);
  }
  notes.remarks.push_back(
      fmt::format("{}: no column says for which series a row is: its rows hold for all {}",
                  table_.impl().source, series_count_));
}

void FutureRows::refuse_other_words(const Series& series) const {
  const Table::Impl& table = table_.impl();
  const std::string ids = series.keys.columns.empty()
                              ? "a column that says for which series a row is"
                              : fmt::format("{}", fmt::join(series.keys.columns, ", "));
  if (spec_.future_for_all) {
    throw DataError(fmt::format(
        "{}: data.future_for_all is false, and it has no {}; give it the id columns; its columns "
        "are: {}",
        table.source, ids, list_columns(header_of(table))));
  }
  const auto is_one_of_time = [&](const std::string& name) {
    return std::find(spec_.more_time.begin(), spec_.more_time.end(), name) != spec_.more_time.end();
  };
  for (std::size_t column = 0; column < table.names.size(); ++column) {
    const int place = static_cast<int>(column);
    const auto is_in = [&](const std::vector<int>& columns) {
      return std::find(columns.begin(), columns.end(), place) != columns.end();
    };
    if (place == time_column_ || is_in(columns_) || is_in(category_columns_) ||
        is_one_of_time(table.names[column]) || !is_words(table, place)) {
      continue;
    }
    throw DataError(fmt::format(
        "{}: it has no {}, and its column '{}' holds text that may say for which of the {} series "
        "a row is; name that column as in the data, or set data.future_for_all = true if every "
        "row holds for all series",
        table.source, ids, table.names[column], series_count_));
  }
}

void FutureRows::index_series() {
  begin_of_key_.assign(join_.keys.ids.size() + 1, 0);
  for (const std::int32_t key : join_.key_of_series) {
    if (key >= 0) ++begin_of_key_[static_cast<std::size_t>(key) + 1];
  }
  for (std::size_t key = 1; key < begin_of_key_.size(); ++key) {
    begin_of_key_[key] += begin_of_key_[key - 1];
  }
  series_of_keys_.resize(begin_of_key_.back());
  std::vector<std::size_t> next(begin_of_key_.begin(), begin_of_key_.end() - 1);
  for (std::size_t s = 0; s < join_.key_of_series.size(); ++s) {
    const std::int32_t key = join_.key_of_series[s];
    if (key < 0) continue;
    series_of_keys_[next[static_cast<std::size_t>(key)]++] = static_cast<std::int32_t>(s);
  }
}

bool FutureRows::repeats(const Join& join) const {
  std::unordered_map<Step, std::size_t, StepHash> seen;
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (!is_on_a_step(row)) continue;
    const Step step{join.keys.at(static_cast<std::int64_t>(row)), periods_[row]};
    if (!seen.emplace(step, row).second) return true;
  }
  return false;
}

bool FutureRows::merges_rows() const {
  return !spec_.aggregate.empty() || spec_.duplicates == DuplicatePolicy::sum ||
         spec_.duplicates == DuplicatePolicy::mean;
}

void FutureRows::settle_duplicates(CatalogNotes& notes) {
  std::unordered_map<Step, std::size_t, StepHash> first_rows;
  std::vector<int> used = columns_;
  used.insert(used.end(), category_columns_.begin(), category_columns_.end());
  SameRows same(table_.impl(), used);
  std::int64_t second_rows = 0, differing = 0;
  if (merges_rows()) leader_.assign(periods_.size(), kNoPeriod);
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (!is_on_a_step(row)) continue;
    const Step step{join_.keys.at(static_cast<std::int64_t>(row)), periods_[row]};
    const auto [entry, fresh] = first_rows.emplace(step, row);
    if (merges_rows()) leader_[row] = static_cast<std::int64_t>(entry->second);
    if (fresh) continue;
    if (left_out_.empty()) left_out_.assign(periods_.size(), 0);
    ++second_rows;
    if (spec_.aggregate.empty() && !same(row, entry->second)) {
      if (spec_.duplicates == DuplicatePolicy::error) refuse_second_row(row, entry->second);
      ++differing;
    }
    if (!merges_rows() && spec_.duplicates == DuplicatePolicy::last) {
      left_out_[entry->second] = 1;
      entry->second = row;
    } else {
      left_out_[row] = 1;
    }
  }
  if (second_rows == 0 || !spec_.aggregate.empty()) return;
  const char* counts = spec_.duplicates == DuplicatePolicy::last ? "the last one counts"
                       : merges_rows()                           ? "their mean counts"
                                                                 : "the first one counts";
  const bool one = second_rows == 1;
  const char* their = one ? "its" : "their";
  const std::string what =
      differing == 0
          ? fmt::format("{} the same as another row of {} series and time", one ? "says" : "say",
                        their)
          : fmt::format("{} of {} series and time, of which {} {}: {} (data.duplicates)",
                        one ? "is a second one" : "are second ones", their, grouped(differing),
                        differing == 1 ? "differs" : "differ", counts);
  notes.remarks.push_back(fmt::format("{}: {} {} {}", table_.impl().source, grouped(second_rows),
                                      one ? "row" : "rows", what));
}

void FutureRows::refuse_second_row(std::size_t row, std::size_t first) const {
  const std::string& key = join_.keys.ids[join_.keys.at(static_cast<std::int64_t>(row))];
  const Table::Impl& table = table_.impl();
  std::vector<std::string> apart;
  for (int column = 0; column < static_cast<int>(table.names.size()); ++column) {
    if (column == time_column_ || !is_words(table, column)) continue;
    const Codes codes = read_codes(table, column);
    if (codes.codes[row] != codes.codes[first]) {
      apart.push_back(table.names[static_cast<std::size_t>(column)]);
    }
  }
  const std::string differ =
      apart.empty()
          ? ""
          : fmt::format(
                "; these two differ in {}: where that says for which series a row is, give "
                "the data a column of that name",
                some_names(apart));
  throw DataError(fmt::format(
      "{}: a second row for {}{} (the first one: {}); a file of known future values has one "
      "row a series and time: {}remove one, or set data.duplicates{}",
      place_of_row(table, static_cast<std::int64_t>(row)),
      join_.columns.empty() ? "" : fmt::format("{} '{}' ", fmt::join(join_.columns, ", "), key),
      axis_.text_of(periods_[row]), place_of_row(table, static_cast<std::int64_t>(first)),
      repeated_hour_remedy(axis_, periods_[row]), differ));
}

void FutureRows::add_new_series(Series& series, std::int64_t begin, std::int64_t end,
                                CatalogNotes& notes) {
  main_end_ = end;
  const bool all_before = std::all_of(periods_.begin(), periods_.end(),
                                      [&](std::int64_t period) { return period < begin; });
  const auto on_a_step = [](std::int64_t period) { return period != kNoPeriod; };
  if (all_before && std::any_of(periods_.begin(), periods_.end(), on_a_step)) {
    throw DataError(fmt::format(
        "{}: its rows ({}) all lie before the data ({} .. {}); give the values that are known of "
        "the steps after the data",
        table_.impl().source, range_text(), axis_.text_of(begin), axis_.text_of(end)));
  }
  if (!join_.by_id) return;
  std::vector<char> has_later_row(join_.keys.ids.size(), 0);
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (periods_[row] > end) has_later_row[join_.keys.at(static_cast<std::int64_t>(row))] = 1;
  }
  std::vector<std::string> fresh, over, with_rows;
  for (std::size_t s = 0; s < known_series_; ++s) {
    if (join_.key_of_series[s] >= 0) with_rows.push_back(join_.text_of_series[s]);
  }
  std::vector<std::int32_t> fresh_keys;
  for (const std::int32_t unused : keys_without_series(join_)) {
    const auto key = static_cast<std::size_t>(unused);
    (has_later_row[key] != 0 ? fresh : over).push_back(join_.keys.ids[key]);
    if (has_later_row[key] == 0) continue;
    fresh_keys.push_back(unused);
    series.ids.push_back(join_.keys.ids[key]);
    for (std::size_t k = 0; k < series.keys.key.size(); ++k) {
      series.keys.key[k].push_back(join_.keys.keys.key[k][key]);
    }
    join_.key_of_series.push_back(unused);
  }
  index_series();
  const std::string& source = table_.impl().source;
  if (!fresh.empty()) {
    describe_new_series(series, fresh_keys);
    notes.new_series = static_cast<std::int64_t>(fresh.size());
    const std::string alike = say_alike(fresh, with_rows);
    notes.remark_on_forecast(fmt::format(
        "{}: {} of its {} ids are not in the data ({}): series without a history{}{}", source,
        fresh.size(), join_.keys.ids.size(), first_three(fresh), alike.empty() ? "" : "; ", alike));
  }
  if (!over.empty()) {
    notes.remark_on_forecast(fmt::format(
        "{}: {} of its {} ids are not in the data and have no row after its end, {} ({}): not used",
        source, over.size(), join_.keys.ids.size(), axis_.text_of(end), first_three(over)));
  }
}

void FutureRows::describe_new_series(Series& series, std::span<const std::int32_t> keys) const {
  const Header header = header_of(table_.impl());
  for (const std::string& name : spec_.static_categories) {
    std::optional<SeriesWords> words;
    if (has_column(header, name)) {
      words = constant_words(table_.impl(), find_column(header, name, "data.static_categories"),
                             join_.keys);
    }
    for (const std::int32_t key : keys) {
      series.of_new[name].push_back(words ? (*words)[static_cast<std::size_t>(key)] : std::nullopt);
    }
  }
}

}  // namespace sluice
