#include "run/forecast/hierarchy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "run/reconcile/reconcile.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kPastOrigins = 4;
/// Of mint_shrink's errors and factor, that of the rows once more: 1,000,000 series of 4 x 28 days.
constexpr double kMostErrorBytes = 2e9;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Calls visit(m, s, t, error) for each error of the forecaster's points from the earlier origins,
/// of which it gives the number; t: which of an origin's steps, of all origins. Nothing is called
/// where a value or a forecast is missing.
template <typename Visit>
int visit_past_errors(Forecaster& forecaster, const Catalog& catalog,
                      std::span<const std::int64_t> cutoff, int K, const Visit& visit) {
  const auto M = at(catalog.count(Role::target));
  for (int back = 1; back <= kPastOrigins; ++back) {
    std::vector<std::int64_t> origin;
    bool any = false;
    for (const std::int64_t from : cutoff) {
      origin.push_back(from >= 1 && from - back * K >= 1 ? from - back * K : -1);
      any = any || origin.back() >= 1;
    }
    if (!any) return back - 1;
    const Forecasts past = forecaster.points_at(origin);
    for (std::size_t r = 0; r < past.series.size(); ++r) {
      const std::int64_t s = past.series[r];
      for (std::size_t m = 0; m < M; ++m) {
        const auto values = catalog.values(static_cast<int>(m), s);
        const double offset = catalog.value_offset(static_cast<int>(m), s);
        for (std::size_t k = 0; k < at(K); ++k) {
          const float value = values[at(past.cutoff[r]) + k];
          if (std::isnan(value)) continue;
          visit(m, at(s), at((back - 1) * K) + k,
                past.point(r, k, m) - (static_cast<double>(value) + offset));
        }
      }
    }
  }
  return kPastOrigins;
}

/// Mean squared errors [M * S], target after target; NaN where nothing was forecast that came.
std::vector<double> past_variance(Forecaster& forecaster, const Catalog& catalog,
                                  std::span<const std::int64_t> cutoff, int K) {
  const auto S = at(catalog.series_count());
  std::vector<double> sum(at(catalog.count(Role::target)) * S, 0), count(sum.size(), 0);
  visit_past_errors(forecaster, catalog, cutoff, K,
                    [&](std::size_t m, std::size_t s, std::size_t, double error) {
                      sum[m * S + s] += error * error;
                      ++count[m * S + s];
                    });
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] = count[i] > 0 ? sum[i] / count[i] : kNone;
  }
  return sum;
}

/// [M]
std::vector<ShrunkCovariance> past_covariance(Forecaster& forecaster, const Catalog& catalog,
                                              std::span<const std::int64_t> cutoff, int K) {
  const auto S = at(catalog.series_count()), M = at(catalog.count(Role::target));
  const std::size_t most = at(kPastOrigins * K);
  std::vector<std::vector<double>> errors(M, std::vector<double>(S * most, kNone));
  const int origins = visit_past_errors(
      forecaster, catalog, cutoff, K,
      [&](std::size_t m, std::size_t s, std::size_t t, double e) { errors[m][s * most + t] = e; });
  const std::size_t n = at(origins * K);
  std::vector<ShrunkCovariance> out;
  if (n == 0) {  // no series has an origin before these
    out.resize(M);
    for (ShrunkCovariance& of : out) of.variance.assign(S, kNone);
    return out;
  }
  for (std::vector<double>& of : errors) {
    for (std::size_t s = 0; s < S && n < most; ++s) {
      std::copy_n(of.begin() + static_cast<std::ptrdiff_t>(s * most), n,
                  of.begin() + static_cast<std::ptrdiff_t>(s * n));
    }
    of.resize(S * n);
    out.push_back(shrunk_covariance(std::move(of), n));
  }
  return out;
}

