#include "data/catalog/future.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

Table read_future_file(const CatalogSpec& spec, const Series& series) {
  return read_beside(*spec.future_file, spec, series.keys.columns);
}

}  // namespace

FutureRows::FutureRows(const CatalogSpec& spec, const Series& series, const std::string& time,
                       const std::vector<std::string>& channels, const Frequency& frequency,
                       bool integers)
    : table_(read_future_file(spec, series)) {
  const Table::Impl& table = table_.impl();
  const Header header = header_of(table);
  for (const std::string& channel : channels) {
    columns_.push_back(find_column(header, channel, "data.future"));
  }
  const auto usual = usual_column(header, kUsualTimes);
  const int time_column =
      !has_column(header, time) && usual ? *usual : find_column(header, time, "data.time");
  Times times = read_times_as(table, time_column, spec, &frequency);
  if (times.integers != integers && table_.rows() > 0) {
    throw DataError(fmt::format("{}: its times are {}, those of the data are {}; write both alike",
                                table.source, times.integers ? "plain integers" : "dates",
                                integers ? "plain integers" : "dates"));
  }
  match_series(spec, series);
  for (std::size_t row = 0; row < times.values.size(); ++row) {
    const auto period = period_for(spec, frequency, times.values[row]);
    if (!period) {
      throw DataError(
          fmt::format("{}: {} is not on the data's grid of frequency {}; correct the row",
                      place_of_row(table, static_cast<std::int64_t>(row), time_column),
                      time_text(times.values[row], integers), to_string(frequency)));
    }
    times.values[row] = *period;
  }
  periods_ = std::move(times.values);
  refuse_duplicates(frequency);
}

void FutureRows::match_series(const CatalogSpec& spec, const Series& series) {
  const Table::Impl& table = table_.impl();
  const Header header = header_of(table);
  std::vector<int> ids;
  for (const std::string& name : series.keys.columns) {
    if (has_column(header, name)) ids.push_back(find_column(header, name, "data.id"));
  }
  for_all_ = ids.empty();
  if (for_all_) return;
  if (ids.size() != series.keys.columns.size()) {
    throw DataError(fmt::format(
        "{}: it has some of the id columns but not all ({}); give all of them, or none where the "
        "rows hold for every series",
        spec.future_file->string(), list_columns(header)));
  }
  if (table_.rows() == 0) return;
  Series own = read_series(table, ids);
  std::unordered_map<std::string_view, std::int32_t> known;
  for (std::size_t s = 0; s < series.ids.size(); ++s) {
    known.emplace(series.ids[s], static_cast<std::int32_t>(s));
  }
  std::vector<std::int32_t> to_main(own.ids.size(), -1);
  for (std::size_t s = 0; s < own.ids.size(); ++s) {
    const auto found = known.find(own.ids[s]);
    if (found != known.end()) to_main[s] = found->second;
  }
  series_ = std::move(own.of_row);
  for (std::int32_t& s : series_) {
    s = to_main[static_cast<std::size_t>(s)];
    unmatched_ += s < 0 ? 1 : 0;
  }
}

void FutureRows::refuse_duplicates(const Frequency& frequency) const {
  struct Hash {
    std::size_t operator()(const std::pair<std::int32_t, std::int64_t>& key) const {
      return static_cast<std::size_t>(key.second) * 0x9E3779B97F4A7C15u +
             static_cast<std::size_t>(key.first) * 0xC2B2AE3D27D4EB4Fu;
    }
  };
  std::unordered_set<std::pair<std::int32_t, std::int64_t>, Hash> seen;
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    const std::int32_t s = for_all_ ? 0 : series_[row];
    if (s < 0 || seen.emplace(s, periods_[row]).second) continue;
    throw DataError(fmt::format(
        "{}: a second row for {}; a file of known future values has one row a series and time: "
        "remove one",
        place_of_row(table_.impl(), static_cast<std::int64_t>(row)),
        period_text(frequency, periods_[row])));
  }
}

void FutureRows::extend(std::vector<std::int64_t>& last) const {
  if (for_all_) {
    if (periods_.empty()) return;
    const std::int64_t end = *std::max_element(periods_.begin(), periods_.end());
    for (std::int64_t& period : last) period = std::max(period, end);
    return;
  }
  for (std::size_t row = 0; row < periods_.size(); ++row) {
    if (series_[row] < 0) continue;
    std::int64_t& period = last[static_cast<std::size_t>(series_[row])];
    period = std::max(period, periods_[row]);
  }
}

void FutureRows::fill(std::size_t channel, const std::vector<std::int64_t>& first,
                      const std::vector<std::int64_t>& offsets, std::vector<float>& values) const {
  const auto put = [&](std::size_t s, std::int64_t period, float value) {
    if (period < first[s]) return;
    const std::int64_t place = offsets[s] + period - first[s];
    float& cell = values[static_cast<std::size_t>(place)];
    if (std::isnan(cell)) cell = value;
  };
  read_numbers(table_.impl(), columns_[channel],
               [&](std::int64_t row, std::span<const float> block) {
                 for (std::size_t i = 0; i < block.size(); ++i) {
                   const std::size_t r = static_cast<std::size_t>(row) + i;
                   if (!for_all_) {
                     if (series_[r] >= 0) {
                       put(static_cast<std::size_t>(series_[r]), periods_[r], block[i]);
                     }
                     continue;
                   }
                   for (std::size_t s = 0; s < first.size(); ++s) put(s, periods_[r], block[i]);
                 }
               });
}

}  // namespace sluice
