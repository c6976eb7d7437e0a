// What the rows of a future file say: their values, where they lie on the series' steps.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "data/catalog/aggregate.hpp"
#include "data/catalog/future.hpp"
#include "data/catalog/words.hpp"

namespace sluice {

void FutureRows::extend(std::vector<std::int64_t>& first, std::vector<std::int64_t>& last) const {
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (!is_on_a_step(row)) continue;
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
  const int column = columns_[channel];
  refuse_words(table, column, Role::future);
  if (!merges_rows()) return read_numbers(table, column);
  const std::vector<double> merged = exact_numbers(channel);
  return {merged.begin(), merged.end()};
}

std::vector<double> FutureRows::exact_numbers(std::size_t channel) const {
  const Table::Impl& table = table_.impl();
  const int column = columns_[channel];
  if (!merges_rows()) {
    std::vector<double> numbers;
    read_exact(table, column, [&](std::int64_t, std::span<const double> block) {
      numbers.insert(numbers.end(), block.begin(), block.end());
    });
    return numbers;
  }
  // Known values are averaged under "sum" too: a price is not added up.
  const Merge merge = spec_.aggregate.empty()
                          ? Merge::mean
                          : merge_of(spec_, {channels_[channel], Role::future, column});
  return merged_rows(table, column, merge, Places(leader_), std::ssize(periods_));
}

void FutureRows::fill(const std::string& name, const std::vector<std::string>& ids,
                      const std::vector<std::int64_t>& first,
                      const std::vector<std::int64_t>& offsets, std::vector<float>& values,
                      CatalogNotes& notes) const {
  const auto channel = static_cast<std::size_t>(
      std::find(channels_.begin(), channels_.end(), name) - channels_.begin());
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

void FutureRows::put_exact(const std::string& name, const std::vector<std::int64_t>& first,
                           const std::vector<std::int64_t>& offsets, ExactSeries& exact) const {
  const auto channel = static_cast<std::size_t>(
      std::find(channels_.begin(), channels_.end(), name) - channels_.begin());
  const std::vector<double> known = exact_numbers(channel);
  for_each_step(first, offsets,
                [&](std::size_t row, std::int64_t place) { exact.put(place, known[row]); });
}

Codes FutureRows::words(const std::string& name) const {
  const auto category = std::find(categories_.begin(), categories_.end(), name);
  return read_codes(table_.impl(),
                    category_columns_[static_cast<std::size_t>(category - categories_.begin())]);
}

bool FutureRows::has_channel(const std::string& name) const {
  return std::find(channels_.begin(), channels_.end(), name) != channels_.end();
}

bool FutureRows::has_category(const std::string& name) const {
  return std::find(categories_.begin(), categories_.end(), name) != categories_.end();
}

void FutureRows::tell_differences(const std::string& column, std::int64_t count,
                                  const std::string& example, CatalogNotes& notes) const {
  if (count == 0) return;
  notes.remarks.push_back(fmt::format(
      "{}: {} of its values of '{}' {} from the data's own (the first: {}); the data's count",
      table_.impl().source, count, column, count == 1 ? "differs" : "differ", example));
}

std::string FutureRows::step_text(const std::vector<std::string>& ids,
                                  const std::vector<std::int64_t>& first,
                                  const std::vector<std::int64_t>& offsets,
                                  std::int64_t place) const {
  const auto s = static_cast<std::size_t>(std::upper_bound(offsets.begin(), offsets.end(), place) -
                                          offsets.begin() - 1);
  return fmt::format("{} {}", ids[s], axis_.text_of(first[s] + place - offsets[s]));
}

std::string FutureRows::coverage(const std::vector<std::int64_t>& ends) const {
  constexpr auto kNone = std::numeric_limits<std::int64_t>::min();
  std::vector<std::int64_t> last(ends.size(), kNone);
  std::int64_t begin = std::numeric_limits<std::int64_t>::max(), end = kNone;
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (!is_on_a_step(row)) continue;
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
  std::string text = fmt::format("{}, {} .. {}", series, axis_.text_of(begin), axis_.text_of(end));
  const auto shorter = std::count_if(last.begin(), last.end(), [&](std::int64_t period) {
    return period != kNone && period < end;
  });
  if (shorter > 0) text += fmt::format(" ({} end before)", shorter);
  return text;
}

std::string FutureRows::range_text() const {
  std::int64_t begin = std::numeric_limits<std::int64_t>::max(), end = kNoPeriod;
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (!is_on_a_step(row)) continue;
    begin = std::min(begin, periods_[row]);
    end = std::max(end, periods_[row]);
  }
  if (end == kNoPeriod) return "none";
  return fmt::format("{} .. {}", axis_.text_of(begin), axis_.text_of(end));
}

void FutureRows::tell_reach(const CatalogParts& parts, const std::vector<std::int64_t>& ends,
                            CatalogNotes& notes) const {
  const std::string& source = table_.impl().source;
  std::vector<char> ahead(ends.size(), 0);
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    for (const std::int32_t s : series_of(row)) {
      const auto i = static_cast<std::size_t>(s);
      if (periods_[row] > (i < known_series_ ? ends[i] : main_end_)) ahead[i] = 1;
    }
  }
  if (std::none_of(ahead.begin(), ahead.end(), [](char any) { return any != 0; })) {
    if (range_text() == "none") return;  // which is said already
    notes.remark_on_forecast(fmt::format(
        "{}: no row lies after the end of the histories (its rows: {}; the histories end {}), so "
        "nothing is known of the steps to be forecast",
        source, range_text(), axis_.text_of(*std::max_element(ends.begin(), ends.end()))));
    return;
  }
  for (const Channel& channel : parts.channels) {
    if (channel.role != Role::future || !has_channel(channel.name)) continue;
    std::int64_t before = 0, lacking_before = 0, after = 0, lacking_after = 0;
    std::string example;
    for (std::size_t s = 0; s < ends.size(); ++s) {
      if (ahead[s] == 0) continue;
      const std::int64_t end = s < known_series_ ? ends[s] : main_end_;
      for (std::int64_t at = parts.offsets[s]; at < parts.offsets[s + 1]; ++at) {
        const bool lacks = std::isnan(channel.values[static_cast<std::size_t>(at)]);
        const bool is_after = parts.first[s] + at - parts.offsets[s] > end;
        ++(is_after ? after : before);
        lacking_before += lacks && !is_after;
        if (!lacks || !is_after || lacking_after++ > 0) continue;
        example = step_text(parts.ids, parts.first, parts.offsets, at);
      }
    }
    // As often missing as ever is no news: a column of discounts that are seldom given.
    const auto share = [](std::int64_t part, std::int64_t all) {
      return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, all));
    };
    if (share(lacking_after, after) <= 2 * share(lacking_before, before)) continue;
    notes.remark_on_forecast(fmt::format(
        "{}: {} is missing in {} of the {} steps that it reaches over after the end of the "
        "histories (the first one: {})",
        source, channel.name, grouped(lacking_after), grouped(after), example));
  }
}

}  // namespace sluice
