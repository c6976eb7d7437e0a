#include "run/reconcile/reconcile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/region_failure.hpp"
#include "run/config/keys.hpp"
#include "run/reconcile/tree.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr const char *kBase = "sluice base", *kBottomUp = "sluice bottom-up";

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The number that a float's digits say: a file has those of a series, and all of a sum of such.
double as_written(double y) {
  if (std::abs(y) >= 0x1p24) return y;
  return std::strtod(fmt::format("{}", static_cast<float>(y)).c_str(), nullptr);
}

/// Takes row `from` of an array of `width` numbers a row to row `to`.
template <typename Array>
void move_row(Array& array, std::size_t width, std::size_t from, std::size_t to) {
  if (array.empty() || from == to) return;
  std::copy_n(array.begin() + static_cast<std::ptrdiff_t>(from * width), width,
              array.begin() + static_cast<std::ptrdiff_t>(to * width));
}

/// The W of some rows: own is diagonal, `factor` [rows, rank] what they have in common.
struct Weights {
  std::vector<double> own, factor;
};

class Reconciler {
 public:
  Reconciler(const Catalog& catalog, const ReconcileOptions& how, Forecasts& forecasts)
      : catalog_(catalog), how_(how), f_(forecasts) {
    K_ = at(f_.K), M_ = at(f_.M);
    find_rows();
    find_lacking();
    if (how_.method != Reconciliation::none) take_out_lacking();
    grow_tree();
  }

  void run() {
    std::vector<double> base(f_.series.size() * K_ * M_);
    for (std::size_t r = 0; r < f_.series.size(); ++r) {
      for (std::size_t k = 0; k < K_; ++k) {
        for (std::size_t m = 0; m < M_; ++m) base[f_.cell(r, k, m)] = f_.point(r, k, m);
      }
    }
    const bool none = how_.method == Reconciliation::none;
    const bool own = none || how_.method == Reconciliation::bottom_up;
    std::vector<double> bottom_up;
    if (!none || how_.keep_beside) bottom_up = solved(base, false);
    std::vector<double> points = own ? std::vector<double>() : solved(base, true);
    if (how_.keep_beside) {
      for (std::string& name : names_beside(how_.method)) {
        const bool is_base = name == kBase;
        f_.beside.push_back({std::move(name), is_base ? base : bottom_up});
      }
    }
    if (none) return;
    if (own) points = std::move(bottom_up);
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (std::isnan(points[i])) points[i] = base[i];  // rows that take no part
    }
    move_quantiles(base, points);
    f_.coherent = std::move(points);
  }

 private:
  void find_rows();
  void find_lacking();
  void take_out_lacking();
  void grow_tree();
  std::vector<double> solved(const std::vector<double>& base, bool least_squares) const;
  std::vector<double> variances(std::span<const double> known, std::size_t m,
                                const std::vector<std::size_t>& rows,
                                const std::vector<double>& base) const;
  Weights weights(std::size_t m, const std::vector<std::size_t>& rows,
                  const std::vector<double>& base) const;
  void move_quantiles(const std::vector<double>& base, const std::vector<double>& points);

  std::int64_t start(std::size_t row) const {
    return catalog_.period(f_.series[row], f_.cutoff[row]);
  }
  bool takes_part(std::int64_t s) const { return row_of_[at(s)] >= 0; }
  const std::vector<Hierarchy::Level>& levels() const { return catalog_.hierarchy().levels; }
  bool nonnegative(std::size_t row, std::size_t m) const {
    return !f_.nonnegative.empty() && f_.nonnegative[row * M_ + m] != 0;
  }

  const Catalog& catalog_;
  const ReconcileOptions& how_;
  Forecasts& f_;
  std::size_t K_ = 0, M_ = 0;
  std::int64_t start_ = std::numeric_limits<std::int64_t>::min();  // the first forecast period
  std::vector<std::int64_t> row_of_;   // [S] of the rows that begin there; -1: it has none
  std::vector<std::int64_t> lacking_;  // [S] of a sum: series of it that should have one
  std::vector<std::int32_t> lacks_;    // [S] and the first of them
  SumTree tree_;
  std::vector<std::size_t> bottom_rows_, sum_rows_;
};

