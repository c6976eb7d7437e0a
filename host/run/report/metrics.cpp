// Scores: one pass over each forecast's points into a row's sums; a metric is made of sums only
// when asked for. What would surprise: MASE, RMSSE and nMSE are summed per forecast, not per point,
// because each cutoff has its own scale.
#include "sluice/run/metrics.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double ratio(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : kNan;
}

double mean_of(double sum, std::int64_t count) {
  return count > 0 ? sum / static_cast<double>(count) : kNan;
}

std::size_t find_probability(const std::vector<double>& probabilities, double wanted,
                             double level) {
  for (std::size_t j = 0; j < probabilities.size(); ++j) {
    if (std::abs(probabilities[j] - wanted) < 1e-6) return j;
  }
  throw InternalError(fmt::format(
      "score: the interval of level {:g} needs the quantile {:g}, which is not among the "
      "forecast's probabilities",
      level, wanted));
}

}  // namespace

Scorer::Scorer(std::int64_t rows, std::vector<double> probabilities, std::vector<double> levels)
    : probabilities_(std::move(probabilities)), levels_(std::move(levels)) {
  if (rows < 0) throw InternalError(fmt::format("score: {} rows", rows));
  for (const double level : levels_) {
    lower_.push_back(find_probability(probabilities_, 0.5 - level / 200, level));
    upper_.push_back(find_probability(probabilities_, 0.5 + level / 200, level));
  }
  sums_.resize(static_cast<std::size_t>(rows));
  for (Sums& sums : sums_) sums.covered.assign(levels_.size(), 0);
}

void Scorer::add(const ScoredForecast& forecast) {
  const std::size_t K = forecast.actual.size();
  const std::size_t J = probabilities_.size();
  if (forecast.row < 0 || forecast.row >= static_cast<std::int64_t>(sums_.size()))
    throw InternalError(fmt::format("score: row {} of {} rows", forecast.row, std::ssize(sums_)));
  if (forecast.forecast.size() != K)
    throw InternalError(
        fmt::format("score: {} actual values, {} forecasts", K, forecast.forecast.size()));
  const bool has_quantiles = !forecast.quantiles.empty();
  if (has_quantiles && forecast.quantiles.size() != K * J)
    throw InternalError(fmt::format("score: {} quantile values where K = {} and J = {}",
                                    forecast.quantiles.size(), K, J));

  Sums& sums = sums_[static_cast<std::size_t>(forecast.row)];
  std::int64_t points = 0;
  double absolute = 0, squared = 0;
  for (std::size_t k = 0; k < K; ++k) {
    const double y = forecast.actual[k], f = forecast.forecast[k];
    if (std::isnan(y) || std::isnan(f)) continue;
    const double error = f - y, size = std::abs(y) + std::abs(f);
    ++points;
    absolute += std::abs(error);
    squared += error * error;
    sums.signed_error += error;
    sums.actual += std::abs(y);
    if (size > 0) sums.smape += 200 * std::abs(error) / size;
    if (!has_quantiles) continue;
    const auto q = forecast.quantiles.subspan(k * J, J);
    if (std::any_of(q.begin(), q.end(), [](double value) { return std::isnan(value); })) continue;
    ++sums.quantile_points;
    for (std::size_t j = 0; j < J; ++j) {
      const double below = y - q[j], p = probabilities_[j];
      sums.pinball += below >= 0 ? p * below : (p - 1) * below;
    }
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      if (q[lower_[i]] <= y && y <= q[upper_[i]]) ++sums.covered[i];
    }
  }
  if (points == 0) return;
  sums.points += points;
  sums.absolute += absolute;
  sums.squared += squared;
  const auto n = static_cast<double>(points);
  if (forecast.mase_scale > 0) {
    sums.mase += absolute / n / forecast.mase_scale;
    ++sums.mase_forecasts;
  }
  if (forecast.rmsse_scale > 0) {
    sums.rmsse += std::sqrt(squared / n / forecast.rmsse_scale);
    ++sums.rmsse_forecasts;
  }
  if (forecast.normal_scale > 0) {
    sums.nmse += squared / n / forecast.normal_scale;
    ++sums.nmse_forecasts;
  }
}

Metrics Scorer::pooled(const Sums& sums) const {
  Metrics m;
  m.points = sums.points;
  m.mae = mean_of(sums.absolute, sums.points);
  m.rmse = std::sqrt(mean_of(sums.squared, sums.points));
  m.smape = mean_of(sums.smape, sums.points);
  m.mase = mean_of(sums.mase, sums.mase_forecasts);
  m.rmsse = mean_of(sums.rmsse, sums.rmsse_forecasts);
  m.nmse = mean_of(sums.nmse, sums.nmse_forecasts);
  m.wape = ratio(sums.absolute, sums.actual);
  m.bias = ratio(sums.signed_error, sums.actual);
  // Over a part of the points only, a quantile score would be compared with others' whole one.
  const bool all_quantiles = sums.points > 0 && sums.quantile_points == sums.points;
  m.wql = all_quantiles
              ? ratio(2 * sums.pinball / static_cast<double>(probabilities_.size()), sums.actual)
              : kNan;
  for (const std::int64_t covered : sums.covered) {
    m.coverage.push_back(all_quantiles ? mean_of(static_cast<double>(covered), sums.points) : kNan);
  }
  return m;
}

