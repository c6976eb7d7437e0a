// What sample paths of forecasts give: totals over spans of the horizon with intervals, and the
// paths themselves. Intervals of a total are not sums of the steps' intervals: how errors of steps
// hang together decides how wide they are: of a direct model by what validation showed
// (Model::dependence), of a recursive one in the paths that its forecasts are made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/provenance.hpp"

namespace sluice {

/// Whether forecast.sums or path.samples asks for paths.
bool asks_for_samples(const Config& config);

/// Throws ConfigError if forecast.sums has a number twice, or one above the horizon.
void check_sums(const Config& config, int horizon);

/// Before a forecast: throws ConfigError if the paths of a recursive model would be more values
/// than are kept in memory, were all series forecast that have a history there.
void check_sample_memory(const Model& model, const Catalog& catalog, const Config& config);
/// Before the forecast of so many series is made (forecast_series does it): throws ConfigError if
/// the paths of path.samples would be more rows than a table holds.
void check_samples(const Model& model, std::int64_t series, const Config& config);

/// Interval levels that forecasts must have for paths to be drawn from them: forecast.levels, and
/// what else the model can give. Throws ConfigError, with the remedy, where the model has no
/// intervals or does not know how its steps hang together, and where a sum is longer than the
/// horizon.
std::vector<double> levels_of_samples(const Model& model, const Config& config);

/// unique_id, from, to, steps, [target,] sluice, [sluice-median,] sluice-lo-80, sluice-hi-80 ...:
/// of each series (and target) one row for each entry of forecast.sums. `from` and `to`: the first
/// and the last step. `sluice` is the sum of the points where these are means, else the median of
/// the paths' sums. `forecasts` have levels_of_samples(). Blocks.
std::vector<OutputColumn> sum_columns(const Model& model, const Catalog& catalog,
                                      const Forecasts& forecasts, const Config& config);

/// unique_id, ds, [target,] sample, sluice: forecast.samples paths of each series (and target),
/// path after path. Blocks.
std::vector<OutputColumn> sample_columns(const Model& model, const Catalog& catalog,
                                         const Forecasts& forecasts, const Config& config);

/// The files that the settings ask for: path.sums, path.samples; Parquet and Arrow say what they
/// are `from`. Throws DataError.
void write_samples(const Model& model, const Catalog& catalog, const Forecasts& forecasts,
                   const Config& config, const Provenance& from);

}  // namespace sluice
