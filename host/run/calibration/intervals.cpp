#include "run/calibration/intervals.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace sluice {
namespace {

/// Fewer scores than this say nothing about a 90 % quantile.
constexpr std::size_t kFewestScores = 20;
/// Forecasts that pull the factor of all steps towards 1, and that of one step towards that of all,
/// as much as the independent ones hold it.
constexpr double kDoubt = 5, kDoubtOfStep = 100;
/// A factor outside says that the quantiles are of no use, not how to mend them.
constexpr double kLeast = 0.2, kMost = 5;
/// Share by which the quantile loss of unseen forecasts may become larger.
constexpr double kSlack = 0.002;

/// And by which the share of values in an interval may become worse.
constexpr double kSlackOfShare = 0.01;

std::size_t middle_of(std::span<const double> probabilities) {
  return static_cast<std::size_t>(std::ranges::find(probabilities, 0.5) - probabilities.begin());
}

/// The conformal quantile: ceil((n + 1) p) of n in ascending order.
double conformal(std::vector<double>& scores, double p) {
  const auto n = static_cast<double>(scores.size());
  const double rank = std::clamp(std::ceil((n + 1) * p) - 1, 0.0, n - 1);
  const auto at = scores.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(scores, at);
  return std::clamp(*at, kLeast, kMost);
}

/// Steps to each side of one that lend it their errors.
std::size_t reach(std::size_t K) { return std::max<std::size_t>(1, K / 8); }

class Fit {
 public:
  Fit(const IntervalProblem& p, int without) : p_(p), without_(without) {}

  Stretch run() const {
    const std::size_t J = p_.probabilities.size(), K = p_.K;
    const std::size_t middle = middle_of(p_.probabilities);
    Stretch out;
    std::vector<std::vector<float>> factors;  // [G][K]
    for (std::size_t j = 0; j < J; ++j) {
      if (j == middle) continue;
      out.probabilities.push_back(p_.probabilities[j]);
      factors.push_back(at(j, middle));
    }
    const bool none = std::ranges::all_of(
        factors, [](const auto& row) { return std::ranges::all_of(row, is_one); });
    if (none) return {};
    for (std::size_t k = 0; k < K; ++k) {
      for (const auto& row : factors) out.factors.push_back(row[k]);
    }
    return out;
  }

 private:
  static bool is_one(float a) { return a == 1; }

  std::vector<double> scores(std::size_t j, std::size_t middle, std::size_t from,
                             std::size_t to) const {
    const std::size_t J = p_.probabilities.size(), K = p_.K;
    std::vector<double> out;
    for (std::size_t n = 0; n < p_.fold.size(); ++n) {
      if (p_.fold[n] == without_) continue;
      for (std::size_t k = from; k < to; ++k) {
        const double y = p_.actual[n * K + k];
        const double* q = p_.quantiles.data() + (n * K + k) * J;
        const double width = q[j] - q[middle];
        if (std::isnan(y) || width == 0) continue;
        out.push_back((y - q[middle]) / width);
      }
    }
    return out;
  }

  /// [K] of output j.
  std::vector<float> at(std::size_t j, std::size_t middle) const {
    const std::size_t K = p_.K;
    const double level = std::max(p_.probabilities[j], 1 - p_.probabilities[j]);
    std::vector<float> out(K, 1.0f);
    std::vector<double> all = scores(j, middle, 0, K);
    if (all.size() < kFewestScores) return out;
    const double part = without_ < 0 ? p_.independent : p_.independent / 2;
    const double pooled = conformal(all, level);
    for (std::size_t k = 0; k < K; ++k) {
      const std::size_t from = k - std::min(k, reach(K)), to = std::min(K, k + reach(K) + 1);
      std::vector<double> here = scores(j, middle, from, to);
      double factor = pooled;
      if (here.size() >= kFewestScores) {
        factor += (conformal(here, level) - pooled) * part / (part + kDoubtOfStep);
      }
      out[k] = static_cast<float>(1 + (factor - 1) * part / (part + kDoubt));
    }
    return out;
  }

