// Sums of series as further series of their catalogue: what data.groups asks for.
#pragma once

#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// What a static category, or a word of a step, is for a sum whose series differ in it.
inline constexpr const char* kSeveral = "(several)";

/// The catalogue with the sums that `groups` names behind its series. Nothing of the catalogue is
/// copied but one channel at a time, while it grows.
///   targets      the sum; missing where a series has begun and its value is missing. A series
///                counts as 0 before it begins and, where it ended long ago, afterwards
///   other inputs the mean of the series that have a value in the step
///   words        the word where all series that have one agree, else "(several)"
/// Levels that are the same sums as another one, or as the series, are left out and named in
/// notes.remarks, and so is missing data. Throws ConfigError and DataError: what, and the remedy.
Catalog with_sums(Catalog&& catalog, const std::vector<std::string>& groups, CatalogNotes& notes);

}  // namespace sluice
