// Columns that several files of forecasts have.
#pragma once

#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/table.hpp"

namespace sluice {

/// The columns beside the point, without values, and the quantile that each one has:
/// "sluice-median" where the point is a mean, then "sluice-lo-80" and "sluice-hi-80" for each of
/// `levels`.
struct IntervalColumns {
  std::vector<OutputColumn> columns;
  std::vector<double> probabilities;

  IntervalColumns(bool has_mean, const std::vector<double>& levels);
};

/// "target" without values; a value's code is the number of its target.
OutputColumn target_column(const Catalog& catalog);

}  // namespace sluice
