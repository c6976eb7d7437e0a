// What seasonality the simple methods need: gaps filled, a test, indices taken out and put back.
#pragma once

#include <span>
#include <vector>

namespace sluice::simple {

/// Missing values (NaN) replaced: by the nearest value of the same phase at most two seasons
/// away, the earlier one first; else on the line between the neighbours; at the ends by the nearest
/// value. At least one value is a number.
std::vector<double> filled(std::span<const double> y, int season);

/// Whether the autocorrelation one season apart is beyond what the shorter ones explain, at 90 %
/// (the test of the M competitions' Theta and Comb; Fiorucci et al. 2016). Needs two seasons; y
/// without NaN.
bool is_seasonal(std::span<const double> y, int season);

/// Classical decomposition: each phase's mean difference from (or ratio to) a centred moving
/// average of one season; phase t % season of y's step t. The indices' mean is 0 (or 1). Needs two
/// seasons; y without NaN, and positive for ratios.
std::vector<double> seasonal_indices(std::span<const double> y, int season, bool ratios);

/// y without its season. `indices` is empty where y is not seasonal by the test; ratios are taken
/// where all of y is positive and no index is below 0.01.
struct Deseasonalised {
  std::vector<double> values, indices;
  bool ratios = false;

  /// Puts the season back on values of the steps `first`, first + 1, ...
  void restore(std::span<double> values, std::size_t first) const;
};
Deseasonalised deseasonalised(std::span<const double> y, int season);

}  // namespace sluice::simple
