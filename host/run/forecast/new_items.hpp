// Series without any value, forecast as one of the series that are like them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/run/checkpoint.hpp"

namespace sluice {

/// New items as a catalogue of their own, with a history that was made up: at each step the mean of
/// the similar series. Inputs of the past are their means too; those of the horizon are the item's.
///
/// Similar are the series that share the most telling static categories with the item: a category
/// shared by a part p of all series counts log(1/p), and the series with the largest sum are taken.
/// Without a category in common (or without categories) that is all series.
struct NewItems {
  std::optional<Catalog> catalog;    ///< none: there is no item that could be forecast
  SeriesScaling scaling;             ///< of its series
  std::vector<std::int64_t> series;  ///< [items] index into the catalogue they come from
  std::vector<std::int64_t> cutoff;  ///< [items] first forecast step, in `catalog`
  std::vector<std::int64_t> origin;  ///< [items] the same step of the series they come from
  std::vector<LeftOut> left_out;     ///< items that cannot be forecast
};

/// The series with history 0 of `catalog`. They are forecast from `start` on (a period); `cutoff`
/// [S] has the forecasts of the others: a series without one (-1) is nobody's model.
NewItems make_new_items(const Model& model, const Catalog& catalog,
                        std::span<const std::int64_t> cutoff, std::int64_t start);

}  // namespace sluice
