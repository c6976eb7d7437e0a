// Why a series has no forecast.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"

namespace sluice {

/// The reason why no forecast can be made from the window, or nothing: a target without any value
/// before its end.
std::string no_value_before(const Catalog& catalog, const Window& window);

/// Of the last T values before the end of a window, those that have no logarithm: log space takes
/// them for missing.
struct WithoutLogarithm {
  std::string text;  ///< "2 of the last 56 values of y are not above 0"; empty: there is none
  /// More than a tenth of the values: what is left does not stand for the series.
  bool many = false;
};
WithoutLogarithm without_logarithm(const Catalog& catalog, const SeriesScaling& scaling,
                                   const Window& window, int T);

/// Of its K steps ahead: columns and dates of known values that are not there; empty: there are
/// none. A column that has gaps before the origin may have them after it, where there is a row: at
/// most twice as many as K steps of its past ever had; all K of numbers only where all of some K
/// were missing.
std::string missing_future(const Catalog& catalog, const Window& window, int K);
/// Asks for what missing_future() will look at, and no_value_before() first of all.
void prefetch_looks(const Catalog& catalog, const Window& window, int K);

/// The columns that a file of known values needs, by the names of the user's file; without an id
/// where that has none: "unique_id, ds, promo".
std::string future_columns(const Catalog& catalog, const CatalogNotes& notes);

/// Series that a forecast of K steps after their ends would leave out, as their known values do not
/// reach so far.
struct WithoutAhead {
  std::int64_t count = 0, of = 0;  ///< of those that have a history and have not ended
  std::string first;               ///< "till: no promo for 2024-01-01 and 13 later steps"
};
WithoutAhead without_ahead(const Catalog& catalog, int K);

}  // namespace sluice
