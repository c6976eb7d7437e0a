// Nocedal and Wright, Numerical Optimization, algorithms 3.1 and 6.1. The inverse Hessian is one
// dense matrix: for some thirty numbers that is cheaper than a limited memory, and converges
// faster.
#include "model/simple/minimise.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

namespace sluice::simple {
namespace {

constexpr double kSufficient = 1e-4;  // of the decrease that the slope promises (Armijo)
constexpr int kBacktracks = 30;
constexpr double kLongestStep = 4;  // in any one direction

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

class InverseHessian {
 public:
  explicit InverseHessian(std::size_t n) : n_(n), values_(n * n), along_(n) { reset(1); }

  void reset(double scale) {
    std::fill(values_.begin(), values_.end(), 0.0);
    for (std::size_t i = 0; i < n_; ++i) values_[i * n_ + i] = scale;
    fresh_ = true;
  }
  bool fresh() const { return fresh_; }

  std::span<const double> row(std::size_t i) const { return {&values_[i * n_], n_}; }

  /// From a step and how the gradient changed along it. Without curvature it stays as it is.
  void update(std::span<const double> step, std::span<const double> change) {
    const double curvature = dot(step, change);
    if (!(curvature > 1e-12 * std::sqrt(dot(step, step) * dot(change, change)))) return;
    if (fresh_) reset(curvature / dot(change, change));
    fresh_ = false;
    for (std::size_t i = 0; i < n_; ++i) along_[i] = dot(row(i), change);
    const double weight = (1 + dot(change, along_) / curvature) / curvature;
    for (std::size_t i = 0; i < n_; ++i) {
      const double a = weight * step[i] - along_[i] / curvature, b = step[i] / curvature;
      double* const out = &values_[i * n_];
      for (std::size_t j = 0; j < n_; ++j) out[j] += a * step[j] - b * along_[j];
    }
  }

 private:
  std::size_t n_;
  std::vector<double> values_, along_;
  bool fresh_ = true;
};

}  // namespace

double minimise(const Smooth& function, std::span<double> x, const MinimiseLimits& limits) {
  const std::size_t n = x.size();
  std::vector<double> gradient(n), direction(n), trial(n), trial_gradient(n), step(n), change(n);
  double value = function(x, gradient);
  if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
  InverseHessian inverse(n);
  int small = 0;
  for (int k = 0; k < limits.iterations && small < 2; ++k) {
    for (std::size_t i = 0; i < n; ++i) direction[i] = -dot(inverse.row(i), gradient);
    double slope = dot(direction, gradient), longest = 0;
    for (const double d : direction) longest = std::max(longest, std::abs(d));
    if (!(slope < 0)) {
      if (inverse.fresh()) return value;
      inverse.reset(1);
      continue;
    }
    double length = longest > kLongestStep ? kLongestStep / longest : 1, found = value;
    bool lower = false;
    for (int b = 0; b < kBacktracks && !lower; ++b) {
      for (std::size_t i = 0; i < n; ++i) trial[i] = x[i] + length * direction[i];
      found = function(trial, trial_gradient);
      lower = found <= value + kSufficient * length * slope;
      if (lower) break;
      // The parabola through both values and the slope, kept between a tenth and a half.
      const double parabola =
          std::isfinite(found) ? -slope * length / (2 * ((found - value) / length - slope)) : 0;
      length = std::clamp(parabola, length / 10, length / 2);
    }
    if (!lower) {
      if (inverse.fresh()) return value;
      inverse.reset(1);  // the curvature may have been misleading
      ++small;
      continue;
    }
    for (std::size_t i = 0; i < n; ++i) {
      step[i] = trial[i] - x[i];
      change[i] = trial_gradient[i] - gradient[i];
    }
    small = value - found < limits.tolerance ? small + 1 : 0;
    inverse.update(step, change);
    std::copy(trial.begin(), trial.end(), x.begin());
    gradient.swap(trial_gradient);
    value = found;
  }
  return value;
}

}  // namespace sluice::simple