Metrics Scorer::row(std::int64_t row) const {
  if (row < 0 || row >= static_cast<std::int64_t>(sums_.size()))
    throw InternalError(fmt::format("score: row {} of {} rows", row, std::ssize(sums_)));
  return pooled(sums_[static_cast<std::size_t>(row)]);
}

Metrics Scorer::total() const { return total(0, std::ssize(sums_)); }

double Scorer::weighted_rmsse(std::int64_t begin, std::int64_t end, std::span<const double> weight,
                              int targets) const {
  double means = 0;
  std::int64_t known = 0;
  for (std::int64_t first = begin; first < std::min(begin + targets, end); ++first) {
    double sum = 0, weights = 0;
    for (std::int64_t i = first; i < end; i += targets) {
      const double rmsse = row(i).rmsse, own = weight[static_cast<std::size_t>(i)];
      if (std::isnan(rmsse)) continue;
      sum += own * rmsse;
      weights += own;
    }
    if (!(weights > 0)) continue;
    means += sum / weights;
    ++known;
  }
  return known > 0 ? means / static_cast<double>(known) : kNan;
}

Metrics Scorer::total(std::int64_t begin, std::int64_t end) const {
  if (begin < 0 || begin > end || end > std::ssize(sums_))
    throw InternalError(fmt::format("score: rows {} to {} of {}", begin, end, std::ssize(sums_)));
  struct Mean {
    double sum = 0;
    std::int64_t count = 0;
    void add(double value) {
      if (std::isnan(value)) return;
      sum += value;
      ++count;
    }
    double value() const { return mean_of(sum, count); }
  };
  Sums all;
  all.covered.assign(levels_.size(), 0);
  Mean smape, mase, rmsse, nmse;
  for (const Sums& sums : std::span(sums_).subspan(static_cast<std::size_t>(begin),
                                                   static_cast<std::size_t>(end - begin))) {
    all.points += sums.points;
    all.quantile_points += sums.quantile_points;
    all.absolute += sums.absolute;
    all.squared += sums.squared;
    all.actual += sums.actual;
    all.signed_error += sums.signed_error;
    all.pinball += sums.pinball;
    for (std::size_t i = 0; i < levels_.size(); ++i) all.covered[i] += sums.covered[i];
    smape.add(mean_of(sums.smape, sums.points));
    mase.add(mean_of(sums.mase, sums.mase_forecasts));
    rmsse.add(mean_of(sums.rmsse, sums.rmsse_forecasts));
    nmse.add(mean_of(sums.nmse, sums.nmse_forecasts));
  }
  Metrics m = pooled(all);
  m.smape = smape.value();
  m.mase = mase.value();
  m.rmsse = rmsse.value();
  m.nmse = nmse.value();
  return m;
}

std::vector<float> naive_seasonal(std::span<const float> history, int season, int K) {
  if (season < 1) throw InternalError(fmt::format("naive_seasonal: season {}", season));
  std::vector<float> out = naive_last(history, K);
  const auto n = std::ssize(history);
  for (int k = 0; k < K; ++k) {
    for (std::ptrdiff_t t = n - season + k % season; t >= 0; t -= season) {
      const float value = history[static_cast<std::size_t>(t)];
      if (std::isnan(value)) continue;
      out[static_cast<std::size_t>(k)] = value;
      break;
    }
  }
  return out;
}

std::vector<float> naive_last(std::span<const float> history, int K) {
  return naive_mean(history, 1, K);
}

std::vector<float> naive_mean(std::span<const float> history, int window, int K) {
  if (window < 1 || K < 0)
    throw InternalError(fmt::format("naive_mean: window {}, {} steps", window, K));
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t t = history.size(); t-- > 0 && count < window;) {
    if (std::isnan(history[t])) continue;
    sum += static_cast<double>(history[t]);
    ++count;
  }
  return std::vector<float>(static_cast<std::size_t>(K), static_cast<float>(mean_of(sum, count)));
}

double squared_step_scale(std::span<const float> history, double offset) {
  const auto empty = [&](float value) {
    return std::isnan(value) || static_cast<double>(value) + offset == 0;
  };
  std::size_t first = 0;
  while (first < history.size() && empty(history[first])) ++first;
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t t = first + 1; t < history.size(); ++t) {
    const double step = static_cast<double>(history[t]) - static_cast<double>(history[t - 1]);
    if (std::isnan(step)) continue;
    sum += step * step;
    ++count;
  }
  return mean_of(sum, count);
}

double variance_scale(std::span<const float> history) {
  double sum = 0;
  std::int64_t count = 0;
  for (const float value : history) {
    if (std::isnan(value)) continue;
    sum += static_cast<double>(value);
    ++count;
  }
  const double mean = mean_of(sum, count);
  double squares = 0;
  for (const float value : history) {
    if (std::isnan(value)) continue;
    const double distance = static_cast<double>(value) - mean;
    squares += distance * distance;
  }
  return mean_of(squares, count);
}

}  // namespace sluice
