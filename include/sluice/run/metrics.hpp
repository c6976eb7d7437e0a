// Scores of forecasts. Definitions, with their sources, are in docs/metrics.md; this file and that
// page say the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// One forecast to be scored: K steps of one series from one cutoff. A step is scored where both
/// `actual` and `forecast` are numbers.
struct ScoredForecast {
  /// Which series (and target) it belongs to: an index into the rows of the score.
  std::int64_t row = 0;
  std::span<const double> actual = {};    ///< [K], NaN = missing
  std::span<const double> forecast = {};  ///< [K], NaN = the method has none
  /// [K, J] forecasts of the levels `probabilities`, or empty
  std::span<const double> quantiles = {};
  double mase_scale = 0;  ///< in-sample seasonal naive MAE; 0 or NaN: MASE is undefined for it
  /// In-sample mean squared one-step difference from the first non-zero value (M5); 0 or NaN:
  /// RMSSE is undefined for it.
  double rmsse_scale = 0;
  double normal_scale =
      0;  ///< in-sample variance (the article's normalised MSE); 0 or NaN: undefined
};

/// NaN where a metric is not defined. y: actual, f: forecast, e = f - y.
struct Metrics {
  std::int64_t points = 0;  ///< scored values
  double mae = 0;           ///< mean |e|, in units of y
  double rmse = 0;          ///< sqrt(mean e^2), in units of y
  double smape = 0;         ///< mean of 200 |e| / (|y| + |f|), 0 where both are 0: 0 to 200
  double mase = 0;          ///< mean |e| / mase_scale
  double rmsse = 0;         ///< sqrt(mean e^2 / rmsse_scale)
  double wape = 0;          ///< sum |e| / sum |y|: 0.1 is 10 %
  double bias = 0;          ///< sum e / sum |y|: positive forecasts too much
  double wql = 0;   ///< mean over quantiles of 2 sum pinball / sum |y|; NaN without quantiles
  double nmse = 0;  ///< mean e^2 / normal_scale
  std::vector<double> coverage;  ///< per level, share of y in [lower, upper]; NaN without quantiles
};

/// Accumulates one method's forecasts. MASE, RMSSE and nMSE are values of a forecast, since each
/// cutoff has its own scale; a row's value is their plain mean over its forecasts (cutoffs). All
/// else is pooled over a row's points.
class Scorer {
 public:
  /// `rows`: series times targets. `probabilities`: of the quantiles, ascending; `levels` in
  /// percent: the intervals whose coverage is counted, each of which has its two quantiles among
  /// the probabilities. Throws InternalError if one is missing.
  Scorer(std::int64_t rows, std::vector<double> probabilities, std::vector<double> levels);
  /// Throws InternalError if the row or a shape is wrong.
  void add(const ScoredForecast& forecast);
  Metrics row(std::int64_t row) const;
  /// Over everything: MAE, RMSE, WAPE, bias, wQL and coverage are pooled over points; sMAPE, MASE,
  /// RMSSE and nMSE are the mean over rows of the rows' values (the competitions' convention), rows
  /// without a value left out.
  Metrics total() const;
  /// The same over the rows [begin, end).
  Metrics total(std::int64_t begin, std::int64_t end) const;
  /// The mean of RMSSE over the rows [begin, end) weighted by `weight` [rows]: M5's WRMSSE, where
  /// the weights are sales. Rows without an RMSSE are left out; NaN where no weight is left. Row r
  /// is of target r % targets (begin is of target 0): each has its own mean, as its weights have
  /// its own unit, and the result is their plain mean.
  double weighted_rmsse(std::int64_t begin, std::int64_t end, std::span<const double> weight,
                        int targets) const;

 private:
  struct Sums {
    std::int64_t points = 0, quantile_points = 0;
    std::int64_t mase_forecasts = 0, rmsse_forecasts = 0, nmse_forecasts = 0;
    double absolute = 0, squared = 0, smape = 0, actual = 0, signed_error = 0, pinball = 0;
    double mase = 0, rmsse = 0, nmse = 0;
    std::vector<std::int64_t> covered;
  };
  Metrics pooled(const Sums& sums) const;

  std::vector<double> probabilities_, levels_;
  std::vector<std::size_t> lower_, upper_;
  std::vector<Sums> sums_;
};

/// Naive forecasts from the history [0, cutoff): K values. NaN only if history has no value at all.
/// The value one season (or as many as needed) before; a missing one is looked for a season
/// further back, and where that phase has none, the last value stands in.
std::vector<float> naive_seasonal(std::span<const float> history, int season, int K);
/// The last value that is not missing.
std::vector<float> naive_last(std::span<const float> history, int K);
/// Mean of the last `window` values that are not missing (of all, where there are fewer).
std::vector<float> naive_mean(std::span<const float> history, int window, int K);

/// Mean squared one-step difference of history, from its first non-zero value: the denominator of
/// RMSSE (M5). Pairs with a missing value are left out; NaN if there is no pair. What the values
/// are stored beside (Catalog::value_offset) tells which of them are zero.
double squared_step_scale(std::span<const float> history, double offset = 0);
/// Population variance of history, missing values left out; NaN if there is no value.
double variance_scale(std::span<const float> history);

}  // namespace sluice
