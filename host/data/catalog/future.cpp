#include "data/catalog/future.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <unordered_map>

#include "data/catalog/time_parts.hpp"
#include "data/catalog/words.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

Table read_future_file(const CatalogSpec& spec, const Series& series) {
  std::vector<std::string> text = series.keys.columns;
  text.insert(text.end(), spec.future_categories.begin(), spec.future_categories.end());
  // They may be what the files are joined on.
  text.insert(text.end(), spec.static_categories.begin(), spec.static_categories.end());
  if (series.keys.columns.size() == 1) {
    text.insert(text.end(), std::begin(kUsualIds), std::end(kUsualIds));
  }
  const std::vector<std::string> times = parts_of_time(spec);
  text.insert(text.end(), times.begin(), times.end());
  return read_beside(*spec.future_file, spec, text);
}

/// With the time in one column where it is in several; a file may also have it in one already.
Table with_times(Table table, const CatalogSpec& spec, CatalogNotes& notes) {
  const Header header = header_of(table.impl());
  const auto has = [&](const std::string& name) { return has_column(header, name); };
  if (std::none_of(spec.more_time.begin(), spec.more_time.end(), has)) return table;
  const std::vector<int> columns = find_columns(header, parts_of_time(spec), "data.time");
  WholeTimes whole = with_whole_times(table.impl(), columns, spec, notes.remarks);
  return Table(std::make_unique<Table::Impl>(std::move(whole.table)));
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

FutureRows::FutureRows(const Table::Impl& main, const CatalogSpec& spec, const Series& series,
                       const FutureColumns& asked, const Frequency& frequency, bool integers,
                       CatalogNotes& notes)
    : spec_(spec),
      table_(with_times(read_future_file(spec, series), spec, notes)),
      frequency_(frequency),
      series_count_(asked.series),
      known_series_(series.ids.size()) {
  const Table::Impl& table = table_.impl();
  const Header header = header_of(table);
  for (const std::string& channel : asked.channels) {
    columns_.push_back(find_column(header, channel, "data.future"));
  }
  for (const std::string& category : asked.categories) {
    category_columns_.push_back(find_column(header, category, "data.future_categories"));
  }
  const std::string_view same_name[] = {asked.time};
  auto time = has_column(header, asked.time) ? find_column(header, asked.time, "data.time")
                                             : usual_column(header, same_name);
  if (!time) time = usual_column(header, kUsualTimes);
  time_column_ = time ? *time : find_column(header, asked.time, "data.time");
  Times times = read_times_as(table, time_column_, spec, &frequency);
  if (times.integers != integers && table_.rows() > 0) {
    throw DataError(fmt::format("{}: its times are {}, those of the data are {}; write both alike",
                                table.source, times.integers ? "plain integers" : "dates",
                                integers ? "plain integers" : "dates"));
  }
  if (!times.repeated.empty()) {
    std::vector<int> ids;
    for (const JoinColumn& id : id_join_columns(table, series)) ids.push_back(id.column);
    const Series own = ids.empty() ? Series{} : read_series(table, ids);
    settle_repeated(times, [&](std::int64_t row) { return own.at(row); });
  }
  for (std::size_t row = 0; row < times.values.size(); ++row) {
    const auto period = period_for(spec, frequency, times.values[row]);
    if (!period) {
      throw DataError(
          fmt::format("{}: {} is not on the data's grid of frequency {}; correct the row, or "
                      "set data.frequency",
                      place_of_row(table, static_cast<std::int64_t>(row), time_column_),
                      time_text(times.values[row], integers), to_string(frequency)));
    }
    times.values[row] = *period;
  }
  periods_ = std::move(times.values);
  notes.remarks.insert(notes.remarks.end(), table.remarks.begin(), table.remarks.end());
  notes.remarks.insert(notes.remarks.end(), times.remarks.begin(), times.remarks.end());
  if (table_.rows() == 0) {
    notes.remarks.push_back(fmt::format("{}: the file has no rows", table.source));
    hold_for_all(series, asked, notes);
  } else {
    join(main, series, asked, notes);
  }
  index_series();
  settle_duplicates();
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
  if (columns.empty()) return hold_for_all(series, asked, notes);
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

void FutureRows::hold_for_all(const Series& series, const FutureColumns& asked,
                              CatalogNotes& notes) {
  join_.keys.ids = {""};
  join_.key_of_series.assign(series.ids.size(), 0);
  if (asked.series < 2) return;
  if (!spec_.future_for_all.value_or(false)) refuse_other_words(series, asked);
  notes.remarks.push_back(
      fmt::format("{}: no column says for which series a row is: its rows hold for all {}",
                  table_.impl().source, asked.series));
}

void FutureRows::refuse_other_words(const Series& series, const FutureColumns& asked) const {
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
        table.source, ids, table.names[column], asked.series));
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
    const Step step{join.keys.at(static_cast<std::int64_t>(row)), periods_[row]};
    if (!seen.emplace(step, row).second) return true;
  }
  return false;
}

