#include "run/reconcile/low_rank.hpp"

#include <algorithm>
#include <cmath>

#include "run/reconcile/tree.hpp"

namespace sluice {
namespace {

/// L of 1 + matrix = L L', in its place [n, n], lower triangles. The matrix has no negative part.
void decompose(std::vector<double>& matrix, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k <= j; ++k) {
      double left = matrix[j * n + k] + (j == k ? 1 : 0);
      for (std::size_t i = 0; i < k; ++i) left -= matrix[j * n + i] * matrix[k * n + i];
      matrix[j * n + k] = j == k ? std::sqrt(left) : left / matrix[k * n + k];
    }
  }
}

/// x = L^-1 x
void forward(const std::vector<double>& lower, std::span<double> x) {
  const std::size_t n = x.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < j; ++i) x[j] -= lower[j * n + i] * x[i];
    x[j] /= lower[j * n + j];
  }
}

/// x = L^-T x
void backward(const std::vector<double>& lower, std::span<double> x) {
  const std::size_t n = x.size();
  for (std::size_t j = n; j-- > 0;) {
    x[j] /= lower[j * n + j];
    for (std::size_t i = 0; i < j; ++i) x[i] -= lower[j * n + i] * x[j];
  }
}

/// matrix += weight x x', the lower triangle.
void add_square(std::span<const double> x, double weight, std::vector<double>& matrix) {
  const std::size_t n = x.size();
  for (std::size_t j = 0; j < n; ++j) {
    const double by = weight * x[j];
    for (std::size_t k = 0; k <= j; ++k) matrix[j * n + k] += by * x[k];
  }
}

}  // namespace

LowRank::LowRank(const SumTree& tree, const BaseForecasts& base)
    : tree_(tree),
      base_(base),
      rank_(base.rank),
      rows_(base.sums.size() * rank_),
      lower_(rank_ * rank_),
      inner_(rank_ * rank_),
      g_(rank_),
      common_(rank_) {}

void LowRank::fix(std::span<const char> free) {
  if (rank_ == 0) return;
  std::ranges::copy(base_.sums_factor, rows_.begin());
  std::ranges::fill(lower_, 0.0);
  std::ranges::fill(g_, 0.0);
  for (std::size_t i = 0; i < free.size(); ++i) {
    const auto own = base_.bottom_factor.subspan(i * rank_, rank_);
    if (free[i] != 0) {
      for (const std::vector<std::int32_t>& sum_of : tree_.level) {
        if (sum_of[i] < 0) continue;
        double* row = rows_.data() + static_cast<std::size_t>(sum_of[i]) * rank_;
        for (std::size_t c = 0; c < rank_; ++c) row[c] -= own[c];
      }
    } else if (base_.bottom_variance[i] > 0) {
      add_square(own, 1 / base_.bottom_variance[i], lower_);
      const double by = base_.bottom[i] / base_.bottom_variance[i];
      for (std::size_t c = 0; c < rank_; ++c) g_[c] += by * own[c];
    }
  }
  decompose(lower_, rank_);
  forward(lower_, g_);
  for (std::size_t a = 0; a < base_.sums.size(); ++a) {
    forward(lower_, std::span(rows_).subspan(a * rank_, rank_));
  }
}

void LowRank::project(std::span<const double> z, std::span<double> out) const {
  std::ranges::fill(out, 0.0);
  for (std::size_t a = 0; a < z.size(); ++a) {
    const double* row = rows_.data() + a * rank_;
    for (std::size_t c = 0; c < rank_; ++c) out[c] += row[c] * z[a];
  }
}

void LowRank::add_product(std::span<const double> z, std::span<double> out) {
  if (rank_ == 0) return;
  project(z, common_);
  for (std::size_t a = 0; a < out.size(); ++a) {
    const double* row = rows_.data() + a * rank_;
    for (std::size_t c = 0; c < rank_; ++c) out[a] += row[c] * common_[c];
  }
}

void LowRank::subtract_fixed(std::span<double> right) {
  for (std::size_t a = 0; a < right.size(); ++a) {
    for (std::size_t c = 0; c < rank_; ++c) right[a] -= rows_[a * rank_ + c] * g_[c];
  }
}

void LowRank::set_diagonal(std::span<const double> inverse) {
  inverse_ = inverse;
  if (rank_ == 0) return;
  std::ranges::fill(inner_, 0.0);
  for (std::size_t a = 0; a < inverse.size(); ++a) {
    add_square(std::span(rows_).subspan(a * rank_, rank_), inverse[a], inner_);
  }
  decompose(inner_, rank_);
}

void LowRank::precondition(std::span<double> out) {
  if (rank_ == 0) return;
  project(out, common_);
  forward(inner_, common_);
  backward(inner_, common_);
  for (std::size_t a = 0; a < out.size(); ++a) {
    const double* row = rows_.data() + a * rank_;
    double sum = 0;
    for (std::size_t c = 0; c < rank_; ++c) sum += row[c] * common_[c];
    out[a] -= inverse_[a] * sum;
  }
}

void LowRank::add_common(std::span<const double> z, std::span<double> bottom) {
  if (rank_ == 0) return;
  project(z, common_);
  for (std::size_t c = 0; c < rank_; ++c) common_[c] = -(common_[c] + g_[c]);
  backward(lower_, common_);
  for (std::size_t i = 0; i < bottom.size(); ++i) {
    const double* own = base_.bottom_factor.data() + i * rank_;
    for (std::size_t c = 0; c < rank_; ++c) bottom[i] += own[c] * common_[c];
  }
}

}  // namespace sluice
