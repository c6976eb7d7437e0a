// Forecasts as a table, and its file.
#include <algorithm>
#include <cmath>
#include <limits>

#include "run/forecast/output_columns.hpp"
#include "run/provenance/table_notes.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

/// Calls visit(row, k, m) for each row of the table, in its order.
template <typename Visit>
void for_each_row(const Forecasts& forecasts, Visit&& visit) {
  const auto K = static_cast<std::size_t>(forecasts.K), M = static_cast<std::size_t>(forecasts.M);
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    for (std::size_t m = 0; m < M; ++m) {
      for (std::size_t k = 0; k < K; ++k) visit(r, k, m);
    }
  }
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
  std::vector<std::int32_t> code_of(static_cast<std::size_t>(catalog.series_count()), -1);
  OutputColumn y{.name = "y"}, new_item{.name = "new_item"}, of_level{.name = "level"};
  for (const Hierarchy::Level& one : catalog.hierarchy().levels) of_level.text.push_back(one.name);
  of_level.text.emplace_back("series");
  std::vector<Timestamp> times, cutoffs;
  const bool any_mean = std::any_of(windows.begin(), windows.end(),
                                    [](const Forecasts& f) { return !f.mean.empty(); });
  OutputColumn point{.name = "sluice"};
  IntervalColumns beside(any_mean, levels);
  std::vector<OutputColumn>& outputs = beside.columns;
  for (const Forecasts& forecasts : windows) {
    std::vector<std::size_t> places;
    for (const double probability : beside.probabilities) {
      places.push_back(static_cast<std::size_t>(
          std::find(forecasts.probabilities.begin(), forecasts.probabilities.end(), probability) -
          forecasts.probabilities.begin()));
    }
    for_each_row(forecasts, [&](std::size_t r, std::size_t k, std::size_t m) {
      const std::int32_t s = forecasts.series[r];
      const std::int64_t cutoff = forecasts.cutoff[r];
      std::int32_t& code = code_of[static_cast<std::size_t>(s)];
      if (code < 0) {
        code = static_cast<std::int32_t>(id.text.size());
        id.text.push_back(catalog.id(s));
      }
      id.codes.push_back(code);
      times.push_back(catalog.time(s, cutoff + static_cast<std::int64_t>(k)));
      if (several_targets) target.codes.push_back(static_cast<std::int32_t>(m));
      if (beside_actuals) {
        cutoffs.push_back(catalog.time(s, cutoff - 1));
        y.numbers.push_back(actual(catalog, forecasts, r, k, m));
      }
      point.numbers.push_back(forecasts.point(r, k, m));
      for (std::size_t j = 0; j < places.size(); ++j) {
        outputs[j].numbers.push_back(forecasts.y(r, k, m, places[j]));
      }
      if (of_level.text.size() > 1) of_level.codes.push_back(level_of(catalog, s));
      if (any_new) {
        new_item.integers.push_back(forecasts.new_item.empty() ? 0 : forecasts.new_item[r]);
      }
    });
  }
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
  if (of_level.text.size() > 1) columns.push_back(std::move(of_level));
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
