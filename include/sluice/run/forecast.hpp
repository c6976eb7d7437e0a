// Forecasts of all series, and their file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/table.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/provenance.hpp"

namespace sluice {

/// Forecasts from one origin per series, and the series that have none.
struct Forecasts {
  int K = 0, M = 0;
  std::vector<double> probabilities;  ///< of the J outputs, ascending, with .5
  std::vector<std::int32_t> series;   ///< [rows] index into the catalogue
  std::vector<std::int64_t> cutoff;   ///< [rows] first forecast step
  std::vector<float> values;  ///< [rows, K, M, J], J ascending in value (quantiles never cross)
  /// [rows, K, M] means of the distributions; the forecast is the mean then. Empty: the model has
  /// none, and the forecast is the median.
  std::vector<float> mean;
  /// [rows, M], Catalog::value_offset of each row: y = value + offset. Empty: all 0.
  std::vector<double> offset;
  /// [rows], 1: a series without history, forecast from similar ones. Empty: there is none.
  std::vector<char> new_item;
  std::vector<char> nonnegative;  ///< [rows, M], 1: nothing of it may be below 0
  /// [rows, paths, K, M] sample paths of a recursive model as they were drawn, where they were
  /// asked for (Forecaster::keep_paths()); `values` may have moved since.
  std::vector<float> paths;
  /// [rows, K, M] points that add up (forecast.reconcile), in the units of the file, in place of
  /// mean or median. Empty: they were not made to.
  std::vector<double> coherent;
  /// For evaluations: what the points would be otherwise, [rows, K, M] in the units of the file.
  struct Beside {
    std::string name;  ///< "sluice base", "sluice bottom-up"
    std::vector<double> points;
  };
  std::vector<Beside> beside;
  std::vector<LeftOut> left_out;    ///< series that were asked for and have no forecast
  std::int64_t without_future = 0;  ///< of them: known values of the horizon are missing
  /// Series that have a forecast and whose window holds values without a logarithm, which a model
  /// in log space takes for missing: which values.
  std::vector<LeftOut> without_logarithm;

  int J() const { return static_cast<int>(probabilities.size()); }
  std::size_t median() const;  ///< index of .5
  /// What the column "sluice" has, in the units of the file.
  double point(std::size_t row, std::size_t k, std::size_t m) const {
    if (!coherent.empty()) return coherent[cell(row, k, m)];
    if (mean.empty()) return y(row, k, m, median());
    const auto targets = static_cast<std::size_t>(M);
    const float value = mean[cell(row, k, m)];
    return static_cast<double>(value) + (offset.empty() ? 0 : offset[row * targets + m]);
  }
  /// Where arrays of [rows, K, M] have it.
  std::size_t cell(std::size_t row, std::size_t k, std::size_t m) const {
    return (row * static_cast<std::size_t>(K) + k) * static_cast<std::size_t>(M) + m;
  }
  /// Output `j` in the units of the file.
  double y(std::size_t row, std::size_t k, std::size_t m, std::size_t j) const {
    const auto targets = static_cast<std::size_t>(M), outputs = static_cast<std::size_t>(J());
    const float value = values[cell(row, k, m) * outputs + j];
    return static_cast<double>(value) + (offset.empty() ? 0 : offset[row * targets + m]);
  }
};

/// Whether forecasts of such a model have a mean beside their median: those of a distribution, but
/// for Student's in log space, whose exponential has none.
bool has_mean(const ModelSpec& spec);

/// A model made ready for a catalogue: checks that it fits (frequency, channels), matches series by
/// id, keeps the engines.
class Forecaster {
 public:
  /// `levels`: intervals in percent. Throws DataError if catalogue and model do not fit,
  /// ConfigError if the model cannot give the levels.
  /// Series that the model does not know are scaled by their values before scaling_end[s] (empty,
  /// or below 1: their history). No forecast of series s will be asked for from a step before
  /// earliest_cutoff[s] (below 1: none at all; empty: from any): the engine then holds what those
  /// look at, and of long series that is little.
  Forecaster(const Model& model, const Catalog& catalog, const std::vector<double>& levels,
             const Config::Engine& engine, std::span<const std::int64_t> scaling_end = {},
             std::span<const std::int64_t> earliest_cutoff = {});
  /// The same with a scaling of the catalogue's series in place of the model's.
  Forecaster(const Model& model, const Catalog& catalog, const std::vector<double>& levels,
             const Config::Engine& engine, const SeriesScaling& scaling);
  ~Forecaster();
  Forecaster(Forecaster&&) noexcept;

