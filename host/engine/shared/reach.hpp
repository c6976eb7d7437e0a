// How far back of its first step a window reads: what a copy of the catalogue must hold for it.
#pragma once

#include <cstdint>

#include "sluice/model/spec.hpp"

namespace sluice {

/// Of a window of spec.T steps, counted from its first one.
struct Reach {
  std::int64_t lookback = 0;  ///< steps before it that inputs and context read
  /// Steps before it that the base reads where nothing is missing; 0: it reads none.
  std::int64_t base_lookback = 0;
  /// Where a value is missing there it goes back so many steps, until it finds one.
  int base_season = 1;
};
Reach reach_of(const ModelSpec& network);

/// Steps that seasonal_step() goes back from the worst step of v [length], at most. A gap that
/// begins with v does not count: nothing is found before it.
std::int64_t longest_walk(const float* v, std::int64_t length, int season);

}  // namespace sluice
