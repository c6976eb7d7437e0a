#include "run/calibration/intervals.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

std::size_t place_of(std::span<const double> probabilities, double p) {
  return static_cast<std::size_t>(std::ranges::find(probabilities, p) - probabilities.begin());
}

/// The factor at p of `factors`, which are those of `grid`.
double factor_at(std::span<const double> grid, std::span<const float> factors, double p) {
  const auto above = std::ranges::lower_bound(grid, p - 1e-9);
  if (above == grid.end()) return static_cast<double>(factors.back());
  const auto high = static_cast<std::size_t>(above - grid.begin());
  if (high == 0 || grid[high] <= p + 1e-9) return static_cast<double>(factors[high]);
  const double part = (p - grid[high - 1]) / (grid[high] - grid[high - 1]);
  // Levels on different sides of the median have nothing to do with each other.
  if (grid[high - 1] < 0.5 && grid[high] > 0.5) {
    return static_cast<double>(factors[p < 0.5 ? high - 1 : high]);
  }
  return static_cast<double>(factors[high - 1]) +
         part * static_cast<double>(factors[high] - factors[high - 1]);
}

/// Moves the forecasts of one series and target.
class Mover {
 public:
  Mover(const Stretch& by, std::span<const double> probabilities, std::size_t K)
      : by_(by),
        trait_(by.by, probabilities),
        K_(K),
        J_(probabilities.size()),
        middle_(place_of(probabilities, 0.5)) {
    const auto add = [&](const std::vector<float>& factors, std::vector<double>& out) {
      const std::size_t G = by.probabilities.size();
      for (std::size_t row = 0; row < factors.size() / G; ++row) {
        for (const double p : probabilities) {
          out.push_back(
              p == 0.5 ? 1
                       : factor_at(by.probabilities, std::span(factors).subspan(row * G, G), p));
        }
      }
    };
    add(by.factors, steps_);
    add(by.group_factors, groups_);
  }

  /// Step k's quantiles begin at `values` + k * stride.
  template <typename Number>
  void move(const StretchRow& row, Number* values, std::size_t stride) const {
    const double* group =
        groups_.empty() ? nullptr : groups_.data() + J_ * group_of(row, values, stride);
    const auto zero = static_cast<double>(zero_above(row.offset));
    for (std::size_t k = 0; k < K_; ++k) {
      Number* q = values + k * stride;
      const auto median = static_cast<double>(q[middle_]);
      for (std::size_t j = 0; j < J_; ++j) {
        const auto before = static_cast<double>(q[j]);
        const double factor = steps_[k * J_ + j] * (group == nullptr ? 1 : group[j]);
        double after = median + factor * (before - median);
        if (row.nonnegative) after = before > zero ? std::max(after, zero) : zero;
        q[j] = static_cast<Number>(after);
      }
      std::sort(q, q + J_);
    }
  }

 private:
  template <typename Number>
  std::size_t group_of(const StretchRow& row, const Number* values, std::size_t stride) const {
    std::vector<double> y;
    y.reserve(K_ * J_);
    for (std::size_t k = 0; k < K_; ++k) {
      for (std::size_t j = 0; j < J_; ++j) {
        y.push_back(static_cast<double>(values[k * stride + j]) + row.offset);
      }
    }
    const double trait = trait_.of(y);
    return static_cast<std::size_t>(std::ranges::upper_bound(by_.bounds, trait) -
                                    by_.bounds.begin());
  }

  const Stretch& by_;
  Trait trait_;
  std::size_t K_, J_, middle_;
  std::vector<double> steps_;   ///< [K, J]
  std::vector<double> groups_;  ///< [groups, J]
};

}  // namespace

float zero_above(double offset) {
  const auto zero = static_cast<float>(-offset);
  const bool below = static_cast<double>(zero) + offset < 0;
  return below ? std::nextafter(zero, std::numeric_limits<float>::infinity()) : zero;
}

void stretch(const Stretch& by, std::span<const double> probabilities, std::size_t K, std::size_t M,
             std::span<const StretchRow> rows, std::span<float> values) {
  const std::size_t J = probabilities.size(), row = K * M * J;
  if (by.probabilities.empty() || J < 2) return;
  const std::size_t N = values.size() / row;
  if (!rows.empty() && rows.size() != N * M)
    throw InternalError("stretch: rows of other forecasts");
  const Mover mover(by, probabilities, K);
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < N * M; ++i) {
    const StretchRow one = rows.empty() ? StretchRow() : rows[i];
    mover.move(one, values.data() + i / M * row + i % M * J, M * J);
  }
}

std::vector<double> stretched(const IntervalProblem& problem, const Stretch& by) {
  const std::size_t J = problem.probabilities.size(), K = problem.K;
  std::vector<double> out = problem.quantiles;
  if (by.probabilities.empty() || J < 2) return out;
  const Mover mover(by, problem.probabilities, K);
  for (std::size_t n = 0; n < problem.fold.size(); ++n) {
    mover.move({.nonnegative = problem.is_nonnegative(n)}, out.data() + n * K * J, J);
  }
  return out;
}

Trait::Trait(StretchBy by, std::span<const double> probabilities)
    : by_(by), J_(probabilities.size()), middle_(place_of(probabilities, 0.5)) {
  if (by == StretchBy::size) return;
  const auto next_to = [&](double wanted) {
    const auto nearer = [&](double a, double b) {
      return std::abs(a - wanted) < std::abs(b - wanted);
    };
    return static_cast<std::size_t>(std::ranges::min_element(probabilities, nearer) -
                                    probabilities.begin());
  };
  low_ = next_to(0.1), high_ = next_to(0.9);
  const boost::math::normal_distribution<double> normal;
  spread_ = boost::math::quantile(normal, probabilities[high_]) -
            boost::math::quantile(normal, probabilities[low_]);
}

double Trait::of(std::span<const double> quantiles) const {
  const auto K = static_cast<double>(quantiles.size() / J_);
  double size = 0;
  for (std::size_t i = middle_; i < quantiles.size(); i += J_) size += std::abs(quantiles[i]);
  size /= K;
  if (by_ == StretchBy::size) return size;
  double width = 0;
  for (std::size_t i = 0; i < quantiles.size(); i += J_) {
    width += quantiles[i + high_] - quantiles[i + low_];
  }
  width /= K * spread_;
  if (size > 0) return width / size;
  return width > 0 ? std::numeric_limits<double>::max() : 0;
}

double share_inside(const IntervalProblem& problem, const Stretch& by, double low, double high) {
  const std::size_t J = problem.probabilities.size();
  const std::size_t l = place_of(problem.probabilities, low),
                    h = place_of(problem.probabilities, high);
  const std::vector<double> quantiles = stretched(problem, by);
  std::size_t inside = 0, all = 0;
  for (std::size_t i = 0; i < problem.actual.size(); ++i) {
    const double y = problem.actual[i], *q = quantiles.data() + i * J;
    if (std::isnan(y)) continue;
    ++all;
    if (q[l] <= y && y <= q[h]) ++inside;
  }
  return all > 0 ? static_cast<double>(inside) / static_cast<double>(all)
                 : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace sluice
