// What a directory of forecasts is of, and which rows each of its parts has.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "run/forecast/series.hpp"

namespace sluice {

/// Parts of `each` rows of SeriesForecaster::rows(), the last one of what is left.
struct PartPlan {
  std::size_t rows = 0, each = 1;
  std::string text;  ///< JSON: program, checksums of model and data, settings that matter
  Provenance from;   ///< what each part says of itself

  std::size_t parts() const { return (rows + each - 1) / each; }
  std::size_t begin(std::size_t part) const { return part * each; }
  std::size_t end(std::size_t part) const { return part + 1 < parts() ? (part + 1) * each : rows; }
};

/// `program`: the version of what writes. `rows` are those of `forecaster`.
PartPlan plan_parts(const Model& model, const Catalog& catalog, const Config& config,
                    const SeriesForecaster& forecaster, const Forecasts& rows,
                    std::string_view program);

/// "the data are others, forecast.levels was 80 and is 90": by what the plan in `path` and `mine`
/// differ; empty: they do not. Throws DataError where it is no plan.
std::string plan_differences(const std::filesystem::path& path, const PartPlan& mine);

}  // namespace sluice
