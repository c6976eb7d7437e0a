// Forecasts of all series, and their file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Forecasts from one origin per series, in the units of y.
struct Forecasts {
  int K = 0, M = 0;
  std::vector<double> probabilities;  ///< of the J outputs, ascending, with .5
  std::vector<std::int32_t> series;   ///< [rows] index into the catalogue
  std::vector<std::int64_t> cutoff;   ///< [rows] first forecast step
  std::vector<float> values;  ///< [rows, K, M, J], J ascending in value (quantiles never cross)
  int J() const { return static_cast<int>(probabilities.size()); }
  std::size_t median() const;  ///< index of .5
};

/// A model made ready for a catalogue: checks that it fits (frequency, channels), matches series by
/// id, keeps the engines.
class Forecaster {
 public:
  /// `levels`: intervals in percent. Throws DataError if catalogue and model do not fit,
  /// ConfigError if the model cannot give the levels.
  /// Series that the model does not know are scaled by their values before scaling_end[s] (empty:
  /// their history).
  Forecaster(const Model& model, const Catalog& catalog, const std::vector<double>& levels,
             const Config::Engine& engine, std::span<const std::int64_t> scaling_end = {});
  ~Forecaster();
  Forecaster(Forecaster&&) noexcept;

  /// One forecast per series from cutoff[s] (first forecast step); cutoff[s] < 1: the series is
  /// left out. Throws DataError naming series and dates if future-known values are missing.
  Forecasts at(std::span<const std::int64_t> cutoff);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// First forecast step per series: the history's end, or the step of `from` (a date; -1 where it is
/// outside).
std::vector<std::int64_t> cutoffs_from(const Catalog& catalog, const std::string& from);

/// unique_id, ds, [target,] sluice, sluice-lo-80, sluice-hi-80 ... Throws DataError.
void write_forecasts(const std::filesystem::path& path, const Catalog& catalog,
                     const Forecasts& forecasts, const std::vector<double>& levels);

}  // namespace sluice
