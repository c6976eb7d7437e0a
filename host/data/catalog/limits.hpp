// What a few wrong times could make of a small file, refused before memory is taken.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/catalog/build.hpp"

namespace sluice {

/// Values that a catalogue made of `rows` rows may have: data.max_steps, or by their number.
std::int64_t most_values(const CatalogSpec& spec, std::int64_t rows, std::int64_t channels);

/// A row's time that lies far off all others: what a spreadsheet's zero (1899-12-30), an empty
/// database date (0001-01-01, 9999-12-31) or a typing error looks like.
struct Stray {
  std::int64_t period = 0;     ///< of the stray row
  std::int64_t neighbour = 0;  ///< the nearest period of the others
};

/// The stray period at either end of `distinct` (ascending), if there is one beyond doubt: at most
/// 1 % of the periods (or three) lie beyond a hole that is longer than a year and than 100 steps,
/// and ten times any other hole. Needs a dozen periods to judge by, and dates.
std::optional<Stray> stray_period(std::span<const std::int64_t> distinct,
                                  const Frequency& frequency);

}  // namespace sluice
