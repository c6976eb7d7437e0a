// Two numbers a row (series, time) are all that is held beside the table until the rows' places are
// known; channels are then filled one at a time, straight from its blocks.
#include "data/catalog/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "data/catalog/aggregate.hpp"
#include "data/catalog/bits.hpp"
#include "data/catalog/ends.hpp"
#include "data/catalog/future.hpp"
#include "data/catalog/gaps.hpp"
#include "data/catalog/limits.hpp"
#include "data/catalog/other_frequencies.hpp"
#include "data/catalog/places.hpp"
#include "data/catalog/precision.hpp"
#include "data/catalog/sale_days.hpp"
#include "data/catalog/unique.hpp"
#include "data/catalog/words.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

class LongBuilder {
 public:
  LongBuilder(const Table::Impl& table, const CatalogSpec& spec, int time_column,
              std::vector<ChannelSource> sources, CatalogNotes& notes)
      : table_(table),
        spec_(spec),
        notes_(notes),
        time_column_(time_column),
        sources_(std::move(sources)) {}

  CatalogParts build(Series series, bool whole) {
    whole_ = whole;
    series_ = std::move(series);
    parts_.ids = series_.ids;
    categories_ = category_sources(table_, spec_, sources_);
    settle_times();
    const std::vector<FutureRows> future = read_future();
    if (whole) add_statics(table_, spec_, series_, parts_, notes_);
    lay_grid(future);
    Bits has_row(parts_.offsets.back());
    place_rows(has_row);
    series_ = {};
    laid_ = Places(std::move(places_));
    for (const ChannelSource& source : sources_) add_channel(source);
    fit_offsets();
    add_categories(table_, categories_, {laid_, merges_rows()}, future, parts_, notes_);
    laid_ = {};
    for (const FutureRows& file : future) fill_future(file);
    tell_lost_beside(future);
    if (whole) {
      settle_ends(parts_, has_row, spec_, table_.source, false, notes_);
      remark_sale_days(parts_, has_row, spec_, notes_);
      fill_gaps(parts_, has_row, spec_, table_.source, notes_);
    }
    say_coverage(future);
    return std::move(parts_);
  }

 private:
  std::string name_of(std::size_t s) const {
    return series_.of_row.empty() ? "" : fmt::format("series '{}' ", parts_.ids[s]);
  }

  /// "A 2024-01-01"; of a table without ids the time alone.
  std::string example(std::size_t s, std::int64_t period) const {
    const std::string time = parts_.axis.text_of(period);
    return series_.of_row.empty() ? time : fmt::format("{} {}", parts_.ids[s], time);
  }

  /// Times to periods, in place.
  void settle_times() {
    check_aggregation(spec_, sources_, table_.source);
    Times times = read_times_as(table_, time_column_, spec_);
    settle_repeated(times, [&](std::int64_t row) { return series_.at(row); });
    distinct_ = distinct_times(times.values);
    settle_grid(times, distinct_, spec_, table_.source, parts_, notes_);
    for (std::size_t row = 0; row < times.values.size(); ++row) {
      const auto period = period_for(spec_, parts_.axis.frequency, times.values[row]);
      if (!period) off_grid(static_cast<std::int64_t>(row), times.values[row]);
      times.values[row] = *period;
    }
    places_ = std::move(times.values);
  }

  [[noreturn]] void off_grid(std::int64_t row, Timestamp time) const {
    const Frequency& grid = parts_.axis.frequency;
    throw DataError(fmt::format("{}: {}{} is not on the grid of frequency {}; {}",
                                place_of_row(table_, row, time_column_), name_of(series_.at(row)),
                                parts_.axis.text(time), to_string(grid), off_grid_remedy(grid)));
  }

