// Rows that are written on days of a sale only, where a day without one is no day that is unknown.
#pragma once

#include "data/catalog/bits.hpp"
#include "sluice/data/catalog.hpp"

namespace sluice {

/// Says in `notes` which series seem to be so, and what to set, where data.gaps = "missing" takes
/// the other steps for unknown: a forecast is then of what a step with a sale sells. They have
/// values and rows at less than half of their steps, most values alone, at irregular distances; and
/// no value of a target, of all series, is anything but a count above 0. A row with an empty cell
/// is none that data.gaps could fill.
///   has_row  for each step of the channels whether the data have a row there
///   notes    gap_steps is counted already
void remark_sale_days(const CatalogParts& parts, const Bits& has_row, const CatalogSpec& spec,
                      CatalogNotes& notes);

}  // namespace sluice
