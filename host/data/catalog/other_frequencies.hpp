// Series whose rows are further apart than the steps of their catalogue.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// Names in the notes the series of `places` by the frequency that their rows have.
void say_other_frequencies(const CatalogParts& parts,
                           const std::map<std::size_t, std::vector<std::int64_t>>& periods,
                           CatalogNotes& notes);

/// Series of at least four rows none of which follows another one by a single step.
/// `has_row(place)` says which steps of the laid grid have one.
template <typename HasRow>
void find_other_frequencies(const CatalogParts& parts, HasRow has_row, CatalogNotes& notes) {
  std::map<std::size_t, std::vector<std::int64_t>> found;
  for (std::size_t s = 0; s < parts.ids.size(); ++s) {
    std::vector<std::int64_t> periods;
    for (std::int64_t place = parts.offsets[s]; place < parts.offsets[s + 1]; ++place) {
      if (!has_row(place)) continue;
      const std::int64_t period = parts.first[s] + place - parts.offsets[s];
      if (!periods.empty() && period == periods.back() + 1) {
        periods.clear();
        break;
      }
      periods.push_back(period);
    }
    if (periods.size() >= 4) found.emplace(s, std::move(periods));
  }
  say_other_frequencies(parts, found, notes);
}

}  // namespace sluice
