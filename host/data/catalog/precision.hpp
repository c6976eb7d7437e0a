// Values whose steps a float of 24 bits does not hold: a meter at 1,600,000,000 that grows by 3.
// Such a series is kept relative to an offset of its own (CatalogParts::value_offset).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// Gives the numbers of target `m` once more, in double: put(place in the channel, number).
using ReadAgain =
    std::function<void(const std::function<void(std::int64_t place, double number)>& put)>;

/// Where a series of target `m` has lost its steps to rounding, replaces its values by their
/// distance from an offset and notes that in parts.value_offset. Reads the numbers again only if
/// there may be such a series: one pass over the floats finds that out.
void keep_steps(CatalogParts& parts, std::size_t m, const ReadAgain& read_again);

/// What to take off `exact` (NaN: missing) so that floats hold its steps; 0 where they do already.
/// Values keep their sign, with room of at least their range (a power of two, 1 at least) to zero,
/// so that the offset stays when a series grows a little.
double offset_for(std::span<const double> exact);

}  // namespace sluice
