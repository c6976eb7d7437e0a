// The Theta method (Assimakopoulos and Nikolopoulos 2000) as Hyndman and Billah (2003) and Fiorucci
// et al. (2016, the standard Theta model) write it.
#pragma once

#include <span>
#include <vector>

namespace sluice::simple {

/// The mean of the line through y and of the exponential smoothing of 2 y - line, which begins at
/// `level`: half the line's slope, and a level. K forecasts; y without NaN, at least two values.
struct ThetaFit {
  double alpha = 0, level = 0;
  double squares = 0;  ///< sum of the squared errors of one step
};
std::vector<double> forecast_theta(std::span<const double> y, const ThetaFit& fit, int K);
/// Least squares over alpha in [.1, .99] and the level.
ThetaFit fit_theta(std::span<const double> y);

/// Seasonally adjusted where y is seasonal by a test, smoothed, and the season put back. At least
/// four values; missing ones are filled.
std::vector<double> theta_forecast(std::span<const double> y, int season, int K,
                                   double* squares = nullptr);

}  // namespace sluice::simple