  /// One forecast per series from cutoff[s] (first forecast step); cutoff[s] < 1: not asked for.
  /// A series of which no forecast can be made (a target without a value before the cutoff, known
  /// values of the horizon missing, more than a tenth of the window without a logarithm in log
  /// space, a result that is no number) is in left_out. By the model's
  /// forecast.nonnegative, or where the target was never negative before the cutoff, nothing is
  /// below 0.
  Forecasts at(std::span<const std::int64_t> cutoff);
  /// The same from several origins each (cutoffs[i][s]), so that few series fill the engine's
  /// batches, too.
  std::vector<Forecasts> at_each(std::span<const std::vector<std::int64_t>> cutoffs);
  /// How many series at(cutoff) forecasts, but for results that are no numbers.
  std::int64_t count_at(std::span<const std::int64_t> cutoff) const;
  /// The rows of at(cutoff) without their values: what is known of them before they are computed,
  /// which is all but results that are no numbers.
  Forecasts rows_at(std::span<const std::int64_t> cutoff) const;
  /// What computes: Engine::recurrence().
  std::string recurrence() const;
  /// From now on forecasts hold their sample paths, where the model is recursive.
  void keep_paths();
  /// From now on at(), at_each() and points_at() are called by all processes of a job (base/ranks)
  /// together, each of which computes some batches' worth of windows; all have the result, which is
  /// that of one process bit for bit. Not with keep_paths().
  void share_out();
  /// The same as at(), but that the quantiles of a distribution are not computed (they are 0) where
  /// it has a mean: of tens of thousands of series they take longer than the network.
  Forecasts points_at(std::span<const std::int64_t> cutoff);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What `sluice forecast` writes: a forecast of each series of which one can be made, from its end
/// or from forecast.from; series without history from similar ones (forecast.new_items). The others
/// are in left_out, each with its reason. `notes`: of reading the catalogue, for the columns'
/// names. `levels`: of the intervals, where these are not forecast.levels alone (samples.hpp).
/// Throws DataError if there is nothing to forecast, or with forecast.strict a series that cannot
/// be; ConfigError, before anything is computed, if path.samples would be too large.
Forecasts forecast_series(const Model& model, const Catalog& catalog, const Config& config,
                          const CatalogNotes& notes = {},
                          const std::optional<std::vector<double>>& levels = {});

/// Which of `levels` a point model gives the same intervals, for want of errors; empty: none.
std::string alike_levels_text(const Model& model, std::vector<double> levels);

/// First forecast step per series: the history's end, or the step of `from` (a date); -1 where
/// there is none. Those that have a history and no step, because they had `ended` or do not reach
/// `from`, are added to `left_out` if it is given. Throws ConfigError if `from` is no step of the
/// data.
std::vector<std::int64_t> cutoffs_from(const Catalog& catalog, const std::string& from,
                                       bool ended = false,
                                       std::vector<LeftOut>* left_out = nullptr);

/// The earliest cutoff of each series in any of `cutoffs` [windows][S]; below 1: it has none.
std::vector<std::int64_t> earliest_cutoffs(std::span<const std::vector<std::int64_t>> cutoffs);

/// "3 series left out: A (ended 2023-03-31, ...), B (...), C (...)": the first three; empty if
/// there are none.
std::string left_out_text(const std::vector<LeftOut>& left_out);

/// What forecasts.without_logarithm means, with the first series; empty if there is none.
std::string without_logarithm_text(const Forecasts& forecasts);

/// "; 1 of them without history, by similar series; 1 series left out: ...", or nothing.
std::string remarks_text(const Forecasts& forecasts);

/// with_actuals: beside what came, for evaluations.
enum class ForecastRows { forecasts_alone, with_actuals };

/// unique_id, ds, [cutoff,] [target,] [y,] sluice, [sluice-median,] sluice-lo-80, sluice-hi-80 ...
/// [new_item,] [level]: a row for each series, target and step, window after window. `sluice` is
/// the mean and `sluice-median` there where forecasts have a mean; the one that adds up where they
/// were made to. `target` where there are several; `cutoff`, the last step that the forecast knew,
/// and `y` with actuals; `new_item`, 1 or 0, where there is one; `level`, of data.groups or
/// "series", where there are sums.
std::vector<OutputColumn> forecast_columns(const Catalog& catalog,
                                           std::span<const Forecasts> windows,
                                           const std::vector<double>& levels, ForecastRows rows);

/// forecast_columns of one window as a file, which says where it is `from` if it is Parquet or
/// Arrow. Throws DataError.
void write_forecasts(const std::filesystem::path& path, const Catalog& catalog,
                     const Forecasts& forecasts, const std::vector<double>& levels,
                     const Provenance& from = {});

/// Of the forecasts that `config` asks `model` for; null: there is no one model.
Provenance provenance_of(const Config& config, const Catalog& catalog, const Model* model);

/// "FILE.meta.json".
std::filesystem::path sidecar_path(const std::filesystem::path& forecast);
/// Writes it beside a forecast that was written: where that is from, and the checksum of its bytes,
/// by which it is known when the file is another one. Throws DataError.
void write_sidecar(const std::filesystem::path& forecast, const Provenance& from);

/// What the file of a forecast says of itself, or else its sidecar. Throws DataError if neither
/// does, or the sidecar is of another file.
Provenance read_provenance(const std::filesystem::path& forecast);

}  // namespace sluice
