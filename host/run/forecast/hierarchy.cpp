#include "run/forecast/hierarchy.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "run/reconcile/reconcile.hpp"

namespace sluice {
namespace {

constexpr int kPastOrigins = 4;

/// Mean squared errors [M * S], target after target; NaN where nothing was forecast that came.
std::vector<double> past_errors(Forecaster& forecaster, const Catalog& catalog,
                                std::span<const std::int64_t> cutoff, int K) {
  const auto S = static_cast<std::size_t>(catalog.series_count());
  const auto M = static_cast<std::size_t>(catalog.count(Role::target));
  std::vector<double> sum(M * S, 0), count(M * S, 0);
  for (int back = 1; back <= kPastOrigins; ++back) {
    std::vector<std::int64_t> origin;
    bool any = false;
    for (const std::int64_t at : cutoff) {
      origin.push_back(at >= 1 && at - back * K >= 1 ? at - back * K : -1);
      any = any || origin.back() >= 1;
    }
    if (!any) break;
    const Forecasts past = forecaster.points_at(origin);
    for (std::size_t r = 0; r < past.series.size(); ++r) {
      const std::int64_t s = past.series[r];
      for (std::size_t m = 0; m < M; ++m) {
        const auto values = catalog.values(static_cast<int>(m), s);
        const double offset = catalog.value_offset(static_cast<int>(m), s);
        for (std::size_t k = 0; k < static_cast<std::size_t>(K); ++k) {
          const float value = values[static_cast<std::size_t>(past.cutoff[r]) + k];
          if (std::isnan(value)) continue;
          const double error = past.point(r, k, m) - (static_cast<double>(value) + offset);
          sum[m * S + static_cast<std::size_t>(s)] += error * error;
          ++count[m * S + static_cast<std::size_t>(s)];
        }
      }
    }
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    sum[i] = count[i] > 0 ? sum[i] / count[i] : std::numeric_limits<double>::quiet_NaN();
  }
  return sum;
}

}  // namespace

void make_coherent(Forecaster& forecaster, const Catalog& catalog, const Config& config,
                   std::span<const std::int64_t> cutoff, bool new_items, bool keep_beside,
                   Forecasts& forecasts) {
  if (catalog.hierarchy().levels.empty()) return;
  const Reconciliation method = parse_reconciliation(config.forecast.reconcile);
  std::vector<double> variance;
  if (method == Reconciliation::wls_var) {
    variance = past_errors(forecaster, catalog, cutoff, forecasts.K);
  }
  reconcile(
      catalog,
      {.method = method, .variance = variance, .new_items = new_items, .keep_beside = keep_beside},
      forecasts);
}

std::vector<std::string> names_beside(const Catalog& catalog, const Config& config) {
  if (catalog.hierarchy().levels.empty()) return {};
  return names_beside(parse_reconciliation(config.forecast.reconcile));
}

}  // namespace sluice
