// Whether one candidate is better than another beyond chance, by the errors of the same forecasts.
#pragma once

#include <span>
#include <vector>

#include "sluice/data/window.hpp"

namespace sluice {

/// Forecasts that are not taken for independent, [windows]: those of one series, or, where there
/// are fewer series than stretches of K steps, those of one stretch over all series. Numbers from 0
/// on.
std::vector<int> dependent_groups(std::span<const Window> windows, int K);

/// Errors of two candidates, [windows, M], NaN where there is none, and group_of[windows].
struct PairedErrors {
  std::span<const double> before, after;
  std::span<const int> group_of;
};

/// before - after: the mean over the groups' means, and its standard error.
struct Gain {
  double mean = 0;
  double standard_error = 0;  ///< infinite with fewer than three groups, which tell nothing
};
Gain gain_of(const PairedErrors& errors);

}  // namespace sluice
