// What the rows of a future file say: their values, where they lie on the series' steps.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
  // Known values are averaged under "sum" too: a price is not added up.
  const Merge merge = spec_.aggregate.empty()
                          ? Merge::mean
                          : merge_of(spec_, {channels_[channel], Role::future, column});
  const std::vector<double> merged =
      merged_rows(table, column, merge, leader_, std::ssize(periods_));
  return {merged.begin(), merged.end()};
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

}  // namespace sluice
