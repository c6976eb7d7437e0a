// The forecasts' file.
#include <fmt/core.h>

#include <algorithm>

#include "sluice/data/table.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

void write_forecasts(const std::filesystem::path& path, const Catalog& catalog,
                     const Forecasts& forecasts, const std::vector<double>& levels) {
  const auto K = static_cast<std::size_t>(forecasts.K), M = static_cast<std::size_t>(forecasts.M);
  const std::size_t rows = forecasts.series.size() * K * M;
  std::vector<OutputColumn> columns;
  OutputColumn id, target;
  std::vector<Timestamp> times;
  id.name = "unique_id";
  id.text = catalog.ids();
  id.codes.reserve(rows);
  target.name = "target";
  for (std::size_t m = 0; m < M; ++m)
    target.text.push_back(catalog.target(static_cast<int>(m)).name);
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    const std::int32_t s = forecasts.series[r];
    for (std::size_t m = 0; m < M; ++m) {
      for (std::size_t k = 0; k < K; ++k) {
        id.codes.push_back(s);
        times.push_back(catalog.time(s, forecasts.cutoff[r] + static_cast<std::int64_t>(k)));
        if (M > 1) target.codes.push_back(static_cast<std::int32_t>(m));
      }
    }
  }
  columns.push_back(std::move(id));
  columns.push_back(time_column(catalog.axis(), "ds", std::move(times)));
  if (M > 1) columns.push_back(std::move(target));
  const auto add = [&](const std::string& name, double probability) {
    const auto at = static_cast<std::size_t>(
        std::find(forecasts.probabilities.begin(), forecasts.probabilities.end(), probability) -
        forecasts.probabilities.begin());
    OutputColumn column;
    column.name = name;
    column.numbers.reserve(rows);
    for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
      for (std::size_t m = 0; m < M; ++m) {
        for (std::size_t k = 0; k < K; ++k) {
          column.numbers.push_back(forecasts.y(r, k, m, at));
        }
      }
    }
    columns.push_back(std::move(column));
  };
  add("sluice", 0.5);
  for (const double level : levels) {
    const std::vector<double> both = level_quantiles({level});
    add(fmt::format("sluice-lo-{:g}", level), both.front());
    add(fmt::format("sluice-hi-{:g}", level), both.back());
  }
  if (!forecasts.new_item.empty()) {
    OutputColumn column;
    column.name = "new_item";
    for (const char item : forecasts.new_item)
      column.integers.insert(column.integers.end(), K * M, item);
    columns.push_back(std::move(column));
  }
  write_table(path, columns);
}

}  // namespace sluice