/// Those of the latest start: the day after the histories. Series that are over have no part in it,
/// even where forecast.ended asks for their own days.
void Reconciler::find_rows() {
  for (std::size_t r = 0; r < f_.series.size(); ++r) {
    const std::int64_t s = f_.series[r];
    if (!catalog_.is_sum(s) && !catalog_.ended(s)) start_ = std::max(start_, start(r));
  }
  row_of_.assign(at(catalog_.series_count()), -1);
  for (std::size_t r = 0; r < f_.series.size(); ++r) {
    if (start(r) == start_ && !catalog_.ended(f_.series[r])) {
      row_of_[at(f_.series[r])] = static_cast<std::int64_t>(r);
    }
  }
}

void Reconciler::find_lacking() {
  lacking_.assign(at(catalog_.series_count()), 0);
  lacks_.assign(lacking_.size(), -1);
  for (std::int64_t s = 0; s < catalog_.bottom_count(); ++s) {
    const bool counts_as_zero =
        catalog_.ended(s) ||
        (catalog_.history(s) == 0 ? !how_.new_items : catalog_.period(s, 0) >= start_);
    if (takes_part(s) || counts_as_zero) continue;
    for (const Hierarchy::Level& level : levels()) {
      const auto sum = at(level.sum_of[at(s)]);
      if (lacking_[sum]++ == 0) lacks_[sum] = static_cast<std::int32_t>(s);
    }
  }
}

void Reconciler::take_out_lacking() {
  const std::size_t cells = K_ * M_, J = at(f_.J());
  const std::size_t paths = f_.series.empty() ? 0 : f_.paths.size() / f_.series.size();
  std::size_t kept = 0;
  for (std::size_t r = 0; r < f_.series.size(); ++r) {
    const std::int64_t s = f_.series[r];
    const bool over = catalog_.ended(s);
    if (catalog_.is_sum(s) && (lacking_[at(s)] > 0 || (!takes_part(s) && !over))) {
      const std::int64_t n = lacking_[at(s)];
      f_.left_out.push_back(
          {catalog_.id(s),
           n == 0 ? fmt::format("its own forecast begins {}, those of its series later",
                                catalog_.date(s, f_.cutoff[r]))
                  : lacking_text(n, catalog_.id(lacks_[at(s)]))});
      row_of_[at(s)] = -1;
      continue;
    }
    if (takes_part(s)) row_of_[at(s)] = static_cast<std::int64_t>(kept);
    move_row(f_.series, 1, r, kept);
    move_row(f_.cutoff, 1, r, kept);
    move_row(f_.values, cells * J, r, kept);
    move_row(f_.mean, cells, r, kept);
    move_row(f_.paths, paths, r, kept);
    move_row(f_.offset, M_, r, kept);
    move_row(f_.new_item, 1, r, kept);
    move_row(f_.nonnegative, M_, r, kept);
    ++kept;
  }
  f_.series.resize(kept);
  f_.cutoff.resize(kept);
  f_.values.resize(kept * cells * J);
  if (!f_.mean.empty()) f_.mean.resize(kept * cells);
  f_.paths.resize(kept * paths);
  if (!f_.offset.empty()) f_.offset.resize(kept * M_);
  if (!f_.new_item.empty()) f_.new_item.resize(kept);
  if (!f_.nonnegative.empty()) f_.nonnegative.resize(kept * M_);
}

void Reconciler::grow_tree() {
  std::vector<std::int32_t> place(at(catalog_.series_count()), -1);
  std::vector<std::int32_t> series;
  for (std::int64_t s = 0; s < catalog_.bottom_count(); ++s) {
    if (!takes_part(s)) continue;
    bottom_rows_.push_back(at(row_of_[at(s)]));
    series.push_back(static_cast<std::int32_t>(s));
  }
  for (std::int64_t s = catalog_.bottom_count(); s < catalog_.series_count(); ++s) {
    if (!takes_part(s) || lacking_[at(s)] > 0) continue;
    place[at(s)] = static_cast<std::int32_t>(sum_rows_.size());
    sum_rows_.push_back(at(row_of_[at(s)]));
  }
  tree_.bottom = std::ssize(bottom_rows_);
  tree_.sums = std::ssize(sum_rows_);
  for (const Hierarchy::Level& level : levels()) {
    std::vector<std::int32_t>& sum_of = tree_.level.emplace_back();
    for (const std::int32_t s : series) sum_of.push_back(place[at(level.sum_of[at(s)])]);
  }
}

