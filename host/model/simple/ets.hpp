// Exponential smoothing in its fifteen forms (Hyndman, Koehler, Snyder and Grose 2002; Hyndman et
// al. 2008, chapter 2), fitted by maximum likelihood. Level l, slope b and season s move with the
// error e of the one-step forecast:
//   q = l + phi b;  additive season: f = q + s, e = y - f, l = q + alpha e, b = phi b + beta e,
//   s = s + gamma e;  multiplicative: f = q s, and e / s moves l and b, e / q moves s.
// A form's error is e (additive) or e / f (multiplicative): it changes the likelihood, not the
// recursion. A missing value (NaN) has e = 0 and does not count.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::simple {

struct EtsForm {
  enum class Trend { none, additive, damped };
  enum class Season { none, additive, multiplicative };
  bool relative_error = false;  ///< the multiplicative error
  Trend trend = Trend::none;
  Season season = Season::none;
  bool operator==(const EtsForm&) const = default;
};

/// "ETS(A,Ad,M)": error, trend, season.
std::string to_string(const EtsForm& form);

struct EtsParameters {
  double alpha = 0, beta = 0, gamma = 0, phi = 1;
  double level = 0, slope = 0;  ///< before the first step
  std::vector<double> season;   ///< [m] of the first m steps; empty without a season
};

/// What a form with these parameters makes of y.
struct EtsRun {
  double likelihood = 0;  ///< -2 log of it without its constant; infinite where f <= 0 and may not
  double squares = 0;     ///< sum of (y - f)^2
  int values = 0;         ///< of y that are not missing
  EtsParameters end;      ///< level, slope and season after the last step
};
EtsRun run_ets(const EtsForm& form, const EtsParameters& from, std::span<const double> y);

/// K point forecasts from the end of a run.
std::vector<double> forecast_ets(const EtsForm& form, const EtsParameters& end, int K);

struct EtsFit {
  EtsForm form;
  EtsParameters parameters;
  EtsRun run;
  int free = 0;     ///< parameters, the variance among them
  double aicc = 0;  ///< likelihood + 2 free + 2 free (free + 1) / (values - free - 1)
};

/// Steps of a search that forecasts well. Whole searches (some 50 steps) find larger likelihoods
/// and forecast worse: what a step improves later is the fit to the next value, by smoothing
/// parameters so large that the forecasts further ahead suffer. Measured on the last horizon and
/// the one before, MASE with 10 steps / 200: hospital .775 / .781 and .816 / .824, tourism
/// monthly 1.51 / 1.54 and 1.81 / 1.78, M4 Hourly (every sixth series) 1.30 / 1.74 and 1.33 / 2.73.
inline constexpr int kEtsSteps = 10;

/// The most likely parameters that `steps` steps from small ones find, alpha in [.0001, .9999],
/// beta in [.0001, alpha], gamma in [.0001, 1 - alpha], phi in [.8, .98], and any first state.
/// Empty where the form cannot be fitted: AICc needs more values, a season two of it and at most 24
/// steps, what multiplies positive values. `y` begins with a value.
std::optional<EtsFit> fit_ets(const EtsForm& form, std::span<const double> y, int season,
                              int steps = kEtsSteps);

/// The form with the least AICc. Empty where none can be fitted, or y is constant.
std::optional<EtsFit> best_ets(std::span<const double> y, int season);

}  // namespace sluice::simple
