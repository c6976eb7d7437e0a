#include "model/simple/season.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace sluice::simple {
namespace {

constexpr double kQuantile95 = 1.6448536269514722;  // of the normal distribution
constexpr double kLeastRatio = 0.01;

bool two_seasons(std::span<const double> y, int season) {
  return season > 1 && y.size() >= 2 * static_cast<std::size_t>(season);
}

double mean_of(std::span<const double> y) {
  return std::accumulate(y.begin(), y.end(), 0.0) / static_cast<double>(y.size());
}

/// The mean over one season around step t, the two ends at half weight where it is even.
double centred_mean(std::span<const double> y, std::size_t t, std::size_t season) {
  const std::size_t half = season / 2;
  double sum = 0;
  for (std::size_t i = t - half; i <= t + half; ++i) sum += y[i];
  if (season % 2 == 0) sum -= (y[t - half] + y[t + half]) / 2;
  return sum / static_cast<double>(season);
}

}  // namespace

std::vector<double> filled(std::span<const double> y, int season) {
  std::vector<double> out(y.begin(), y.end());
  const std::size_t n = y.size(), m = static_cast<std::size_t>(std::max(season, 1));
  std::size_t before = n;  // the last value, n: none yet
  for (std::size_t t = 0; t < n; ++t) {
    if (!std::isnan(y[t])) {
      before = t;
      continue;
    }
    bool found = false;
    for (std::size_t k = 1; k <= 2 && m > 1 && !found; ++k) {
      for (const bool earlier : {true, false}) {
        if (earlier ? t < k * m : t + k * m >= n) continue;
        const double value = y[earlier ? t - k * m : t + k * m];
        if (found || std::isnan(value)) continue;
        out[t] = value;
        found = true;
      }
    }
    if (found) continue;
    std::size_t after = t;
    while (after < n && std::isnan(y[after])) ++after;
    if (before == n || after == n) {
      out[t] = y[before == n ? after : before];
      continue;
    }
    const double share = static_cast<double>(t - before) / static_cast<double>(after - before);
    out[t] = (1 - share) * y[before] + share * y[after];
  }
  return out;
}

bool is_seasonal(std::span<const double> y, int season) {
  if (!two_seasons(y, season)) return false;
  const double mean = mean_of(y);
  double variance = 0;
  for (const double v : y) variance += (v - mean) * (v - mean);
  if (!(variance > 0)) return false;
  const auto autocorrelation = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t t = lag; t < y.size(); ++t) sum += (y[t] - mean) * (y[t - lag] - mean);
    return sum / variance;
  };
  const auto m = static_cast<std::size_t>(season);
  double squares = 0;
  for (std::size_t lag = 1; lag < m; ++lag) squares += std::pow(autocorrelation(lag), 2);
  const double limit = kQuantile95 * std::sqrt((1 + 2 * squares) / static_cast<double>(y.size()));
  return std::abs(autocorrelation(m)) > limit;
}

std::vector<double> seasonal_indices(std::span<const double> y, int season, bool ratios) {
  const auto m = static_cast<std::size_t>(season);
  std::vector<double> sums(m, 0.0), counts(m, 0.0);
  for (std::size_t t = m / 2; t + m / 2 < y.size(); ++t) {
    const double level = centred_mean(y, t, m);
    sums[t % m] += ratios ? y[t] / level : y[t] - level;
    ++counts[t % m];
  }
  for (std::size_t i = 0; i < m; ++i) sums[i] /= counts[i];
  const double mean = mean_of(sums);
  for (double& index : sums) index = ratios ? index / mean : index - mean;
  return sums;
}

Deseasonalised deseasonalised(std::span<const double> y, int season) {
  Deseasonalised out{{y.begin(), y.end()}, {}, false};
  if (!is_seasonal(y, season)) return out;
  out.ratios = *std::min_element(y.begin(), y.end()) > 0;
  out.indices = seasonal_indices(y, season, out.ratios);
  if (out.ratios && *std::min_element(out.indices.begin(), out.indices.end()) < kLeastRatio) {
    out.ratios = false;
    out.indices = seasonal_indices(y, season, false);
  }
  for (std::size_t t = 0; t < y.size(); ++t) {
    const double index = out.indices[t % out.indices.size()];
    out.values[t] = out.ratios ? y[t] / index : y[t] - index;
  }
  return out;
}

void Deseasonalised::restore(std::span<double> steps, std::size_t first) const {
  if (indices.empty()) return;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const double index = indices[(first + k) % indices.size()];
    steps[k] = ratios ? steps[k] * index : steps[k] + index;
  }
}

}  // namespace sluice::simple