/// Variances of `rows` for one target by past errors, `known` [S]. Where none is known it is taken
/// to grow with the forecast, as it does over the level; where it is next to nothing beside that, a
/// series that never erred yet still may. (A level's mean would be that of its largest series.)
std::vector<double> Reconciler::variances(std::span<const double> known, std::size_t m,
                                          const std::vector<std::size_t>& rows,
                                          const std::vector<double>& base) const {
  constexpr double kLeast = 1e-2;
  const auto level_of = [&](std::size_t row) {
    std::size_t level = 0;
    while (level < levels().size() && f_.series[row] >= levels()[level].first) ++level;
    return level;  // 0: the bottom
  };
  std::vector<double> out, size, variance(levels().size() + 1, 0), sizes(variance.size(), 0);
  for (const std::size_t row : rows) {
    out.push_back(known[at(f_.series[row])]);
    size.push_back(0);
    for (std::size_t k = 0; k < K_; ++k) size.back() += std::abs(base[f_.cell(row, k, m)]);
    if (std::isnan(out.back())) continue;
    variance[level_of(row)] += out.back();
    sizes[level_of(row)] += size.back();
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t level = level_of(rows[i]);
    const double usual = sizes[level] > 0 ? variance[level] / sizes[level] * size[i] : 0;
    out[i] = std::isnan(out[i]) ? usual : std::max(out[i], kLeast * usual);
  }
  return out;
}

Weights Reconciler::weights(std::size_t m, const std::vector<std::size_t>& rows,
                            const std::vector<double>& base) const {
  const auto S = at(catalog_.series_count());
  if (how_.method == Reconciliation::wls_var) {
    return {variances(how_.variance.subspan(m * S, S), m, rows, base), {}};
  }
  const ShrunkCovariance& covariance = how_.covariance[m];
  Weights out{variances(covariance.variance, m, rows, base), {}};
  for (std::size_t i = 0; i < rows.size() && covariance.rank > 0; ++i) {
    const auto shared = std::span(covariance.factor)
                            .subspan(at(f_.series[rows[i]]) * covariance.rank, covariance.rank);
    for (const double x : shared) out.own[i] -= x * x;
    out.factor.insert(out.factor.end(), shared.begin(), shared.end());
  }
  return out;
}

