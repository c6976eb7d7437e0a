// Simple methods that have a part in a model's forecast: what they forecast, and the mean with the
// network's.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "run/calibration/outputs.hpp"
#include "run/calibration/simple_rows.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

inline constexpr const char* kSeasonalNaive = "seasonal_naive";

/// Values before an origin that a partner is fitted to: twelve seasons, 300 at least and 1,000 at
/// most. What is older moves an exponential smoothing no more, and takes its time.
int partner_history(int season);

/// Methods by the names of training.partners, without auto and none.
class PartnerMethods {
 public:
  PartnerMethods(std::span<const std::string> names, int season, int K,
                 Workers workers = Workers::this_process);

  std::size_t count() const { return names_.size(); }
  std::string title(std::size_t method) const;
  /// [windows, M, count(), K] in the units of y (with Catalog::value_offset). NaN of a method that
  /// has no number there, and of a series with fewer than five values before the origin or none
  /// among the partner_history() ones. Blocks.
  std::vector<double> forecast(const Catalog& catalog, std::span<const Window> windows);

 private:
  std::vector<std::string> names_;
  std::vector<std::size_t> fitted_;  ///< methods that `rows_` forecasts, in its order
  SimpleRows rows_;
  int season_, K_;
};

/// The convex mean of `partners` and `forecasts` [windows], whose median is output `median`: of the
/// means where there are any, of the medians otherwise. All quantiles of a step move alike; those
/// of a distribution of numbers from 0 on by the ratio of the means, as if a partner had the same
/// distribution in another size: where both say 0 it stays 0. Nothing without partners. Blocks.
void add_partners(std::span<const Partner> partners, const ModelSpec& spec, int season,
                  const Catalog& catalog, std::span<const Window> windows, std::size_t median,
                  WindowForecasts& forecasts, Workers workers = Workers::this_process);
/// The same with what the partners forecast: `points` [windows, M, partners, K], as of
/// PartnerMethods::forecast.
void add_partner_points(std::span<const Partner> partners, const ModelSpec& spec,
                        const Catalog& catalog, std::span<const Window> windows,
                        std::span<const double> points, std::size_t median,
                        WindowForecasts& forecasts);

}  // namespace sluice