  const IntervalProblem& p_;
  int without_;  ///< the half that is left out; -1: none
};

/// The factor at p from those of `probabilities`.
double factor_at(const Stretch& by, std::size_t k, double p) {
  const auto& grid = by.probabilities;
  const float* row = by.factors.data() + k * grid.size();
  const auto above = std::ranges::lower_bound(grid, p - 1e-9);
  if (above == grid.end()) return static_cast<double>(row[grid.size() - 1]);
  const auto high = static_cast<std::size_t>(above - grid.begin());
  if (high == 0 || grid[high] <= p + 1e-9) return static_cast<double>(row[high]);
  const double part = (p - grid[high - 1]) / (grid[high] - grid[high - 1]);
  // Levels on different sides of the median have nothing to do with each other.
  if (grid[high - 1] < 0.5 && grid[high] > 0.5) {
    return static_cast<double>(row[p < 0.5 ? high - 1 : high]);
  }
  return static_cast<double>(row[high - 1]) + part * static_cast<double>(row[high] - row[high - 1]);
}

double moved(const Stretch& by, std::size_t k, double p, double q, double median) {
  return by.probabilities.empty() ? q : median + factor_at(by, k, p) * (q - median);
}

/// Sum of the quantile losses of one half.
double loss_of(const IntervalProblem& problem, const Stretch& by, int fold) {
  const std::size_t J = problem.probabilities.size(), K = problem.K;
  const std::size_t middle = middle_of(problem.probabilities);
  double sum = 0;
  for (std::size_t n = 0; n < problem.fold.size(); ++n) {
    if (problem.fold[n] != fold) continue;
    for (std::size_t k = 0; k < K; ++k) {
      const double y = problem.actual[n * K + k];
      if (std::isnan(y)) continue;
      const double* q = problem.quantiles.data() + (n * K + k) * J;
      for (std::size_t j = 0; j < J; ++j) {
        const double p = problem.probabilities[j];
        const double below = y - moved(by, k, p, q[j], q[middle]);
        sum += below >= 0 ? p * below : (p - 1) * below;
      }
    }
  }
  return sum;
}

/// Whether any interval holds a share of the values that is farther from its level than before:
/// cells without width, which no factor moves, may hold few, and narrower ones beside them fewer
/// still.
bool is_farther_off(const IntervalProblem& problem, const Stretch& by) {
  for (const double low : problem.probabilities) {
    const auto has_end = [&](double p) { return std::abs(p - (1 - low)) < 1e-9; };
    const auto high = std::ranges::find_if(problem.probabilities, has_end);
    if (low >= 0.5 || high == problem.probabilities.end()) continue;
    const double level = *high - low;
    const double before = std::abs(share_inside(problem, {}, low, *high) - level);
    if (std::abs(share_inside(problem, by, low, *high) - level) > before + kSlackOfShare)
      return true;
  }
  return false;
}

}  // namespace

Stretch fit_stretch(const IntervalProblem& problem) {
  double with = 0, without = 0;
  for (const int fold : {0, 1}) {
    const Stretch other = Fit(problem, fold).run();
    with += loss_of(problem, other, fold);
    without += loss_of(problem, {}, fold);
  }
  if (!(with <= without * (1 + kSlack))) return {};
  Stretch all = Fit(problem, -1).run();
  return is_farther_off(problem, all) ? Stretch() : all;
}

void stretch(const Stretch& by, std::span<const double> probabilities, std::size_t K, std::size_t M,
             std::span<float> values) {
  const std::size_t J = probabilities.size(), middle = middle_of(probabilities);
  if (by.probabilities.empty() || J < 2) return;
  std::vector<double> factors;  // [K, J]
  for (std::size_t k = 0; k < K; ++k) {
    for (const double p : probabilities) factors.push_back(p == 0.5 ? 1 : factor_at(by, k, p));
  }
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < values.size() / J; ++i) {
    float* q = values.data() + i * J;
    const double* a = factors.data() + i / M % K * J;
    const auto median = static_cast<double>(q[middle]);
    for (std::size_t j = 0; j < J; ++j) {
      q[j] = static_cast<float>(median + a[j] * (static_cast<double>(q[j]) - median));
    }
    std::sort(q, q + J);
  }
}

double share_inside(const IntervalProblem& problem, const Stretch& by, double low, double high) {
  const std::size_t J = problem.probabilities.size(), K = problem.K;
  const std::size_t middle = middle_of(problem.probabilities);
  const auto place = [&](double p) {
    return static_cast<std::size_t>(std::ranges::find(problem.probabilities, p) -
                                    problem.probabilities.begin());
  };
  const std::size_t l = place(low), h = place(high);
  std::size_t inside = 0, all = 0;
  for (std::size_t i = 0; i < problem.actual.size(); ++i) {
    const double y = problem.actual[i], *q = problem.quantiles.data() + i * J;
    if (std::isnan(y)) continue;
    ++all;
    const double from = moved(by, i % K, low, q[l], q[middle]);
    const double to = moved(by, i % K, high, q[h], q[middle]);
    if (from <= y && y <= to) ++inside;
  }
  return all > 0 ? static_cast<double>(inside) / static_cast<double>(all)
                 : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace sluice