std::vector<double> Reconciler::solved(const std::vector<double>& base, bool least_squares) const {
  std::vector<double> out(base.size(), kNone);
  std::vector<Weights> bottom_weights, sums_weights;  // [M]
  std::vector<double> size(sum_rows_.size());
  tree_.add_up(std::vector<double>(bottom_rows_.size(), 1.0), size);
  for (std::size_t m = 0; m < M_ && least_squares; ++m) {
    const bool by_errors = how_.method != Reconciliation::wls_struct;
    bottom_weights.push_back(by_errors
                                 ? weights(m, bottom_rows_, base)
                                 : Weights{std::vector<double>(bottom_rows_.size(), 1.0), {}});
    sums_weights.push_back(by_errors ? weights(m, sum_rows_, base) : Weights{size, {}});
    // A sum that never erred is held to its forecast as far as numbers go.
    std::vector<double>& own = sums_weights.back().own;
    const double largest = own.empty() ? 1 : std::ranges::max(own);
    const double least = largest > 0 ? 1e-12 * largest : 1;
    for (double& v : own) v = std::max(v, least);
  }
  std::atomic<bool> optimal = true;
  RegionFailure failure;
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(K_ * M_); ++i) {
    failure.keep([&] {
      const std::size_t k = at(i) / M_, m = at(i) % M_;
      std::vector<double> bottom, sums;
      std::vector<char> nonnegative_series;
      for (const std::size_t row : bottom_rows_) {
        bottom.push_back(base[f_.cell(row, k, m)]);
        nonnegative_series.push_back(nonnegative(row, m) ? 1 : 0);
      }
      for (const std::size_t row : sum_rows_) sums.push_back(base[f_.cell(row, k, m)]);
      if (least_squares) {
        const std::size_t rank = bottom_weights[m].factor.empty() ? 0 : how_.covariance[m].rank;
        Nearest nearest = nearest_sums(
            tree_, {bottom, sums, bottom_weights[m].own, sums_weights[m].own, nonnegative_series,
                    rank, bottom_weights[m].factor, sums_weights[m].factor});
        if (!nearest.optimal) optimal = false;
        bottom = std::move(nearest.bottom);
      }
      for (double& y : bottom) y = as_written(y);
      tree_.add_up(bottom, sums);
      for (std::size_t b = 0; b < bottom.size(); ++b) {
        out[f_.cell(bottom_rows_[b], k, m)] = bottom[b];
      }
      for (std::size_t a = 0; a < sums.size(); ++a) out[f_.cell(sum_rows_[a], k, m)] = sums[a];
    });
  }
  failure.rethrow();
  if (!optimal) {
    log_warning(
        "forecast.reconcile: the forecasts add up, but are not quite the nearest ones that do: "
        "their variances differ too widely; forecast.reconcile = \"wls_struct\" has no such limit");
  }
  return out;
}

void Reconciler::move_quantiles(const std::vector<double>& base,
                                const std::vector<double>& points) {
  const std::size_t J = at(f_.J());
#pragma omp parallel for schedule(static)
  for (std::size_t r = 0; r < f_.series.size(); ++r) {
    for (std::size_t k = 0; k < K_; ++k) {
      for (std::size_t m = 0; m < M_; ++m) {
        const std::size_t cell = f_.cell(r, k, m);
        const double move = points[cell] - base[cell];
        if (move == 0) continue;
        const double zero = f_.offset.empty() ? 0 : -f_.offset[r * M_ + m];
        for (std::size_t j = 0; j < J; ++j) {
          float& q = f_.values[cell * J + j];
          // A share of days without a sale stays that share, whatever the mean is.
          if (nonnegative(r, m) && static_cast<double>(q) <= zero) continue;
          q = static_cast<float>(static_cast<double>(q) + move);
          if (nonnegative(r, m)) q = std::max(q, static_cast<float>(zero));
        }
      }
    }
  }
}

}  // namespace

Reconciliation parse_reconciliation(std::string_view word) {
  const auto found = std::ranges::find(kReconciliations, word);
  if (found == std::end(kReconciliations)) {
    throw InternalError(fmt::format("forecast.reconcile: there is no '{}'", word));
  }
  return static_cast<Reconciliation>(found - std::begin(kReconciliations));
}

std::vector<std::string> names_beside(Reconciliation method) {
  if (method == Reconciliation::none) return {kBottomUp};
  if (method == Reconciliation::bottom_up) return {kBase};
  return {kBase, kBottomUp};
}

std::string lacking_text(std::int64_t count, const std::string& id) {
  return fmt::format("{} of its series {} no forecast{}: {}", count, count == 1 ? "has" : "have",
                     count == 1 ? "" : ", the first", id);
}

void reconcile(const Catalog& catalog, const ReconcileOptions& how, Forecasts& forecasts) {
  if (catalog.hierarchy().levels.empty() || forecasts.series.empty()) return;
  if (how.method == Reconciliation::wls_var &&
      how.variance.size() != at(catalog.series_count() * forecasts.M)) {
    throw InternalError("reconcile: wls_var needs a variance for each target of each series");
  }
  if (how.method == Reconciliation::mint_shrink && how.covariance.size() != at(forecasts.M)) {
    throw InternalError("reconcile: mint_shrink needs a covariance for each target");
  }
  if (how.method == Reconciliation::none && !how.keep_beside) return;
  Reconciler(catalog, how, forecasts).run();
}

}  // namespace sluice
