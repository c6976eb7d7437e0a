// Forecasts as a directory of Parquet files, one after the other, so that memory does not grow with
// their number and what is written is not lost with the process. A part is a range of rows of
// SeriesForecaster::rows(), the same whoever makes it: several processes share a directory by its
// parts. One of them calls begin_parts() and, when all have written theirs, end_parts().
//
//   _plan.json       first: what the parts are of; a later run goes on where it says the same
//   part-00000.parquet, part-00001.parquet, ...   each there as a whole or not at all
//   _manifest.json   last: the plan, and rows, series, bytes and checksum of each part
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "run/forecast/part_plan.hpp"
#include "run/forecast/series.hpp"

namespace sluice {

/// Throws ConfigError for what is of all series at once, and cannot be written part by part: sums
/// of series, totals of steps, sample paths, explanations.
void check_parts(const Config& config);

/// What begin_parts() found.
struct PartsLeft {
  std::vector<std::size_t> missing;  ///< ascending; empty: the directory is complete
  std::size_t parts = 0;             ///< of the plan
  std::int64_t series = 0;           ///< in the parts that are there
};

/// Writes the plan, or finds that what is there is of the same one; removes the manifest where a
/// part is missing, and what killed processes left. Parts of another forecast are deleted with
/// `replace`. Throws ConfigError that names what differs, DataError for files of something else, a
/// part that is damaged, a disk that is full. `steps`: rows of a series, K * M. The caller holds
/// the directory's lock.
PartsLeft begin_parts(const std::filesystem::path& directory, const PartPlan& plan, int steps,
                      bool replace);

/// Forecasts one part and writes it. The result's values are gone; its left_out are series whose
/// results are no numbers. Throws DataError, with forecast.strict also for these.
Forecasts write_part(const std::filesystem::path& directory, const PartPlan& plan, std::size_t part,
                     SeriesForecaster& forecaster, const Forecasts& rows, const Catalog& catalog,
                     const Config& config);

/// Reads the parts and writes the manifest. Throws DataError where a part is missing.
void end_parts(const std::filesystem::path& directory, const PartPlan& plan, const Forecasts& rows,
               const Catalog& catalog);

struct PartsResult {
  std::int64_t series = 0;   ///< that have a forecast
  std::size_t parts = 0;     ///< of the directory
  std::size_t found = 0;     ///< of them, those that were there
  bool interrupted = false;  ///< by a signal, before the last part
  Forecasts rows;            ///< without values; left_out are all
};

/// All of it, by this process or the ranks of a job (base/ranks), whose first one begins and ends
/// it; the result is whole there. path.forecast is the directory. Messages say what it finds and
/// does. A signal ends it after the parts that are being made.
PartsResult forecast_parts(const Model& model, const Catalog& catalog, const Config& config,
                           const CatalogNotes& notes, std::string_view program);

}  // namespace sluice
