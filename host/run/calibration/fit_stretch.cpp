#include "run/calibration/fit_stretch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "run/calibration/dependence.hpp"

namespace sluice {
namespace {

/// Fewer scores than this say nothing about a 90 % quantile.
constexpr std::size_t kFewestScores = 20;
/// Forecasts that pull a factor towards what is taken without them, and that of one step towards
/// that of all, as much as the effective ones hold it.
constexpr double kDoubt = 5, kDoubtOfStep = 100;
/// Share by which the quantile loss of unseen forecasts may become larger.
constexpr double kSlack = 0.002;
/// And by which the share of values in an interval may become worse.
constexpr double kSlackOfShare = 0.01;
/// Groups of forecasts.
constexpr std::size_t kGroups = 4;
/// The score of a value that an end at 0 holds in any case.
constexpr double kHeld = -std::numeric_limits<double>::infinity();

using Rows = std::vector<std::size_t>;

std::size_t middle_of(std::span<const double> probabilities) {
  return static_cast<std::size_t>(std::ranges::find(probabilities, 0.5) - probabilities.begin());
}

/// The conformal quantile: ceil((n + 1) p) of n in ascending order.
double conformal(std::vector<double>& scores, double p) {
  const auto n = static_cast<double>(scores.size());
  const double rank = std::clamp(std::ceil((n + 1) * p) - 1, 0.0, n - 1);
  const auto at = scores.begin() + static_cast<std::ptrdiff_t>(rank);
  std::ranges::nth_element(scores, at);
  return *at;
}

double bounded(double factor) { return std::clamp(factor, kLeastFactor, kMostFactor); }

/// Steps to each side of one that lend it their errors.
std::size_t reach(std::size_t K) { return std::max<std::size_t>(1, K / 8); }

double drawn(double from, double to, double known, double doubt) {
  return from + (to - from) * known / (known + doubt);
}

Rows rows_of(const IntervalProblem& p, int without) {
  Rows out;
  for (std::size_t n = 0; n < p.fold.size(); ++n) {
    if (p.fold[n] != without) out.push_back(n);
  }
  return out;
}

/// Scores beside an end, and how many values it holds because it is 0.
struct Scores {
  std::vector<double> free;
  std::size_t held = 0;

  /// NaN of too few.
  double factor(double level) {
    if (free.size() < kFewestScores) return std::numeric_limits<double>::quiet_NaN();
    const double without = bounded(conformal(free, level));
    if (held == 0) return without;
    free.resize(free.size() + held, kHeld);
    return std::clamp(1.0, bounded(conformal(free, level)), without);
  }
};

class Fit {
 public:
  /// Of some rows, whose `known` forecasts say how far sides may differ.
  Fit(const IntervalProblem& p, const Rows& rows, double known)
      : p_(p), rows_(rows), known_(known), middle_(middle_of(p.probabilities)) {}

  /// [J] of the steps from..to; 1 at the median, NaN where scores are few.
  std::vector<double> factors(std::size_t from, std::size_t to) const {
    const std::size_t J = p_.probabilities.size();
    std::vector<double> out(J, 1.0);
    for (std::size_t j = 0; j < J; ++j) {
      if (j == middle_) continue;
      const double level = std::max(p_.probabilities[j], 1 - p_.probabilities[j]);
      out[j] = scores(j, std::nullopt, from, to).factor(level);
    }
    for (std::size_t low = 0; low < middle_; ++low) {
      const auto is_end = [&](double p) {
        return std::abs(p - (1 - p_.probabilities[low])) < 1e-9;
      };
      const auto high = static_cast<std::size_t>(std::ranges::find_if(p_.probabilities, is_end) -
                                                 p_.probabilities.begin());
      if (high == J || std::isnan(out[low]) || std::isnan(out[high])) continue;
      const double both = scores(low, high, from, to).factor(1 - 2 * p_.probabilities[low]);
      if (std::isnan(both)) continue;
      for (const std::size_t j : {low, high}) out[j] = drawn(both, out[j], known_, kDoubt);
    }
    return out;
  }

  /// Of both ends together and all steps, without bounds; NaN where scores are few.
  double needed(std::size_t low, std::size_t high) const {
    Scores both = scores(low, high, 0, p_.K);
    if (both.free.size() < kFewestScores) return std::numeric_limits<double>::quiet_NaN();
    return conformal(both.free, p_.probabilities[high] - p_.probabilities[low]);
  }

