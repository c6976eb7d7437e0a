// Forecasts as a table, and its file.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/large_pages.hpp"
#include "base/region_failure.hpp"
#include "run/forecast/output_columns.hpp"
#include "run/provenance/table_notes.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

/// Calls visit(at, row, k, m) for each row of the table, whose place is `at`, by all threads: rows
/// of the first forecast begin at `first`.
template <typename Visit>
void for_each_row(const Forecasts& forecasts, std::size_t first, Visit&& visit) {
  const auto K = static_cast<std::size_t>(forecasts.K), M = static_cast<std::size_t>(forecasts.M);
  RegionFailure failure;
#pragma omp parallel for schedule(static)
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    failure.keep([&] {
      std::size_t at = first + r * M * K;
      for (std::size_t m = 0; m < M; ++m) {
        for (std::size_t k = 0; k < K; ++k) visit(at++, r, k, m);
      }
    });
  }
  failure.rethrow();
}

/// Ids in the order in which forecasts have them, and the place of each series' id, -1: none.
struct Ids {
  std::vector<std::string> text;
  std::vector<std::int32_t> code_of;  ///< [S]
};

Ids ids_of(const Catalog& catalog, std::span<const Forecasts> windows) {
  Ids out{{}, std::vector<std::int32_t>(static_cast<std::size_t>(catalog.series_count()), -1)};
  for (const Forecasts& forecasts : windows) {
    for (const std::int32_t s : forecasts.series) {
      std::int32_t& code = out.code_of[static_cast<std::size_t>(s)];
      if (code >= 0) continue;
      code = static_cast<std::int32_t>(out.text.size());
      out.text.push_back(catalog.id(s));
    }
  }
  return out;
}

/// What came, where it is known.
double actual(const Catalog& catalog, const Forecasts& forecasts, std::size_t row, std::size_t k,
              std::size_t m) {
  const std::int64_t s = forecasts.series[row];
  const std::int64_t t = forecasts.cutoff[row] + static_cast<std::int64_t>(k);
  const int target = static_cast<int>(m);
  if (t >= catalog.length(s)) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(catalog.values(target, s)[static_cast<std::size_t>(t)]) +
         catalog.value_offset(target, s);
}

/// Which level a sum is of; behind the last one, the series themselves.
std::int32_t level_of(const Catalog& catalog, std::int64_t s) {
  const auto& levels = catalog.hierarchy().levels;
  if (!catalog.is_sum(s)) return static_cast<std::int32_t>(levels.size());
  const auto behind = std::ranges::upper_bound(levels, s, {}, &Hierarchy::Level::first);
  return static_cast<std::int32_t>(behind - levels.begin() - 1);
}

}  // namespace

std::vector<OutputColumn> forecast_columns(const Catalog& catalog,
                                           std::span<const Forecasts> windows,
                                           const std::vector<double>& levels,
                                           ForecastRows rows_of) {
  const bool beside_actuals = rows_of == ForecastRows::with_actuals;
  const bool several_targets = !windows.empty() && windows.front().M > 1;
  const bool any_new = std::any_of(windows.begin(), windows.end(),
                                   [](const Forecasts& f) { return !f.new_item.empty(); });
  OutputColumn id{.name = "unique_id"}, target = target_column(catalog);
  OutputColumn y{.name = "y"}, new_item{.name = "new_item"}, of_level{.name = "level"};
  for (const Hierarchy::Level& one : catalog.hierarchy().levels) of_level.text.push_back(one.name);
  of_level.text.emplace_back("series");
  const bool any_level = of_level.text.size() > 1;
  const bool any_mean = std::any_of(windows.begin(), windows.end(),
                                    [](const Forecasts& f) { return !f.mean.empty(); });
  OutputColumn point{.name = "sluice"};
  IntervalColumns beside(any_mean, levels);
  std::vector<OutputColumn>& outputs = beside.columns;
  std::size_t rows = 0;
  for (const Forecasts& f : windows) rows += f.series.size() * static_cast<std::size_t>(f.K * f.M);
  std::vector<Timestamp> times, cutoffs;
  const auto make_room = [&](auto& column, bool is_there = true) {
    resize_in_large_pages(column, is_there ? rows : 0);
  };
  make_room(times), make_room(id.codes), make_room(point.numbers);
  make_room(cutoffs, beside_actuals), make_room(y.numbers, beside_actuals);
  for (OutputColumn& output : outputs) make_room(output.numbers);
  make_room(target.codes, several_targets), make_room(of_level.codes, any_level);
  make_room(new_item.integers, any_new);
  Ids ids = ids_of(catalog, windows);
  std::size_t first = 0;
  for (const Forecasts& forecasts : windows) {
    std::vector<std::size_t> places;
    for (const double probability : beside.probabilities) {
      places.push_back(static_cast<std::size_t>(
          std::find(forecasts.probabilities.begin(), forecasts.probabilities.end(), probability) -
          forecasts.probabilities.begin()));
    }
    for_each_row(forecasts, first,
                 [&](std::size_t at, std::size_t r, std::size_t k, std::size_t m) {
                   const std::int32_t s = forecasts.series[r];
                   const std::int64_t cutoff = forecasts.cutoff[r];
                   id.codes[at] = ids.code_of[static_cast<std::size_t>(s)];
                   times[at] = catalog.time(s, cutoff + static_cast<std::int64_t>(k));
                   if (several_targets) target.codes[at] = static_cast<std::int32_t>(m);
                   if (beside_actuals) {
                     cutoffs[at] = catalog.time(s, cutoff - 1);
                     y.numbers[at] = actual(catalog, forecasts, r, k, m);
                   }
                   point.numbers[at] = forecasts.point(r, k, m);
                   for (std::size_t j = 0; j < places.size(); ++j) {
                     outputs[j].numbers[at] = forecasts.y(r, k, m, places[j]);
                   }
                   if (any_level) of_level.codes[at] = level_of(catalog, s);
                   if (any_new && !forecasts.new_item.empty())
                     new_item.integers[at] = forecasts.new_item[r];
                 });
    first += forecasts.series.size() * static_cast<std::size_t>(forecasts.K * forecasts.M);
  }
  id.text = std::move(ids.text);
  std::vector<OutputColumn> columns;
  columns.push_back(std::move(id));
  columns.push_back(time_column(catalog.axis(), "ds", std::move(times)));
  if (beside_actuals) {
    columns.push_back(time_column(catalog.axis(), "cutoff", std::move(cutoffs)));
  }
  if (several_targets) columns.push_back(std::move(target));
  if (beside_actuals) columns.push_back(std::move(y));
  columns.push_back(std::move(point));
  for (OutputColumn& column : outputs) columns.push_back(std::move(column));
  if (any_new) columns.push_back(std::move(new_item));
  if (any_level) columns.push_back(std::move(of_level));
  return columns;
}

void write_forecasts(const std::filesystem::path& path, const Catalog& catalog,
                     const Forecasts& forecasts, const std::vector<double>& levels,
                     const Provenance& from) {
  write_table(path,
              forecast_columns(catalog, {&forecasts, 1}, levels, ForecastRows::forecasts_alone),
              notes_of(from));
}

}  // namespace sluice
