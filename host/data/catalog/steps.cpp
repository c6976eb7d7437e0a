// Two numbers a row (series, place in the channels) are all that is held beside the table; channels
// are then filled one at a time, straight from its blocks.
#include "data/catalog/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/catalog/aggregate.hpp"
#include "data/catalog/future.hpp"
#include "data/catalog/other_frequencies.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// A bit for each step of the catalogue.
class Bits {
 public:
  explicit Bits(std::int64_t count) : words_(static_cast<std::size_t>(count / 64 + 1), 0) {}
  bool test(std::int64_t i) const { return (words_[index(i)] >> (i % 64) & 1u) != 0; }
  /// Sets the bit; true if it was set before.
  bool set(std::int64_t i) {
    const bool before = test(i);
    words_[index(i)] |= std::uint64_t{1} << (i % 64);
    return before;
  }

 private:
  static std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i / 64); }
  std::vector<std::uint64_t> words_;
};

class LongBuilder {
 public:
  LongBuilder(const Table::Impl& table, const CatalogSpec& spec, int time_column,
              std::vector<ChannelSource> sources, CatalogNotes& notes)
      : table_(table),
        spec_(spec),
        notes_(notes),
        time_column_(time_column),
        sources_(std::move(sources)) {}

  CatalogParts build(Series series, bool with_statics) {
    series_ = std::move(series);
    parts_.ids = series_.ids;
    settle_times();
    std::optional<FutureRows> future;
    if (spec_.future_file) future = read_future();
    if (with_statics) add_statics(table_, spec_, series_, parts_);
    lay_grid(future);
    Bits has_row(parts_.offsets.back());
    place_rows(has_row);
    series_ = {};
    for (const ChannelSource& source : sources_) add_channel(source);
    places_ = {};
    if (future) fill_future(*future);
    fill_gaps(has_row);
    return std::move(parts_);
  }

 private:
  std::string name_of(std::size_t s) const {
    return series_.of_row.empty() ? "" : fmt::format("series '{}' ", parts_.ids[s]);
  }

  /// Times to periods, in place.
  void settle_times() {
    check_aggregation(spec_, sources_, table_.source);
    Times times = read_times_as(table_, time_column_, spec_);
    settle_repeated(times, [&](std::int64_t row) { return series_.at(row); });
    settle_grid(times, spec_, table_.source, parts_, notes_);
    for (std::size_t row = 0; row < times.values.size(); ++row) {
      const auto period = period_for(spec_, parts_.frequency, times.values[row]);
      if (!period) off_grid(static_cast<std::int64_t>(row), times.values[row]);
      times.values[row] = *period;
    }
    places_ = std::move(times.values);
  }

  [[noreturn]] void off_grid(std::int64_t row, Timestamp time) const {
    const Frequency& grid = parts_.frequency;
    throw DataError(fmt::format("{}: {}{} is not on the grid of frequency {}; {}",
                                place_of_row(table_, row, time_column_), name_of(series_.at(row)),
                                time_text(time, parts_.integer_times), to_string(grid),
                                off_grid_remedy(grid)));
  }

  FutureRows read_future() {
    std::vector<std::string> names;
    for (const ChannelSource& source : sources_) {
      if (source.role == Role::future) names.push_back(source.name);
    }
    if (names.empty()) {
      throw DataError(
          fmt::format("{}: a future file is given but no future channel; name its "
                      "channels in data.future",
                      spec_.future_file->string()));
    }
    FutureRows future(spec_, series_, table_.names[static_cast<std::size_t>(time_column_)], names,
                      parts_.frequency, parts_.integer_times);
    notes_.future_rows_unmatched = future.unmatched_rows();
    return future;
  }