  Stretch run() const {
    const std::size_t J = p_.probabilities.size(), K = p_.K;
    const std::vector<double> all = factors(0, K);
    Stretch out;
    for (std::size_t j = 0; j < J; ++j) {
      if (j != middle_) out.probabilities.push_back(p_.probabilities[j]);
    }
    for (std::size_t k = 0; k < K; ++k) {
      const std::vector<double> here =
          factors(k - std::min(k, reach(K)), std::min(K, k + reach(K) + 1));
      for (std::size_t j = 0; j < J; ++j) {
        if (j == middle_) continue;
        double factor = std::isnan(all[j]) ? 1 : all[j];
        if (!std::isnan(here[j])) factor = drawn(factor, here[j], known_, kDoubtOfStep);
        if (factor < 1) factor = drawn(1, factor, known_, kDoubt);
        out.factors.push_back(static_cast<float>(factor));
      }
    }
    const bool none = std::ranges::all_of(out.factors, [](float a) { return a == 1; });
    return none ? Stretch() : out;
  }

 private:
  /// Of the end j alone, or of the lower end j and the upper end `other` together.
  Scores scores(std::size_t j, std::optional<std::size_t> other, std::size_t from,
                std::size_t to) const {
    const std::size_t J = p_.probabilities.size(), K = p_.K;
    Scores out;
    for (const std::size_t n : rows_) {
      for (std::size_t k = from; k < to; ++k) {
        const double y = p_.actual[n * K + k];
        if (std::isnan(y)) continue;
        const double *q = p_.quantiles.data() + (n * K + k) * J, median = q[middle_];
        const std::size_t end = other && y >= median ? *other : j;
        const double width = q[end] - median;
        if (end < middle_ && p_.is_nonnegative(n) && q[end] <= 0) {
          ++out.held;
        } else if (width != 0) {
          out.free.push_back((y - median) / width);
        }
      }
    }
    return out;
  }

