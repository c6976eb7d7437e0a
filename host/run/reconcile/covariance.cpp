#include "run/reconcile/covariance.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace sluice {
namespace {

/// A covariance that is not shrunk at all has no inverse where errors are few.
constexpr double kLeastIntensity = 1e-4;

/// Of standardised errors z [S, n], 0 where there is none. With w_t = z_it z_jt of a pair,
///   sum_ij sum_t w_t^2 = sum_t G_tt^2   and   sum_ij (sum_t w_t)^2 = sum_tu G_tu^2,   G = z' z,
/// from which the pairs i = j are taken.
double intensity_of(const std::vector<double>& z, std::size_t n) {
  if (n < 2) return 1;
  const std::size_t S = z.size() / n;
  const auto count = static_cast<double>(n);
  double squares = 0, of_sums = 0, own_squares = 0, own_of_sums = 0;
  std::vector<double> squares_of(n), sums_of(n);  // added in one order: the same bits each time
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t row = 0; row < static_cast<std::int64_t>(n); ++row) {
    const auto t = static_cast<std::size_t>(row);
    std::vector<double> gram(t + 1, 0);
    for (std::size_t s = 0; s < S; ++s) {
      const double* of = z.data() + s * n;
      for (std::size_t u = 0; u <= t; ++u) gram[u] += of[t] * of[u];
    }
    squares_of[t] = gram[t] * gram[t];
    for (std::size_t u = 0; u <= t; ++u) sums_of[t] += (u < t ? 2 : 1) * gram[u] * gram[u];
  }
  for (const double own : squares_of) squares += own;
  for (const double own : sums_of) of_sums += own;
  for (std::size_t s = 0; s < S; ++s) {
    double sum = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const double w = z[s * n + t] * z[s * n + t];
      sum += w;
      own_squares += w * w;
    }
    own_of_sums += sum * sum;
  }
  const double correlations = (of_sums - own_of_sums) / (count * count);  // sum of their squares
  const double variances = (squares - own_squares - count * correlations) / (count * (count - 1));
  return correlations > 0 ? std::clamp(variances / correlations, kLeastIntensity, 1.0) : 1;
}

}  // namespace

ShrunkCovariance shrunk_covariance(std::vector<double> errors, std::size_t n) {
  ShrunkCovariance out;
  const std::size_t S = n == 0 ? 0 : errors.size() / n;
  out.variance.assign(S, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t s = 0; s < S; ++s) {
    double sum = 0, known = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const double e = errors[s * n + t];
      if (!std::isnan(e)) sum += e * e, ++known;
    }
    if (known > 0) out.variance[s] = sum / known;
    const double scale = sum > 0 ? 1 / std::sqrt(out.variance[s]) : 0;
    for (std::size_t t = 0; t < n; ++t) {
      double& e = errors[s * n + t];
      e = std::isnan(e) ? 0 : e * scale;
    }
  }
  out.intensity = intensity_of(errors, n);
  if (out.intensity >= 1) return out;
  for (std::size_t s = 0; s < S; ++s) {
    if (std::isnan(out.variance[s])) continue;
    const double scale = std::sqrt(out.variance[s] * (1 - out.intensity) / static_cast<double>(n));
    for (std::size_t t = 0; t < n; ++t) errors[s * n + t] *= scale;
  }
  out.rank = n;
  out.factor = std::move(errors);
  return out;
}

}  // namespace sluice