/// A row of `sum`: the sum of `rows`, which begin together. Sums have no offset.
void add_sum_of(const std::vector<std::size_t>& rows, const Catalog& catalog, std::int32_t sum,
                Forecasts& f) {
  const std::size_t M = at(f.M), cells = at(f.K) * M, count = f.series.size();
  // Of an array of `width` numbers a row, `each` of them a target's before the next target's.
  const auto add = [&](auto& array, std::size_t width, std::size_t each) {
    if (array.empty()) return;
    for (std::size_t i = 0; i < width; ++i) {
      double total = 0;
      for (const std::size_t r : rows) {
        total += static_cast<double>(array[r * width + i]);
        if (each > 0 && !f.offset.empty()) total += f.offset[r * M + i / each % M];
      }
      array.push_back(static_cast<std::decay_t<decltype(array[0])>>(total));
    }
  };
  add(f.values, cells * at(f.J()), at(f.J()));
  add(f.mean, cells, 1);
  add(f.paths, f.paths.size() / count, 1);
  add(f.coherent, cells, 0);  // in the units of the file
  for (std::size_t m = 0; m < M; ++m) {
    const auto is_nonnegative = [&](std::size_t r) { return f.nonnegative[r * M + m] != 0; };
    if (!f.nonnegative.empty())
      f.nonnegative.push_back(std::ranges::all_of(rows, is_nonnegative) ? 1 : 0);
  }
  if (!f.offset.empty()) f.offset.resize((count + 1) * M, 0);
  const std::int64_t start = catalog.period(f.series[rows[0]], f.cutoff[rows[0]]);
  f.series.push_back(sum);
  f.cutoff.push_back(start - catalog.period(sum, 0));
  f.new_item.push_back(1);
}

}  // namespace

void check_reconciliation(const Catalog& catalog, const Config& config, int K) {
  if (catalog.hierarchy().levels.empty() ||
      parse_reconciliation(config.forecast.reconcile) != Reconciliation::mint_shrink) {
    return;
  }
  const std::int64_t rows = catalog.series_count() * catalog.count(Role::target);
  const std::int64_t most = std::int64_t{kPastOrigins} * K;
  const double bytes = 2.0 * 8 * static_cast<double>(rows) * static_cast<double>(most);
  if (bytes <= kMostErrorBytes) return;
  throw ConfigError(fmt::format(
      "forecast.reconcile = \"mint_shrink\": the {} past errors of {} series and sums would take "
      "{:.1f} GB, more than the {:.0f} that it is made for; use forecast.reconcile = "
      "\"wls_var\", or a shorter horizon",
      most, grouped(rows), bytes / 1e9, kMostErrorBytes / 1e9));
}

void add_sums_of_new_items(const Catalog& catalog, Forecasts& forecasts) {
  std::map<std::int32_t, std::vector<std::int32_t>> members;
  for (const Hierarchy::Level& level : catalog.hierarchy().levels) {
    for (std::int32_t s = 0; s < catalog.bottom_count(); ++s) {
      const std::int32_t sum = level.sum_of[at(s)];
      if (catalog.history(sum) == 0) members[sum].push_back(s);
    }
  }
  if (members.empty()) return;
  std::vector<std::int64_t> row_of(at(catalog.bottom_count()), -1);
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    const std::int32_t s = forecasts.series[r];
    if (!catalog.is_sum(s)) row_of[at(s)] = static_cast<std::int64_t>(r);
  }
  for (const auto& [sum, series] : members) {
    std::vector<std::size_t> rows;
    std::int32_t lacks = -1;
    for (const std::int32_t s : series) {
      if (row_of[at(s)] >= 0) {
        rows.push_back(at(row_of[at(s)]));
      } else if (lacks < 0) {
        lacks = s;
      }
    }
    if (lacks < 0) {
      add_sum_of(rows, catalog, sum, forecasts);
    } else {
      forecasts.left_out.push_back(
          {catalog.id(sum),
           lacking_text(std::ssize(series) - std::ssize(rows), catalog.id(lacks))});
    }
  }
}

bool looks_back(const Catalog& catalog, const Config& config) {
  if (catalog.hierarchy().levels.empty()) return false;
  const Reconciliation method = parse_reconciliation(config.forecast.reconcile);
  return method == Reconciliation::wls_var || method == Reconciliation::mint_shrink;
}

void make_coherent(Forecaster& forecaster, const Catalog& catalog, const Config& config,
                   std::span<const std::int64_t> cutoff, bool new_items, bool keep_beside,
                   Forecasts& forecasts) {
  if (catalog.hierarchy().levels.empty()) return;
  check_reconciliation(catalog, config, forecasts.K);
  const Reconciliation method = parse_reconciliation(config.forecast.reconcile);
  std::vector<double> variance;
  std::vector<ShrunkCovariance> covariance;
  if (method == Reconciliation::wls_var) {
    variance = past_variance(forecaster, catalog, cutoff, forecasts.K);
  } else if (method == Reconciliation::mint_shrink) {
    covariance = past_covariance(forecaster, catalog, cutoff, forecasts.K);
  }
  reconcile(catalog,
            {.method = method,
             .variance = variance,
             .covariance = covariance,
             .new_items = new_items,
             .keep_beside = keep_beside},
            forecasts);
}

}  // namespace sluice
