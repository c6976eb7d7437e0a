#include "run/calibration/dependence.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Beyond it lies one value in thirty thousand: what a few quantiles say of it is made up.
constexpr double kFurthest = 4;
/// Kept apart from 1, so that a matrix of it can be factored in floats.
constexpr double kOwn = 1e-3;

/// Means over all pairs of steps that lie as far apart, [K].
std::vector<double> by_distance(const std::vector<double>& correlation, std::size_t K) {
  std::vector<double> mean(K, 0.0);
  for (std::size_t h = 0; h < K; ++h) {
    for (std::size_t j = 0; j + h < K; ++j) mean[h] += correlation[j * K + j + h];
    mean[h] /= static_cast<double>(K - h);
  }
  return mean;
}

/// shared + (1 - shared) * fading^distance, which is positive definite.
struct Shape {
  double shared = 0, fading = 0;
  double at(std::size_t distance) const {
    return shared + (1 - shared) * std::pow(fading, static_cast<double>(distance));
  }
};

/// The nearest one by least squares over pairs of steps, on a grid of twentieths.
Shape shape_of(const std::vector<double>& mean) {
  constexpr int kGrid = 20;
  Shape best;
  double least = std::numeric_limits<double>::infinity();
  for (int s = 0; s < kGrid; ++s) {
    for (int f = 0; f < kGrid; ++f) {
      const Shape shape{.shared = static_cast<double>(s) / kGrid,
                        .fading = static_cast<double>(f) / kGrid};
      double squares = 0;
      for (std::size_t h = 1; h < mean.size(); ++h) {
        const double off = mean[h] - shape.at(h);
        squares += static_cast<double>(mean.size() - h) * off * off;
      }
      if (squares < least) least = squares, best = shape;
    }
  }
  return best;
}

}  // namespace

std::vector<double> scores_of(std::span<const double> probabilities) {
  const boost::math::normal_distribution<double> normal;
  std::vector<double> out;
  for (const double p : probabilities) out.push_back(boost::math::quantile(normal, p));
  return out;
}

double normal_score(double y, std::span<const double> values, std::span<const double> scores) {
  const std::size_t J = values.size();
  if (J < 2 || std::isnan(y)) return kNone;
  const auto [low, high] = std::equal_range(values.begin(), values.end(), y);
  const auto before = static_cast<std::size_t>(low - values.begin());
  const auto after = static_cast<std::size_t>(high - values.begin());
  if (after > before) return 0.5 * (scores[before] + scores[after - 1]);
  const std::size_t right = std::clamp<std::size_t>(before, 1, J - 1), left = right - 1;
  const double width = values[right] - values[left];
  if (!(width > 0)) return y < values[left] ? -kFurthest : kFurthest;
  const double score = scores[left] + (scores[right] - scores[left]) * (y - values[left]) / width;
  return std::clamp(score, -kFurthest, kFurthest);
}

double value_at_score(double score, std::span<const double> values,
                      std::span<const double> scores) {
  const std::size_t J = values.size();
  if (J < 2) return J == 1 ? values[0] : kNone;
  const double at = std::clamp(score, -kFurthest, kFurthest);
  const auto above =
      static_cast<std::size_t>(std::ranges::lower_bound(scores, at) - scores.begin());
  const std::size_t right = std::clamp<std::size_t>(above, 1, J - 1), left = right - 1;
  const double part = (at - scores[left]) / (scores[right] - scores[left]);
  return values[left] + part * (values[right] - values[left]);
}

Dependence fit_dependence(std::span<const double> scores, std::size_t K, double independent) {
  const std::size_t N = K == 0 ? 0 : scores.size() / K;
  if (N < 2) return {};
  // A missing score counts as 0, which leaves the matrix one of inner products, and so positive.
  std::vector<double> correlation(K * K, 0.0), row(K);
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t k = 0; k < K; ++k) {
      const double z = scores[n * K + k];
      row[k] = std::isfinite(z) ? z : 0;
    }
    for (std::size_t j = 0; j < K; ++j) {
      if (row[j] == 0) continue;
      for (std::size_t k = j; k < K; ++k) correlation[j * K + k] += row[j] * row[k];
    }
  }
  std::vector<double> size(K);
  for (std::size_t k = 0; k < K; ++k) size[k] = std::sqrt(correlation[k * K + k]);
  for (std::size_t j = 0; j < K; ++j) {
    for (std::size_t k = j; k < K; ++k) {
      const double both = size[j] * size[k];
      const double r = j == k ? 1 : both > 0 ? correlation[j * K + k] / both : 0;
      correlation[j * K + k] = correlation[k * K + j] = r;
    }
  }
  const Shape shape = shape_of(by_distance(correlation, K));
  double errors = 0, distances = 0;
  const double degrees = std::max(independent - 1, 1.0);
  for (std::size_t j = 0; j < K; ++j) {
    for (std::size_t k = j + 1; k < K; ++k) {
      const double r = correlation[j * K + k], off = r - shape.at(k - j);
      errors += (1 - r * r) * (1 - r * r) / degrees;
      distances += off * off;
    }
  }
  const double drawn = distances > 0 ? std::min(errors / distances, 1.0) : 1.0;
  Dependence out;
  out.correlation.resize(K * K);
  for (std::size_t j = 0; j < K; ++j) {
    for (std::size_t k = 0; k < K; ++k) {
      const double mixed =
          (1 - drawn) * correlation[j * K + k] + drawn * shape.at(j > k ? j - k : k - j);
      out.correlation[j * K + k] = static_cast<float>(j == k ? 1.0 : (1 - kOwn) * mixed);
    }
  }
  return out;
}

Dependence dependence_of(const IntervalProblem& problem, const Stretch& by) {
  constexpr std::size_t kMostSteps = 1000;
  const std::size_t K = problem.K, J = problem.probabilities.size();
  if (K > kMostSteps || J < 2) return {};
  const std::vector<double> moved = stretched(problem, by);
  const std::vector<double> at = scores_of(problem.probabilities);
  std::vector<double> scores(problem.actual.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] = normal_score(problem.actual[i], std::span(moved).subspan(i * J, J), at);
  }
  return fit_dependence(scores, K, problem.independent);
}

}  // namespace sluice
