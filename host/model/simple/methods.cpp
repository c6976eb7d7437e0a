#include "model/simple/methods.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "model/simple/ets.hpp"
#include "model/simple/intermittent.hpp"
#include "model/simple/season.hpp"
#include "model/simple/theta.hpp"

namespace sluice::simple {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kLongestEtsSeason = 24;
constexpr int kFewestOfTheta = 4;
constexpr double kTsbAlpha = 0.1;

std::vector<double> present(std::span<const double> y) {
  std::vector<double> out;
  std::copy_if(y.begin(), y.end(), std::back_inserter(out),
               [](double v) { return !std::isnan(v); });
  return out;
}

SimpleForecast repeated(double value, int K) {
  return {std::vector<double>(static_cast<std::size_t>(K), value), kNan};
}

SimpleForecast by_ets(std::span<const double> y, int season, int K) {
  Deseasonalised adjusted{{y.begin(), y.end()}, {}, false};
  if (season > kLongestEtsSeason) {
    adjusted = deseasonalised(filled(y, season), season);
    for (std::size_t t = 0; t < y.size(); ++t) {
      if (std::isnan(y[t])) adjusted.values[t] = kNan;
    }
    season = 1;
  }
  const std::optional<EtsFit> fit = best_ets(adjusted.values, season);
  if (!fit) return repeated(present(y).back(), K);
  SimpleForecast out{forecast_ets(fit->form, fit->run.end, K),
                     std::sqrt(fit->run.squares / fit->run.values)};
  adjusted.restore(out.points, y.size());
  return out;
}

SimpleForecast by_theta(std::span<const double> y, int season, int K) {
  const std::vector<double> values = present(y);
  if (std::ssize(values) < kFewestOfTheta) return repeated(values.back(), K);
  double squares = 0;
  SimpleForecast out{theta_forecast(y, season, K, &squares), kNan};
  out.spread = std::sqrt(squares / static_cast<double>(y.size()));
  return out;
}

}  // namespace

SimpleForecast mean_of(const SimpleForecast& a, const SimpleForecast& b) {
  SimpleForecast out = a;
  for (std::size_t k = 0; k < out.points.size(); ++k)
    out.points[k] = (a.points[k] + b.points[k]) / 2;
  out.spread = std::fmax(a.spread, b.spread);
  return out;
}

SimpleForecast simple_forecast(Method method, std::span<const double> y, int season, int K) {
  const auto first =
      std::find_if(y.begin(), y.end(), [](double value) { return !std::isnan(value); });
  y = y.subspan(static_cast<std::size_t>(first - y.begin()));
  if (y.empty()) return repeated(kNan, K);
  switch (method) {
    case Method::ets:
      return by_ets(y, season, K);
    case Method::theta:
      return by_theta(y, season, K);
    case Method::ets_theta:
      return mean_of(by_ets(y, season, K), by_theta(y, season, K));
    case Method::tsb:
      return repeated(tsb(present(y), kTsbAlpha, kTsbAlpha), K);
    case Method::adida:
      return repeated(adida(present(y)), K);
    case Method::croston_sba:
      return repeated(croston_sba(present(y)), K);
  }
  return repeated(kNan, K);
}

}  // namespace sluice::simple
