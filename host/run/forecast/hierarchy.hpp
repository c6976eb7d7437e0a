// Reconciliation beside a Forecaster: the past errors by which sums and series are weighted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {

/// Throws ConfigError where forecast.reconcile is not made for so many series of K steps: before a
/// training, whose forecasts could not be made.
void check_reconciliation(const Catalog& catalog, const Config& config, int K);

/// Whether make_coherent asks the forecaster for forecasts before the cutoffs.
bool looks_back(const Catalog& catalog, const Config& config);

/// Makes the forecasts of `forecaster` from `cutoff` add up as forecast.reconcile says, if the
/// catalogue has sums; see reconcile. wls_var takes the mean squared errors of the forecaster's own
/// forecasts from the 4 origins before, a horizon apart: nothing after the cutoffs.
void make_coherent(Forecaster& forecaster, const Catalog& catalog, const Config& config,
                   std::span<const std::int64_t> cutoff, bool new_items, bool keep_beside,
                   Forecasts& forecasts);

/// Adds a row for each sum whose series are all new: it has no history to be forecast from, so its
/// point is the sum of theirs, as reconciled, and so are its mean, its paths and its quantiles,
/// which are as far apart as if all its series went together. Where one of them has no forecast,
/// the sum is in left_out.
void add_sums_of_new_items(const Catalog& catalog, Forecasts& forecasts);

}  // namespace sluice
