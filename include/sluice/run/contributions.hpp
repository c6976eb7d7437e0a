// What moved the forecasts, under the names of the user's columns. docs/explanation.md says what
// that means and what it does not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/provenance.hpp"

namespace sluice {

/// A column and a part of it: {"sales", "1-7 ago"}, {"promo", "at step"}, {"calendar", "weekday"}.
struct InputName {
  std::string input, part;
  bool operator==(const InputName&) const = default;
};

/// In the units of the file: at each step baseline + all contributions = forecast. The last input,
/// {"rest", ""}, is what none of the others accounts for: rounding of the integral, and what is
/// done to a forecast after the network (nothing below 0). Before it {"simple methods", ""} where
/// these have a part in forecasts (Model::partners): what they move a forecast by, while the
/// network's inputs count by the part that is left to it; and {"adding up", ""} where forecasts
/// are made to (Forecasts::coherent).
struct Contributions {
  int K = 0, M = 0;
  std::vector<InputName> inputs;   ///< [I]
  std::vector<std::size_t> rows;   ///< [rows] of the Forecasts; series without history have none
  std::vector<double> values;      ///< [rows, K, M, I]
  std::vector<double> baseline;    ///< [rows, K, M]
  std::int64_t without = 0;        ///< series that were asked for and have none
  double moved = 0, rounding = 0;  ///< sums of |network's forecast - baseline|, and of what the
                                   ///< integrals miss of it
};

/// Throws ConfigError if forecasts cannot be explained as the settings ask: the device is not the
/// CPU, a series does not exist, blocks do not ascend, or the model carries its state.
void check_explanation(const Model& model, const Catalog& catalog, const Config& config);

/// Of the forecasts of explanation.series, or of all. On the CPU, which engine.device "auto" is
/// here. Throws as check_explanation() does; DataError if no series is left.
Contributions contributions_of(const Model& model, const Catalog& catalog, const Config& config,
                               const Forecasts& forecasts);

/// unique_id, ds, [target,] input, part, contribution, forecast, baseline: a row for each series,
/// target, step and input.
std::vector<OutputColumn> contribution_columns(const Catalog& catalog, const Forecasts& forecasts,
                                               const Contributions& contributions);

/// contribution_columns as a file, which as Parquet or Arrow says what it is `from`. Throws
/// DataError.
void write_contributions(const std::filesystem::path& path, const Catalog& catalog,
                         const Forecasts& forecasts, const Contributions& contributions,
                         const Provenance& from);

/// "84 series; the integrals miss 0.2 % of what they add up to".
std::string contributions_text(const Contributions& contributions);

}  // namespace sluice
