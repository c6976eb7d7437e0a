#include "run/reconcile/tree.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "run/reconcile/low_rank.hpp"

namespace sluice {
namespace {

constexpr double kTolerance = 1e-10;  // of the residual, relative to the first one
constexpr int kMostIterations = 2000, kMostRounds = 100;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Wa + A Wb A' + V G^-1 V' over the series that are free to move.
class Normal {
 public:
  Normal(const SumTree& tree, const BaseForecasts& base)
      : tree_(tree),
        base_(base),
        shared_(tree, base),
        weight_(base.bottom.size()),
        of_series_(weight_.size()),
        inverse_(base.sums.size()) {}

  /// `right`: of the equations. `free` the series.
  void set(std::span<const char> free, std::span<double> right) {
    for (std::size_t i = 0; i < weight_.size(); ++i) {
      weight_[i] = free[i] != 0 ? base_.bottom_variance[i] : 0;
      of_series_[i] = free[i] != 0 ? base_.bottom[i] : 0;
    }
    tree_.add_up(of_series_, right);
    for (std::size_t i = 0; i < right.size(); ++i) right[i] = base_.sums[i] - right[i];
    shared_.fix(free);
    shared_.subtract_fixed(right);
    tree_.add_up(weight_, inverse_);
    for (std::size_t i = 0; i < inverse_.size(); ++i) {
      inverse_[i] = 1 / (inverse_[i] + base_.sums_variance[i]);
    }
    shared_.set_diagonal(inverse_);
  }
  void times(std::span<const double> z, std::span<double> out) {
    tree_.spread(z, of_series_);
    for (std::size_t i = 0; i < weight_.size(); ++i) of_series_[i] *= weight_[i];
    tree_.add_up(of_series_, out);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += base_.sums_variance[i] * z[i];
    shared_.add_product(z, out);
  }
  /// By the diagonal of Wa + A Wb A', within a level it has no other entry, and all of V G^-1 V'.
  void precondition(std::span<const double> r, std::span<double> out) {
    for (std::size_t i = 0; i < r.size(); ++i) out[i] = inverse_[i] * r[i];
    shared_.precondition(out);
  }
  /// b where no series is fixed at 0.
  void bottom_of(std::span<const double> z, std::span<double> bottom) {
    tree_.spread(z, of_series_);
    for (std::size_t i = 0; i < bottom.size(); ++i) {
      bottom[i] = base_.bottom[i] + base_.bottom_variance[i] * of_series_[i];
    }
    shared_.add_common(z, bottom);
  }

 private:
  const SumTree& tree_;
  const BaseForecasts& base_;
  LowRank shared_;
  std::vector<double> weight_, of_series_, inverse_;
};

/// Conjugate gradients from `z` as it is; whether they came to the tolerance.
bool solve(Normal& normal, std::span<const double> right, std::vector<double>& z) {
  const std::size_t n = right.size();
  std::vector<double> r(n), p(n), q(n), m(n);
  normal.times(z, q);
  for (std::size_t i = 0; i < n; ++i) r[i] = right[i] - q[i];
  normal.precondition(right, m);
  const double first = dot(right, m);
  if (!(first > 0)) {
    std::ranges::fill(z, 0.0);
    return true;
  }
  normal.precondition(r, m);
  double rho = dot(r, m);
  p = m;
  for (int i = 0; i < kMostIterations; ++i) {
    if (rho <= kTolerance * kTolerance * first) return true;
    normal.times(p, q);
    const double step = rho / dot(p, q);
    for (std::size_t j = 0; j < n; ++j) {
      z[j] += step * p[j];
      r[j] -= step * q[j];
    }
    normal.precondition(r, m);
    const double next = dot(r, m), turn = next / rho;
    for (std::size_t j = 0; j < n; ++j) p[j] = m[j] + turn * p[j];
    rho = next;
  }
  return false;
}

}  // namespace

void SumTree::add_up(std::span<const double> b, std::span<double> out) const {
  std::ranges::fill(out, 0.0);
  for (const std::vector<std::int32_t>& sum_of : level) {
    for (std::size_t i = 0; i < b.size(); ++i) {
      if (sum_of[i] >= 0) out[static_cast<std::size_t>(sum_of[i])] += b[i];
    }
  }
}

void SumTree::spread(std::span<const double> z, std::span<double> out) const {
  std::ranges::fill(out, 0.0);
  for (const std::vector<std::int32_t>& sum_of : level) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (sum_of[i] >= 0) out[i] += z[static_cast<std::size_t>(sum_of[i])];
    }
  }
}

Nearest nearest_sums(const SumTree& tree, const BaseForecasts& base) {
  const std::size_t n = base.bottom.size();
  Nearest out{std::vector<double>(base.bottom.begin(), base.bottom.end()), true};
  std::vector<double> z(base.sums.size(), 0.0), right(z.size());
  std::vector<char> free(n, 1);
  Normal normal(tree, base);
  bool settled = false;
  for (int round = 0; round < kMostRounds && !settled; ++round) {
    normal.set(free, right);
    out.optimal = solve(normal, right, z) && out.optimal;
    normal.bottom_of(z, out.bottom);
    settled = true;
    for (std::size_t i = 0; i < n; ++i) {
      const char now = base.nonnegative[i] == 0 || out.bottom[i] >= 0 ? 1 : 0;
      settled = settled && now == free[i];
      free[i] = now;
    }
  }
  out.optimal = out.optimal && settled;
  for (std::size_t i = 0; i < n; ++i) {
    if (base.nonnegative[i] != 0) out.bottom[i] = std::max(0.0, out.bottom[i]);
  }
  return out;
}

}  // namespace sluice