  void lay_grid(const std::optional<FutureRows>& future) {
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
    std::vector<std::int64_t> last = last_row_;
    if (future) future->extend(last);
    const auto rows = static_cast<std::int64_t>(places_.size());
    const std::int64_t most = 1000 * rows + 100'000'000;
    parts_.offsets.assign(1, 0);
    parts_.offsets.reserve(count + 1);
    for (std::size_t s = 0; s < count; ++s) {
      const std::int64_t length = last[s] - parts_.first[s] + 1;
      if (length > most || parts_.offsets.back() + length > most) {
        throw DataError(fmt::format(
            "{}: {} rows would become more than {} steps of frequency {}: {}reaches from {} to {}; "
            "correct its times, or set data.frequency",
            table_.source, rows, most, to_string(parts_.frequency), name_of(s),
            period_text(parts_.frequency, parts_.first[s]),
            period_text(parts_.frequency, last[s])));
      }
      parts_.offsets.push_back(parts_.offsets.back() + length);
    }
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
        notes_.example_duplicate =
            fmt::format("{} {}", parts_.ids[s], period_text(parts_.frequency, period));
      }
      if (spec_.duplicates == DuplicatePolicy::error) refuse_duplicate(row, s, period);
      if (spec_.duplicates == DuplicatePolicy::first) places_[row] = -1;
    }
    find_other_frequencies(
        parts_, [&](std::int64_t at) { return has_row.test(at); }, notes_);
    count_gaps(has_row);
  }

  [[noreturn]] void refuse_duplicate(std::size_t row, std::size_t s, std::int64_t period) const {
    const auto earlier = std::find(places_.begin(), places_.end(), places_[row]);
    throw DataError(fmt::format(
        "{}: a second row for {}{} (the first one: {}); remove one, name more id columns "
        "(data.id) or another time column (data.time), set data.duplicates to first, last, sum "
        "or mean, or add rows (sales at the till) up by data.aggregate",
        place_of_row(table_, static_cast<std::int64_t>(row)), name_of(s),
        period_text(parts_.frequency, period), place_of_row(table_, earlier - places_.begin())));
  }

  void count_gaps(const Bits& has_row) {
    for (std::size_t s = 0; s < parts_.ids.size(); ++s) {
      const std::int64_t offset = parts_.offsets[s];
      std::int64_t gaps = 0;
      for (std::int64_t t = 0; t <= last_row_[s] - parts_.first[s]; ++t) {
        if (has_row.test(offset + t)) continue;
        if (notes_.gap_steps + gaps++ == 0) {
          notes_.example_gap = fmt::format("{} {}", parts_.ids[s],
                                           period_text(parts_.frequency, parts_.first[s] + t));
        }
      }
      notes_.gap_steps += gaps;
      notes_.gap_series += gaps > 0 ? 1 : 0;
    }
    if (spec_.gaps == GapPolicy::error && notes_.gap_steps > 0) {
      throw DataError(fmt::format(
          "{}: {} steps have no row in {} series (the first one: {}); add the rows, or set "
          "data.gaps to missing, zero or forward_fill",
          table_.source, notes_.gap_steps, notes_.gap_series, notes_.example_gap));
    }
  }

  void add_channel(const ChannelSource& source) {
    Channel channel{source.name, source.role,
                    std::vector<float>(static_cast<std::size_t>(parts_.offsets.back()), kMissing)};
    const bool merge = !spec_.aggregate.empty() ||
                       (notes_.duplicate_rows > 0 && (spec_.duplicates == DuplicatePolicy::sum ||
                                                      spec_.duplicates == DuplicatePolicy::mean));
    if (source.column >= 0 && merge) {
      merge_rows(table_, source.column, merge_for(source), places_, channel.values);
    } else if (source.column >= 0) {
      read_numbers(table_, source.column, [&](std::int64_t row, std::span<const float> block) {
        const std::int64_t* place = places_.data() + row;
        for (std::size_t i = 0; i < block.size(); ++i) {
          if (place[i] >= 0) channel.values[static_cast<std::size_t>(place[i])] = block[i];
        }
      });
    }
    parts_.channels.push_back(std::move(channel));
  }

  /// Covariates are averaged where targets are added up: a price is not.
  Merge merge_for(const ChannelSource& source) const {
    if (!spec_.aggregate.empty()) return merge_of(spec_, source);
    const bool mean = spec_.duplicates == DuplicatePolicy::mean || source.role != Role::target;
    return mean ? Merge::mean : Merge::sum;
  }

  void fill_future(const FutureRows& future) {
    std::size_t number = 0;
    for (Channel& channel : parts_.channels) {
      if (channel.role != Role::future) continue;
      future.fill(number++, parts_.first, parts_.offsets, channel.values);
    }
  }

  /// Steps without a row inside the history become what data.gaps says.
  void fill_gaps(const Bits& has_row) {
    if (notes_.gap_steps == 0 || spec_.gaps == GapPolicy::missing) return;
    for (std::size_t s = 0; s < parts_.ids.size(); ++s) {
      const std::int64_t begin = parts_.offsets[s];
      std::int64_t end = parts_.offsets[s + 1];
      while (end > begin && !has_target(end - 1)) --end;
      for (std::int64_t i = begin; i < end; ++i) {
        if (has_row.test(i)) continue;
        for (Channel& channel : parts_.channels) {
          float& value = channel.values[static_cast<std::size_t>(i)];
          if (spec_.gaps == GapPolicy::forward_fill && std::isnan(value)) value = (&value)[-1];
          if (spec_.gaps == GapPolicy::zero && channel.role == Role::target) value = 0;
        }
      }
    }
  }
  bool has_target(std::int64_t i) const {
    return std::any_of(parts_.channels.begin(), parts_.channels.end(), [&](const Channel& channel) {
      return channel.role == Role::target &&
             !std::isnan(channel.values[static_cast<std::size_t>(i)]);
    });
  }

  const Table::Impl& table_;
  const CatalogSpec& spec_;
  CatalogNotes& notes_;
  int time_column_;
  std::vector<ChannelSource> sources_;
  Series series_;
  CatalogParts parts_;
  std::vector<std::int64_t> places_;    // [rows]: first periods, then places in the channels
  std::vector<std::int64_t> last_row_;  // [S], period of each series' last row
};

}  // namespace

CatalogParts lay_rows(const Table::Impl& table, const CatalogSpec& spec, int time_column,
                      std::vector<ChannelSource> sources, Series series, bool with_statics,
                      CatalogNotes& notes) {
  LongBuilder builder(table, spec, time_column, std::move(sources), notes);
  return builder.build(std::move(series), with_statics);
}

}  // namespace sluice
