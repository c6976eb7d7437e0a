#include "run/calibration/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "sluice/base/error.hpp"
#include "sluice/model/sampling.hpp"

namespace sluice {
namespace {

/// Two independent standard normal variables (Box and Muller 1958).
struct NormalPair {
  double first, second;
};

NormalPair normal_pair(std::uint64_t key, std::uint64_t low, std::uint64_t high) {
  const UniformPair uniform = uniform_pair(key, low, high);
  const double radius = std::sqrt(-2 * std::log(uniform.first));
  const double angle = 2 * std::numbers::pi * uniform.second;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// The lower triangle of Cholesky's decomposition of `matrix` [K, K], row by row. False if that is
/// not positive definite.
bool factor(std::span<const float> matrix, std::size_t K, std::vector<double>& lower) {
  lower.assign(K * K, 0.0);
  for (std::size_t j = 0; j < K; ++j) {
    for (std::size_t k = 0; k <= j; ++k) {
      double left = static_cast<double>(matrix[j * K + k]);
      for (std::size_t i = 0; i < k; ++i) left -= lower[j * K + i] * lower[k * K + i];
      if (j == k && !(left > 0)) return false;
      lower[j * K + k] = j == k ? std::sqrt(left) : left / lower[k * K + k];
    }
  }
  return true;
}

}  // namespace

PathSampler::PathSampler(const Dependence& dependence, std::size_t K,
                         std::span<const double> probabilities, std::uint64_t seed)
    : K_(K), scores_(scores_of(probabilities)), seed_(seed) {
  if (dependence.correlation.size() != K * K || probabilities.size() < 2)
    throw InternalError("sample paths: a dependence of other steps, or too few quantiles");
  if (!factor(dependence.correlation, K, factor_)) {
    throw DataError(
        "the model's dependence of steps is no matrix of correlations; train the model again");
  }
}

void PathSampler::draw(std::uint64_t stream, std::span<const float> quantiles,
                       std::span<double> paths) const {
  const std::size_t J = scores_.size(), count = paths.size() / K_;
  if (quantiles.size() != K_ * J || paths.size() != count * K_)
    throw InternalError("sample paths: wrong shapes");
  const std::vector<double> values(quantiles.begin(), quantiles.end());
  std::vector<double> independent(K_ + 1);
  const auto use = static_cast<std::uint64_t>(RandomUse::paths) << 32;
  for (std::size_t p = 0; p < count; ++p) {
    for (std::size_t k = 0; k < K_; k += 2) {
      const NormalPair pair =
          normal_pair(seed_, stream, use | static_cast<std::uint64_t>(p) << 36 | k);
      independent[k] = pair.first, independent[k + 1] = pair.second;
    }
    for (std::size_t k = 0; k < K_; ++k) {
      double score = 0;
      for (std::size_t i = 0; i <= k; ++i) score += factor_[k * K_ + i] * independent[i];
      paths[p * K_ + k] = value_at_score(score, std::span(values).subspan(k * J, J), scores_);
    }
  }
}

double sample_quantile(std::span<const double> values, double p) {
  const double at = p * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (at - std::floor(at)) * (values[high] - values[low]);
}

double counted_quantile(std::span<const double> values, double p) {
  const auto n = static_cast<double>(values.size());
  const double rank = std::ceil(p * n - 1e-9) - 1;  // what rounding put above a whole number is it
  return values[static_cast<std::size_t>(std::clamp(rank, 0.0, n - 1))];
}

}  // namespace sluice