  std::vector<FutureRows> read_future() {
    std::vector<FutureRows> future;
    if (spec_.future_files.empty()) return future;
    FutureColumns asked;
    asked.time = table_.names[static_cast<std::size_t>(time_column_)];
    const bool side_by_side = notes_.layout == "columns";
    asked.series = side_by_side ? 0 : series_.ids.size();
    for (const ChannelSource& source : sources_) {
      asked.others.push_back(source.name);
      if (source.role == Role::future) asked.channels.push_back(source.name);
      asked.series += side_by_side && source.role == Role::target;
    }
    for (const ChannelSource& source : categories_) {
      asked.others.push_back(source.name);
      if (source.role == Role::future) asked.categories.push_back(source.name);
    }
    if (asked.channels.empty() && asked.categories.empty()) {
      throw DataError(
          fmt::format("{}: a future file is given but no future channel; name its channels in "
                      "data.future (numbers) or data.future_categories (words)",
                      spec_.future_files.front().string()));
    }
    std::vector<Table> tables = read_future_files(spec_, series_, notes_);
    asked.files = tables.size();
    const auto [begin, end] = std::minmax_element(places_.begin(), places_.end());
    future.reserve(tables.size());
    for (Table& table : tables) {
      FutureRows& file =
          future.emplace_back(table_, std::move(table), spec_, series_, asked, parts_.axis, notes_);
      file.add_new_series(series_, *begin, *end, notes_);
      notes_.future_rows_unmatched += file.unmatched_rows();
    }
    parts_.ids = series_.ids;
    if (tables.size() > 1) refuse_columns_without_file(future, asked);
    return future;
  }

  /// Each file has its own columns, and a setting may name one that none has.
  void refuse_columns_without_file(const std::vector<FutureRows>& future,
                                   const FutureColumns& asked) const {
    const auto refuse = [&](const std::string& name, const char* key) {
      std::string sources;
      for (const FutureRows& file : future) {
        sources += (sources.empty() ? "" : ", ") + file.source();
      }
      throw DataError(
          fmt::format("{}: none of these files has the column '{}' ({})", sources, name, key));
    };
    for (const std::string& name : asked.channels) {
      const auto has = [&](const FutureRows& file) { return file.has_channel(name); };
      if (std::none_of(future.begin(), future.end(), has)) refuse(name, "data.future");
    }
    for (const std::string& name : asked.categories) {
      const auto has = [&](const FutureRows& file) { return file.has_category(name); };
      if (std::none_of(future.begin(), future.end(), has)) refuse(name, "data.future_categories");
    }
  }

  void lay_grid(const std::vector<FutureRows>& future) {
    const std::size_t count = parts_.ids.size();
    constexpr auto kNone = std::numeric_limits<std::int64_t>::min();
    parts_.first.assign(count, std::numeric_limits<std::int64_t>::max());
    last_row_.assign(count, kNone);
    std::vector<std::int64_t> previous(count, kNone);
    std::vector<char> unsorted(count, 0);
    for (std::size_t row = 0; row < places_.size(); ++row) {
      const std::size_t s = series_.at(static_cast<std::int64_t>(row));
      const std::int64_t period = places_[row];
      parts_.first[s] = std::min(parts_.first[s], period);
      last_row_[s] = std::max(last_row_[s], period);
      if (period < previous[s]) unsorted[s] = 1;
      previous[s] = period;
    }
    notes_.unsorted_series = std::count(unsorted.begin(), unsorted.end(), 1);
    refuse_stray();
    distinct_ = std::vector<Timestamp>();
    std::vector<std::int64_t> last = last_row_;
    for (const FutureRows& file : future) file.extend(parts_.first, last);
    parts_.offsets.assign(1, 0);
    parts_.offsets.reserve(count + 1);
    const std::int64_t most = most_steps();
    for (std::size_t s = 0; s < count; ++s) {
      const std::int64_t length = last[s] - parts_.first[s] + 1;
      if (length > most || parts_.offsets.back() + length > most) refuse_size(s, last, most);
      parts_.offsets.push_back(parts_.offsets.back() + length);
    }
  }

