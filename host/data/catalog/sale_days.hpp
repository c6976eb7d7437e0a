// Rows that are written on days of a sale only, where a day without one is no day that is unknown.
#pragma once

#include "sluice/data/catalog.hpp"

namespace sluice {

/// Says in `notes` which series seem to be so, and what to set, where data.gaps = "missing" takes
/// the other steps for unknown: a forecast is then of what a step with a sale sells. They have
/// values at less than half of their steps, most of them alone, at irregular distances; and no
/// value of a target, of all series, is anything but a count above 0.
void remark_sale_days(const Catalog& catalog, const CatalogSpec& spec, CatalogNotes& notes);

}  // namespace sluice