void FutureRows::settle_duplicates() {
  std::unordered_map<Step, std::size_t, StepHash> first_rows;
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    const Step step{join_.keys.at(static_cast<std::int64_t>(row)), periods_[row]};
    const auto [entry, fresh] = first_rows.emplace(step, row);
    if (fresh) continue;
    if (spec_.duplicates == DuplicatePolicy::error) {
      const std::string& key = join_.keys.ids[step.first];
      throw DataError(fmt::format(
          "{}: a second row for {}{} (the first one: {}); a file of known future values has one "
          "row a series and time: remove one, or set data.duplicates",
          place_of_row(table_.impl(), static_cast<std::int64_t>(row)),
          join_.columns.empty() ? "" : fmt::format("{} '{}' ", fmt::join(join_.columns, ", "), key),
          period_text(frequency_, periods_[row]),
          place_of_row(table_.impl(), static_cast<std::int64_t>(entry->second))));
    }
    if (left_out_.empty()) {
      left_out_.assign(periods_.size(), 0);
      leader_.resize(periods_.size());
      for (std::size_t i = 0; i < leader_.size(); ++i) leader_[i] = static_cast<std::int64_t>(i);
    }
    if (spec_.duplicates == DuplicatePolicy::last) {
      left_out_[entry->second] = 1;
      entry->second = row;
    } else {
      left_out_[row] = 1;
      leader_[row] = static_cast<std::int64_t>(entry->second);
    }
  }
}

void FutureRows::add_new_series(Series& series, std::int64_t end, CatalogNotes& notes) {
  main_end_ = end;
  if (!join_.by_id) return;
  std::vector<char> has_later_row(join_.keys.ids.size(), 0);
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (periods_[row] > end) has_later_row[join_.keys.at(static_cast<std::int64_t>(row))] = 1;
  }
  std::vector<std::string> fresh, over;
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
    notes.remarks.push_back(
        fmt::format("{}: {} of its {} ids are not in the data ({}): series without a history",
                    source, fresh.size(), join_.keys.ids.size(), first_three(fresh)));
  }
  if (!over.empty()) {
    notes.remarks.push_back(fmt::format(
        "{}: {} of its {} ids are not in the data and have no row after its end, {} ({}): not used",
        source, over.size(), join_.keys.ids.size(), period_text(frequency_, end),
        first_three(over)));
  }
}

void FutureRows::describe_new_series(Series& series, std::span<const std::int32_t> keys) const {
  const Header header = header_of(table_.impl());
  for (const std::string& name : spec_.static_categories) {
    if (!has_column(header, name)) continue;
    const auto words = constant_words(
        table_.impl(), find_column(header, name, "data.static_categories"), join_.keys);
    for (const std::int32_t key : keys) {
      series.of_new[name].push_back(words ? (*words)[static_cast<std::size_t>(key)] : std::nullopt);
    }
  }
}

void FutureRows::extend(std::vector<std::int64_t>& first, std::vector<std::int64_t>& last) const {
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    for (const std::int32_t s : series_of(row)) {
      const auto i = static_cast<std::size_t>(s);
      if (i >= known_series_) first[i] = std::min(first[i], periods_[row]);
      last[i] = std::max(last[i], periods_[row]);
    }
  }
}

std::int64_t FutureRows::unmatched_rows() const {
  std::int64_t count = 0;
  for (std::size_t row = 0; row < periods_.size(); ++row) count += series_of(row).empty();
  return count;
}

