// Series that have only ever had one value, which is their forecast.
#pragma once

#include <span>

#include "run/calibration/outputs.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

/// Sets the forecasts of a target that has had one and the same value since the series' start, at
/// least as often as the model sees steps (spec.T), to that value, at every level: nothing in it
/// says more, and what a network makes of it differs from it by rounding and by what it learned of
/// others. values [windows, K, M, J] of `made`, means likewise.
void keep_constants(const ModelSpec& spec, const Catalog& catalog, std::span<const Window> windows,
                    std::size_t J, WindowForecasts& made);

}  // namespace sluice
