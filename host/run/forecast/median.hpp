// Medians beside points that are means.
#pragma once

#include "sluice/run/forecast.hpp"

namespace sluice {

/// Adds them to Forecasts::beside, by kMedianName (report.hpp).
void keep_median(Forecasts& forecasts);

}  // namespace sluice
