// Which rows a report shows, and their values: all of a few, of many an even choice by error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "run/report/html/tally.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/report.hpp"

namespace sluice::html {

/// Rows of a report by their error, the best first. A row whose error is not defined has no rank.
struct Ranking {
  std::string metric;             ///< "mase", or "wape" where few rows have that
  std::vector<std::size_t> rows;  ///< indices into EvaluationReport::row_names
};
Ranking ranking_of(const EvaluationReport& report);

/// At most `most` places of a ranking of `count`, ascending: all, or its first and last ten and
/// others at even distances.
std::vector<std::size_t> sampled_places(std::size_t count, std::size_t most);

/// What is drawn of one row: steps [from, from + actual.size()) of its series.
struct ShownRow {
  std::size_t row = 0;  ///< of the report
  std::int64_t series = 0;
  int target = 0;
  std::int64_t from = 0;
  std::vector<double> actual;                  ///< NaN = missing
  std::int64_t forecast_from = 0;              ///< step of the first forecast
  std::vector<double> forecast, lower, upper;  ///< from there on; NaN where there is none
};

/// The rows of the sample, the best first, then those without a rank; all rows of `wanted` series
/// are among them. Where windows overlap, the earliest one's forecast is shown: the longest lead.
/// Throws InternalError if the tally is of another evaluation.
std::vector<ShownRow> shown_rows(const Catalog& catalog, const Tally& tally,
                                 const EvaluationReport& report, const Ranking& ranking,
                                 std::span<const std::int64_t> wanted = {});

/// Series of `wanted` and of the best, the middle and the worst of the ranked rows that are shown,
/// each once.
std::vector<std::int64_t> explained_series(const Catalog& catalog, const Tally& tally,
                                           const EvaluationReport& report,
                                           std::span<const std::int64_t> wanted);

}  // namespace sluice::html
