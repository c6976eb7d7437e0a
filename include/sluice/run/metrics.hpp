// Scores of forecasts. Definitions, with their sources, are in docs/metrics.md; this file and that
// page say the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice {

/// One forecast to be scored: K steps of one series from one cutoff.
struct ScoredForecast {
  std::int64_t row =
      0;  ///< which series (and target) it belongs to: an index into the rows of the score
  std::span<const float> actual;     ///< [K], NaN = missing, not scored
  std::span<const float> forecast;   ///< [K]
  std::span<const float> quantiles;  ///< [K, J] forecasts of the levels `probabilities`, or empty
  double mase_scale = 0;  ///< in-sample seasonal naive MAE; 0 or NaN: MASE is undefined for it
  double rmsse_scale =
      0;  ///< in-sample mean squared one-step difference from the first non-zero value (M5)
  double normal_scale =
      0;  ///< in-sample variance (the article's normalised MSE); 0 or NaN: undefined
};

/// NaN where a metric is not defined.
struct Metrics {
  std::int64_t points = 0;  ///< scored values
  double mae = 0, rmse = 0, smape = 0, mase = 0, rmsse = 0, wape = 0, bias = 0, wql = 0, nmse = 0;
  std::vector<double> coverage;  ///< share of actuals inside each interval level
};

/// Accumulates one method's forecasts.
class Scorer {
 public:
  /// `rows`: series times targets. `probabilities`: of the quantiles, ascending; `levels` in
  /// percent: the intervals whose coverage is counted, each of which has its two quantiles among
  /// the probabilities.
  Scorer(std::int64_t rows, std::vector<double> probabilities, std::vector<double> levels);
  void add(const ScoredForecast& forecast);
  Metrics row(std::int64_t row) const;
  /// Over everything: MAE, RMSE, WAPE, bias, wQL and coverage are pooled over points; sMAPE, MASE,
  /// RMSSE and nMSE are the mean over rows of the rows' values (the competitions' convention).
  Metrics total() const;

 private:
  struct Sums {
    std::int64_t points = 0, mase_points = 0, rmsse_points = 0, nmse_points = 0;
    double absolute = 0, squared = 0, smape = 0, actual = 0, signed_error = 0, pinball = 0;
    double mase = 0, rmsse = 0, nmse = 0;
    std::vector<std::int64_t> covered;
  };
  std::vector<double> probabilities_, levels_;
  std::vector<std::size_t> lower_, upper_;
  std::vector<Sums> sums_;
};

/// Naive forecasts from the history [0, cutoff): K values. Missing values are skipped backwards (by
/// a season for `seasonal`); NaN if there is no value at all.
std::vector<float> naive_seasonal(std::span<const float> history, int season, int K);
std::vector<float> naive_last(std::span<const float> history, int K);
/// Mean of the last `window` values.
std::vector<float> naive_mean(std::span<const float> history, int window, int K);

/// Mean squared one-step difference of history, from its first non-zero value: the denominator of
/// RMSSE (M5).
double squared_step_scale(std::span<const float> history);
/// Population variance of history.
double variance_scale(std::span<const float> history);

}  // namespace sluice
