// The simple methods by name: one series in, K point forecasts out, whatever the series is like.
// What a method cannot do for a series, a simpler form of it does, by the rules written here.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::simple {

enum class Method { ets, theta, ets_theta, tsb, adida, croston_sba };

struct MethodName {
  Method method;
  std::string_view key;    ///< in settings
  std::string_view title;  ///< in reports
};
inline constexpr std::array kMethods = {
    MethodName{Method::ets, "ets", "ETS"},
    MethodName{Method::theta, "theta", "Theta"},
    MethodName{Method::ets_theta, "ets+theta", "ETS + Theta"},
    MethodName{Method::tsb, "tsb", "TSB"},
    MethodName{Method::adida, "adida", "ADIDA"},
    MethodName{Method::croston_sba, "sba", "Croston SBA"},
};

struct SimpleForecast {
  std::vector<double> points;  ///< [K]; all NaN where the series has no value
  /// Root of the mean squared error of one step inside the series, for the values fitted; NaN where
  /// the method has none.
  double spread = 0;
};

/// Forecasts of the K steps after the series' end. `y` may have missing values (NaN) anywhere;
/// steps before the first value do not count. `season` in steps, 1: none.
///
///   ets        The form with the least AICc (best_ets). A season of more than 24 steps, which no
///              form has room for, is taken out by classical decomposition where a test finds it,
///              and put back (as Theta does it). Below five values, or all equal: the last value.
///   theta      Seasonally adjusted where a test finds a season. Below four values: the last value.
///   ets_theta  The mean of both.
///   tsb, adida, croston_sba  Steps without a value are left out; negative values count as demand.
SimpleForecast simple_forecast(Method method, std::span<const double> y, int season, int K);

/// The mean of two forecasts of one series; its spread is the larger one.
SimpleForecast mean_of(const SimpleForecast& a, const SimpleForecast& b);

}  // namespace sluice::simple
