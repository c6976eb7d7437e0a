// Forecasts of a hierarchy made to add up: which series and sums take part, with which weights, and
// what becomes of intervals.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "run/reconcile/covariance.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {

enum class Reconciliation { none, bottom_up, wls_struct, wls_var, mint_shrink };

/// Of the words of forecast.reconcile.
Reconciliation parse_reconciliation(std::string_view word);

struct ReconcileOptions {
  Reconciliation method = Reconciliation::wls_struct;
  /// wls_var: mean squared errors [M * S], target after target; NaN where none is known.
  std::span<const double> variance = {};
  /// mint_shrink: of the errors, [M].
  std::span<const ShrunkCovariance> covariance = {};
  /// Whether a series without history has, or should have, a forecast (forecast.new_items).
  bool new_items = false;
  bool keep_beside = false;  ///< fills Forecasts::beside
};

/// Of Forecasts::beside: what the method's points are compared with.
std::vector<std::string> names_beside(Reconciliation method);

/// Why a sum has no forecast: `count` of its series have none, the first of them `id`.
std::string lacking_text(std::int64_t count, const std::string& id);

/// Makes the points of a catalogue's series and their sums add up, for each target and step:
/// Forecasts::coherent. Those of series have the digits of a float, so that a file, as text too,
/// adds up to a double's rounding (1e-12 of the sum). Quantiles move with their point; those that
/// are 0 stay 0 where nothing may be below it, and none falls below it.
///
/// A series that ended long ago, that begins only later, or that forecast.new_items leaves out
/// counts as 0. Where any other one has no forecast for the same steps, its sums are taken out of
/// the rows, with that reason in left_out: never the sum of a part. A sum without a base forecast
/// stays left out and has no say.
void reconcile(const Catalog& catalog, const ReconcileOptions& how, Forecasts& forecasts);

}  // namespace sluice