  const IntervalProblem& p_;
  const Rows& rows_;
  double known_;
  std::size_t middle_;
};

/// Sum of the quantile losses of `rows` by `quantiles`, of each forecast in parts of its own width:
/// the unit of a factor, in which large series count no more than small ones.
double loss_of(const IntervalProblem& problem, const std::vector<double>& quantiles,
               const Rows& rows) {
  const std::size_t J = problem.probabilities.size(), K = problem.K;
  double sum = 0;
  for (const std::size_t n : rows) {
    double width = 0, loss = 0;
    for (std::size_t k = 0; k < K; ++k) {
      const double* own = problem.quantiles.data() + (n * K + k) * J;
      width += own[J - 1] - own[0];
      const double y = problem.actual[n * K + k];
      if (std::isnan(y)) continue;
      for (std::size_t j = 0; j < J; ++j) {
        const double p = problem.probabilities[j];
        const double below = y - quantiles[(n * K + k) * J + j];
        loss += below >= 0 ? p * below : (p - 1) * below;
      }
    }
    if (width > 0) sum += loss / width;
  }
  return sum;
}

/// Whether any interval holds a share of the values that is farther from its level than before.
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

/// `pooled` with a factor for each group of `rows`.
Stretch with_groups(const IntervalProblem& problem, const Stretch& pooled, StretchBy by,
                    const Rows& rows) {
  const std::size_t J = problem.probabilities.size(), width = problem.K * J;
  const std::size_t middle = middle_of(problem.probabilities);
  const Trait trait(by, problem.probabilities);
  std::vector<double> traits;  // of all, of which `sorted` has those of the rows
  for (std::size_t n = 0; n < problem.fold.size(); ++n) {
    traits.push_back(trait.of(std::span(problem.quantiles).subspan(n * width, width)));
  }
  std::vector<double> sorted;
  for (const std::size_t n : rows) sorted.push_back(traits[n]);
  std::ranges::sort(sorted);
  Stretch out = pooled;
  out.by = by;
  for (std::size_t i = 1; i < kGroups; ++i) {
    const double bound = sorted[i * sorted.size() / kGroups];
    if (bound > sorted[0] && (out.bounds.empty() || bound > out.bounds.back()))
      out.bounds.push_back(bound);
  }
  if (out.bounds.empty()) return pooled;
  IntervalProblem moved = problem;
  moved.quantiles = stretched(problem, pooled);
  std::vector<Rows> groups(out.bounds.size() + 1);
  for (const std::size_t n : rows) {
    const auto above = std::ranges::upper_bound(out.bounds, traits[n]);
    groups[static_cast<std::size_t>(above - out.bounds.begin())].push_back(n);
  }
  for (const Rows& group : groups) {
    // Series of one group against those of another: what they have in common is in neither.
    const double known = problem.independent * static_cast<double>(group.size()) /
                         static_cast<double>(problem.fold.size());
    const std::vector<double> factors = Fit(moved, group, known).factors(0, problem.K);
    for (std::size_t j = 0; j < J; ++j) {
      if (j == middle) continue;
      const double factor = std::isnan(factors[j]) ? 1 : drawn(1, factors[j], known, kDoubt);
      out.group_factors.push_back(static_cast<float>(factor));
    }
  }
  return out;
}

}  // namespace

double effective_forecasts(const IntervalProblem& problem) {
  const std::size_t J = problem.probabilities.size(), K = problem.K;
  if (problem.time.empty()) return problem.independent;
  struct At {
    std::int64_t time, series;
    double score;
  };
  std::vector<At> scores;
  const std::vector<double> places = scores_of(problem.probabilities);
  for (std::size_t i = 0; i < problem.actual.size(); ++i) {
    const double score =
        normal_score(problem.actual[i], std::span(problem.quantiles).subspan(i * J, J), places);
    if (std::isnan(score)) continue;
    scores.push_back(
        {problem.time[i / K] + static_cast<std::int64_t>(i % K), problem.series[i / K], score});
  }
  if (scores.empty()) return problem.independent;
  std::ranges::sort(scores, {}, [](const At& a) { return std::pair(a.time, a.series); });
  double products = 0, squares = 0;  // of pairs of series at one time, and of as many alone
  for (std::size_t i = 0; i < scores.size();) {
    const std::int64_t time = scores[i].time;
    double sum = 0, sum_of_squares = 0, count = 0;
    while (i < scores.size() && scores[i].time == time) {
      const std::int64_t series = scores[i].series;
      double own = 0, forecasts = 0;  // of several forecasts of one value the mean
      for (; i < scores.size() && scores[i].time == time && scores[i].series == series; ++i) {
        own += scores[i].score;
        forecasts += 1;
      }
      own /= forecasts;
      sum += own;
      sum_of_squares += own * own;
      count += 1;
    }
    products += sum * sum - sum_of_squares;
    squares += (count - 1) * sum_of_squares;
  }
  const double horizons =
      static_cast<double>(scores.back().time - scores.front().time + 1) / static_cast<double>(K);
  const double series = std::max(problem.independent / std::max(horizons, 1.0), 1.0);
  const double correlation = squares > 0 ? std::clamp(products / squares, 0.0, 1.0) : 1.0;
  return problem.independent / (1 + (series - 1) * correlation);
}

Stretch fit_stretch(const IntervalProblem& problem) {
  const double known = effective_forecasts(problem);
  const Rows rows = rows_of(problem, -1);
  const Stretch pooled = Fit(problem, rows, known).run();
  if (pooled.probabilities.empty()) return {};
  double with = 0, without = 0;
  for (const int fold : {0, 1}) {
    const Rows seen = rows_of(problem, fold), unseen = rows_of(problem, 1 - fold);
    with += loss_of(problem, stretched(problem, Fit(problem, seen, known / 2).run()), unseen);
    without += loss_of(problem, problem.quantiles, unseen);
  }
  if (!(with <= without * (1 + kSlack))) return {};
  Stretch best = pooled;
  const bool halves = !rows_of(problem, 0).empty() && !rows_of(problem, 1).empty();
  double least = loss_of(problem, stretched(problem, pooled), rows);
  for (const StretchBy by : {StretchBy::size, StretchBy::width}) {
    if (!halves) break;
    double loss = 0;
    for (const int fold : {0, 1}) {
      const Stretch other = with_groups(problem, pooled, by, rows_of(problem, fold));
      loss += loss_of(problem, stretched(problem, other), rows_of(problem, 1 - fold));
    }
    if (!(loss < least)) continue;
    least = loss;
    best = with_groups(problem, pooled, by, rows);
  }
  return is_farther_off(problem, best) ? Stretch() : best;
}

double needed_factor(const IntervalProblem& problem, double low, double high) {
  const auto at = [&](double probability) {
    return static_cast<std::size_t>(std::ranges::find(problem.probabilities, probability) -
                                    problem.probabilities.begin());
  };
  return Fit(problem, rows_of(problem, -1), 0).needed(at(low), at(high));
}

bool ends_at_bound(const IntervalProblem& problem, const Stretch& by, double low, double high) {
  const double needed = needed_factor(problem, low, high);
  const double off = share_inside(problem, by, low, high) - (high - low);
  return (needed > kMostFactor && off < -kSlackOfShare) ||
         (needed < kLeastFactor && off > kSlackOfShare);
}

}  // namespace sluice
