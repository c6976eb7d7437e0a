// What the values of a catalogue permit, where a setting leaves a choice to the data.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// Of the targets before `end`: what follows is unknown when a model is chosen. Texts are of the
/// first value that is so; empty: none is.
struct TargetFacts {
  bool any_missing = false;
  /// Whether half or more of the series that are not always 0 are intermittent: numbers above 0 come
  /// kIntermittent steps or more apart in the mean.
  bool are_rare = false;
  std::string not_positive, negative, not_whole;

  bool are_rare_counts() const { return are_rare && negative.empty() && not_whole.empty(); }
};
/// Average interval between demands from which they are called intermittent (Syntetos, Boylan and
/// Croston 2005, "On the categorization of demand patterns").
inline constexpr double kIntermittent = 1.32;

TargetFacts look_at_targets(const Catalog& catalog, std::span<const std::int64_t> end);

/// Whether the series, the median one, are trained on for two years: of one alone a model learns
/// that what came late in it was due to the season.
bool holds_years(const Catalog& catalog, std::span<const std::int64_t> end);

}  // namespace sluice