std::vector<float> FutureRows::numbers(std::size_t channel) const {
  const Table::Impl& table = table_.impl();
  refuse_words(table, columns_[channel], Role::future);
  std::vector<float> numbers = read_numbers(table, columns_[channel]);
  const bool mean =
      spec_.duplicates == DuplicatePolicy::mean || spec_.duplicates == DuplicatePolicy::sum;
  if (leader_.empty() || !mean) return numbers;
  // Known values are averaged under "sum" too: a price is not added up.
  std::vector<double> sums(numbers.size(), 0);
  std::vector<std::int32_t> counts(numbers.size(), 0);
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    if (std::isnan(numbers[row])) continue;
    sums[static_cast<std::size_t>(leader_[row])] += numbers[row];
    ++counts[static_cast<std::size_t>(leader_[row])];
  }
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    if (counts[row] > 0) numbers[row] = static_cast<float>(sums[row] / counts[row]);
  }
  return numbers;
}

void FutureRows::fill(std::size_t channel, const std::vector<std::string>& ids,
                      const std::vector<std::int64_t>& first,
                      const std::vector<std::int64_t>& offsets, std::vector<float>& values,
                      CatalogNotes& notes) const {
  const std::vector<float> known = numbers(channel);
  std::int64_t differing = 0;
  std::string example;
  for_each_step(first, offsets, [&](std::size_t row, std::int64_t place) {
    float& cell = values[static_cast<std::size_t>(place)];
    const float value = known[row];
    if (std::isnan(cell)) {
      cell = value;
    } else if (!std::isnan(value) && value != cell && differing++ == 0) {
      example = fmt::format("{}, {} there and {} in the data",
                            step_text(ids, first, offsets, place), value, cell);
    }
  });
  tell_differences(table_.impl().names[static_cast<std::size_t>(columns_[channel])], differing,
                   example, notes);
}

Codes FutureRows::words(std::size_t category) const {
  return read_codes(table_.impl(), category_columns_[category]);
}

void FutureRows::tell_differences(const std::string& column, std::int64_t count,
                                  const std::string& example, CatalogNotes& notes) const {
  if (count == 0) return;
  notes.remarks.push_back(fmt::format(
      "{}: {} of its values of '{}' differ from the data's own (the first: {}); the data's count",
      table_.impl().source, count, column, example));
}

std::string FutureRows::step_text(const std::vector<std::string>& ids,
                                  const std::vector<std::int64_t>& first,
                                  const std::vector<std::int64_t>& offsets,
                                  std::int64_t place) const {
  const auto s = static_cast<std::size_t>(std::upper_bound(offsets.begin(), offsets.end(), place) -
                                          offsets.begin() - 1);
  return fmt::format("{} {}", ids[s], period_text(frequency_, first[s] + place - offsets[s]));
}

std::string FutureRows::coverage(const std::vector<std::int64_t>& ends) const {
  constexpr auto kNone = std::numeric_limits<std::int64_t>::min();
  std::vector<std::int64_t> last(ends.size(), kNone);
  std::int64_t begin = std::numeric_limits<std::int64_t>::max(), end = kNone;
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    for (const std::int32_t s : series_of(row)) {
      const auto i = static_cast<std::size_t>(s);
      // A new series has its known values from before, for a forecast from there.
      if (periods_[row] <= (i < known_series_ ? ends[i] : main_end_)) continue;
      last[i] = std::max(last[i], periods_[row]);
      begin = std::min(begin, periods_[row]);
      end = std::max(end, periods_[row]);
    }
  }
  const auto covered =
      std::count_if(last.begin(), last.end(), [](std::int64_t period) { return period != kNone; });
  const std::string series = join_.columns.empty() && covered == std::ssize(ends)
                                 ? fmt::format("all {} series", series_count_)
                                 : fmt::format("{} of {} series", covered, ends.size());
  if (covered == 0) return series + ": no row after the end of their histories";
  std::string text = fmt::format("{}, {} .. {}", series, period_text(frequency_, begin),
                                 period_text(frequency_, end));
  const auto shorter = std::count_if(last.begin(), last.end(), [&](std::int64_t period) {
    return period != kNone && period < end;
  });
  if (shorter > 0) text += fmt::format(" ({} end before)", shorter);
  return text;
}

}  // namespace sluice