  /// The most steps that data.max_steps or the number of rows allows for the channels there are.
  std::int64_t most_steps() const {
    const std::int64_t targets = std::count_if(
        sources_.begin(), sources_.end(), [](const auto& s) { return s.role == Role::target; });
    const std::int64_t others = std::ssize(sources_) - targets + std::ssize(spec_.past_categories) +
                                std::ssize(spec_.future_categories);
    // A caller that makes a series of each target gives every one of them all other channels.
    const std::int64_t channels = whole_ ? targets + others : targets * (1 + others);
    return most_values(spec_, std::ssize(places_), channels) / channels;
  }

  [[noreturn]] void refuse_size(std::size_t s, const std::vector<std::int64_t>& last,
                                std::int64_t most) const {
    const std::int64_t length = last[s] - parts_.first[s] + 1;
    if (length <= most) {
      throw DataError(fmt::format(
          "{}: {} rows of {} series would become more than {} steps of frequency {}; one of them, "
          "{}reaches from {} to {}; correct its times, or set data.frequency; data.max_steps "
          "allows more",
          table_.source, grouped(std::ssize(places_)), grouped(std::ssize(last)), grouped(most),
          to_string(parts_.axis.frequency), name_of(s), parts_.axis.text_of(parts_.first[s]),
          parts_.axis.text_of(last[s])));
    }
    // The odd one is the row beyond the longest hole, on the side where fewer rows are.
    std::vector<std::pair<std::int64_t, std::int64_t>> rows;  // period, row
    for (std::size_t row = 0; row < places_.size(); ++row) {
      if (series_.at(static_cast<std::int64_t>(row)) == s) {
        rows.emplace_back(places_[row], static_cast<std::int64_t>(row));
      }
    }
    std::sort(rows.begin(), rows.end());
    std::size_t at = 0;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (at == 0 || rows[i].first - rows[i - 1].first > rows[at].first - rows[at - 1].first)
        at = i;
    }
    const auto& odd = rows[at > 0 && 2 * at < rows.size() ? at - 1 : at];
    const bool beyond = last[s] > last_row_[s];
    throw DataError(fmt::format(
        "{}: {}spans {} steps of frequency {} with {} {}{}; is {} right? correct it, or set "
        "data.frequency; data.max_steps allows more",
        place_of_row(table_, odd.second, time_column_), name_of(s), grouped(length),
        to_string(parts_.axis.frequency), grouped(std::ssize(rows)),
        rows.size() == 1 ? "row" : "rows", beyond ? " and those of path.future" : "",
        parts_.axis.text_of(beyond ? last[s] : odd.first)));
  }

  /// One row in the year 1 or 9999 would make thousands of steps, all of them empty, or zero.
  void refuse_stray() const {
    if (spec_.max_steps > 0) return;
    std::vector<std::int64_t> periods;
    for (const Timestamp time : distinct_) {
      periods.push_back(*period_for(spec_, parts_.axis.frequency, time));
    }
    const auto stray = stray_period(periods, parts_.axis.frequency);
    if (!stray) return;
    const auto row = std::find(places_.begin(), places_.end(), stray->period) - places_.begin();
    throw DataError(fmt::format(
        "{}: {}{} lies {} steps of frequency {} {} all other times of the data ({}); is it right? "
        "correct or remove the row; data.max_steps, set to a number, allows it",
        place_of_row(table_, row, time_column_), name_of(series_.at(row)),
        parts_.axis.text_of(stray->period), grouped(std::abs(stray->neighbour - stray->period)),
        to_string(parts_.axis.frequency), stray->period < stray->neighbour ? "before" : "after",
        parts_.axis.text_of(stray->neighbour)));
  }

  /// Periods to places in the channels, in place; -1 for rows that a duplicate replaces.
  void place_rows(Bits& has_row) {
    for (std::size_t row = 0; row < places_.size(); ++row) {
      const std::size_t s = series_.at(static_cast<std::int64_t>(row));
      const std::int64_t period = places_[row];
      const std::int64_t place = parts_.offsets[s] + period - parts_.first[s];
      places_[row] = place;
      if (!has_row.set(place) || !spec_.aggregate.empty()) continue;
      if (notes_.duplicate_rows++ == 0) {
        notes_.example_duplicate = example(s, period);
      }
      if (spec_.duplicates == DuplicatePolicy::error) refuse_duplicate(row, s, period);
      if (spec_.duplicates == DuplicatePolicy::first) places_[row] = -1;
    }
    if (notes_.duplicate_rows > 0) refuse_lost_hours();
    find_other_frequencies(
        parts_, [&](std::int64_t at) { return has_row.test(at); }, notes_);
    count_gaps(has_row);
  }

  std::vector<int> id_columns() const {
    std::vector<int> columns;
    for (const std::string& name : series_.keys.columns) {
      const auto found = std::find(table_.names.begin(), table_.names.end(), name);
      if (found != table_.names.end()) {
        columns.push_back(static_cast<int>(found - table_.names.begin()));
      }
    }
    return columns;
  }

  [[noreturn]] void refuse_duplicate(std::size_t row, std::size_t s, std::int64_t period) const {
    const auto earlier = std::find(places_.begin(), places_.end(), places_[row]);
    CatalogSpec used = spec_;
    // In layout `columns` every number is a series until somebody says otherwise.
    if (notes_.layout != "columns") {
      for (const ChannelSource& source : sources_) used.targets.push_back(source.name);
    }
    std::string remedy = repeated_rows_remedy(table_, used, id_columns(), time_column_);
    std::vector<std::int64_t> before;  // periods of the series from the first one to here
    for (auto r = static_cast<std::size_t>(earlier - places_.begin()); r < row; ++r) {
      if (series_.at(static_cast<std::int64_t>(r)) != s) continue;
      before.push_back(parts_.first[s] + places_[r] - parts_.offsets[s]);
    }
    if (remedy.empty()) remedy = year_remedy(parts_.axis, before);
    throw DataError(fmt::format(
        "{}: a second row for {}{} (the first one: {}); {}{}remove one, name more id columns "
        "(data.id) or another time column (data.time), set data.duplicates to first, last, sum "
        "or mean, or add rows (sales at the till) up by data.aggregate",
        place_of_row(table_, static_cast<std::int64_t>(row)), name_of(s),
        parts_.axis.text_of(period), place_of_row(table_, earlier - places_.begin()),
        repeated_hour_remedy(parts_.axis, period), remedy));
  }

  /// The hours of a day that are written in a column of their own are no duplicates.
  void refuse_lost_hours() const {
    const std::string whole = whole_time_remedy(table_, spec_, id_columns(), time_column_);
    if (whole.empty()) return;
    throw DataError(fmt::format(
        "{}: {} {} a time that another row has (the first one: {}), but {}; to add them up to days "
        "set data.aggregate = \"D\" in place of data.duplicates",
        table_.source, grouped(notes_.duplicate_rows),
        notes_.duplicate_rows == 1 ? "row has" : "rows have", notes_.example_duplicate, whole));
  }

  void count_gaps(const Bits& has_row) {
    for (std::size_t s = 0; s < parts_.ids.size(); ++s) {
      if (last_row_[s] < parts_.first[s]) continue;  // only the future file has it
      const std::int64_t offset = parts_.offsets[s];
      std::int64_t gaps = 0;
      for (std::int64_t t = 0; t <= last_row_[s] - parts_.first[s]; ++t) {
        if (has_row.test(offset + t)) continue;
        if (notes_.gap_steps + gaps++ == 0) {
          notes_.example_gap = example(s, parts_.first[s] + t);
        }
      }
      notes_.gap_steps += gaps;
      notes_.gap_series += gaps > 0 ? 1 : 0;
    }
    if (spec_.gaps == GapPolicy::error && notes_.gap_steps > 0) {
      throw DataError(fmt::format(
          "{}: {} {} no row in {} series (the first one: {}); add the rows, or set data.gaps to "
          "missing, zero or forward_fill",
          table_.source, grouped(notes_.gap_steps),
          notes_.gap_steps == 1 ? "step has" : "steps have", grouped(notes_.gap_series),
          notes_.example_gap));
    }
  }

  /// Whether several rows of one step are added up or averaged.
  bool merges_rows() const {
    return !spec_.aggregate.empty() ||
           (notes_.duplicate_rows > 0 && (spec_.duplicates == DuplicatePolicy::sum ||
                                          spec_.duplicates == DuplicatePolicy::mean));
  }

  void add_channel(const ChannelSource& source) {
    Channel channel{source.name, source.role,
                    std::vector<float>(static_cast<std::size_t>(parts_.offsets.back()), kMissing)};
    if (source.column >= 0) refuse_words(table_, source.column, source.role);
    if (source.column >= 0 && merges_rows()) return add_merged(source, std::move(channel));
    if (source.column >= 0) {
      read_numbers(table_, source.column, [&](std::int64_t row, std::span<const float> block) {
        laid_.each(row, std::ssize(block), [&](std::int64_t place, std::int64_t i) {
          channel.values[static_cast<std::size_t>(place)] = block[static_cast<std::size_t>(i)];
        });
      });
    }
    parts_.channels.push_back(std::move(channel));
    if (source.column < 0) return;
    const auto read_again = [&](ExactSeries& exact) {
      read_exact(table_, source.column, [&](std::int64_t row, std::span<const double> block) {
        laid_.each(row, std::ssize(block), [&](std::int64_t place, std::int64_t i) {
          exact.put(place, block[static_cast<std::size_t>(i)]);
        });
      });
    };
    keep_or_tell(source, read_again);
  }

  void add_merged(const ChannelSource& source, Channel channel) {
    const std::vector<double> merged =
        merged_rows(table_, source.column, merge_for(source), laid_, parts_.offsets.back());
    for (std::size_t i = 0; i < merged.size(); ++i) {
      if (std::abs(merged[i]) > std::numeric_limits<float>::max()) {
        refuse_sum(source, static_cast<std::int64_t>(i), merged[i]);
      }
      channel.values[i] = static_cast<float>(merged[i]);
    }
    parts_.channels.push_back(std::move(channel));
    const auto read_again = [&](ExactSeries& exact) {
      for (std::size_t i = 0; i < merged.size(); ++i) {
        exact.put(static_cast<std::int64_t>(i), merged[i]);
      }
    };
    keep_or_tell(source, read_again);
  }

  /// Targets keep their steps; a covariate is an input alone, and is told of.
  void keep_or_tell(const ChannelSource& source, const ReadAgain& read_again) {
    const std::size_t c = parts_.channels.size() - 1;
    const StepsOf steps = steps_to_end(spec_, parts_);
    if (source.role == Role::target) return keep_steps(parts_, c, read_again, steps);
    tell_lost(source.name, lost_steps(parts_, c, read_again, steps));
  }

  void tell_lost(const std::string& column, const std::vector<std::size_t>& lost) {
    if (lost.empty()) return;
    notes_.remarks.push_back(fmt::format(
        "column '{}': its values are so large that a number of 7 digits, as inputs are kept, loses "
        "their steps{}; take a constant off them, or give their differences",
        column,
        parts_.ids.size() > 1 ? fmt::format(" in {} series (first: {})", grouped(std::ssize(lost)),
                                            parts_.ids[lost.front()])
                              : ""));
  }

  [[noreturn]] void refuse_sum(const ChannelSource& source, std::int64_t place, double sum) const {
    const auto after = std::upper_bound(parts_.offsets.begin(), parts_.offsets.end(), place);
    const std::int64_t s = after - parts_.offsets.begin() - 1;
    throw DataError(fmt::format(
        "{}: the rows of {}{} make {} of '{}', which is too large (beyond 3.4e38); correct them",
        table_.source,
        parts_.ids.size() > 1 ? fmt::format("series '{}' ", parts_.ids[static_cast<std::size_t>(s)])
                              : "",
        parts_.axis.text_of(parts_.first[static_cast<std::size_t>(s)] + place -
                            parts_.offsets[static_cast<std::size_t>(s)]),
        sum, source.name));
  }

  /// An offset for each target of each series, or none at all.
  void fit_offsets() {
    if (parts_.value_offset.empty()) return;
    const auto targets = std::count_if(parts_.channels.begin(), parts_.channels.end(),
                                       [](const auto& c) { return c.role == Role::target; });
    parts_.value_offset.resize(static_cast<std::size_t>(targets) * parts_.ids.size(), 0);
  }

  /// Covariates are averaged where targets are added up: a price is not.
  Merge merge_for(const ChannelSource& source) const {
    if (!spec_.aggregate.empty()) return merge_of(spec_, source);
    const bool mean = spec_.duplicates == DuplicatePolicy::mean || source.role != Role::target;
    return mean ? Merge::mean : Merge::sum;
  }

  void fill_future(const FutureRows& future) {
    for (Channel& channel : parts_.channels) {
      if (channel.role != Role::future || !future.has_channel(channel.name)) continue;
      future.fill(channel.name, parts_.ids, parts_.first, parts_.offsets, channel.values, notes_);
    }
  }

  /// The same of columns that only the files beside the data have.
  void tell_lost_beside(const std::vector<FutureRows>& future) {
    for (const ChannelSource& source : sources_) {
      if (source.column >= 0) continue;
      const auto channel = std::find_if(parts_.channels.begin(), parts_.channels.end(),
                                        [&](const Channel& c) { return c.name == source.name; });
      const auto c = static_cast<std::size_t>(channel - parts_.channels.begin());
      tell_lost(source.name, lost_steps(parts_, c, [&](ExactSeries& exact) {
                  for (const FutureRows& file : future) {
                    if (!file.has_channel(source.name)) continue;
                    file.put_exact(source.name, parts_.first, parts_.offsets, exact);
                  }
                }));
    }
  }

  void say_coverage(const std::vector<FutureRows>& future) {
    std::vector<std::int64_t> ends = histories_of(parts_);
    for (std::size_t s = 0; s < ends.size(); ++s) ends[s] += parts_.first[s] - 1;
    for (const FutureRows& file : future) {
      std::string& text = notes_.future_coverage;
      text += (text.empty() ? "" : "; ") + file.coverage(ends);
      if (future.size() > 1) text += fmt::format(" ({})", file.source());
      file.tell_reach(parts_, ends, notes_);
    }
  }

  const Table::Impl& table_;
  const CatalogSpec& spec_;
  CatalogNotes& notes_;
  int time_column_;
  std::vector<ChannelSource> sources_;
  std::vector<ChannelSource> categories_;
  Series series_;
  CatalogParts parts_;
  bool whole_ = true;                   // the caller makes no other series of the result
  std::vector<Timestamp> distinct_;     // the times there are, ascending
  std::vector<std::int64_t> places_;    // [rows]: first periods, then places in the channels
  Places laid_;                         // what they are in the end
  std::vector<std::int64_t> last_row_;  // [S], period of each series' last row
};

}  // namespace

CatalogParts lay_rows(const Table::Impl& table, const CatalogSpec& spec, int time_column,
                      std::vector<ChannelSource> sources, Series series, bool whole,
                      CatalogNotes& notes) {
  LongBuilder builder(table, spec, time_column, std::move(sources), notes);
  return builder.build(std::move(series), whole);
}

}  // namespace sluice
