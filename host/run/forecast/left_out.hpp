// Why a series has no forecast.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"

namespace sluice {

/// The reason why no forecast can be made from the window, or nothing.
std::string no_value_before(const Catalog& catalog, const Window& window);
/// The same of its K steps ahead: columns and dates of known values that are not there. A column
/// that has gaps before the origin may have them after it, where there is a row.
std::string missing_future(const Catalog& catalog, const Window& window, int K);

}  // namespace sluice
