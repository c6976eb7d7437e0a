// How a channel of numbers that is not a target becomes an input: by what its values are in the
// training part, one map for all series.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice {

/// What is done to a value x of a channel; 0 is always "nothing out of the ordinary", which is also
/// what a missing value becomes.
///   standard    by each series' own map (SeriesScaling), cut at +-10
///   binary      one of two values: 0 for the usual one, and +1 or -1 for the other
///   ratio       all above 0: log x, less the mean of the series' last logarithms
///   difference  x, less the mean of the series' last values
///   amount      from 0 on, and mostly 0: log(1 + x / offset), offset being a usual x above 0
/// The last three are divided by their size, the root of their mean square over all series.
enum class Encoding { standard, binary, ratio, difference, amount };

/// Whether values are counted from the series' own recent level.
constexpr bool has_level(Encoding e) { return e == Encoding::ratio || e == Encoding::difference; }

struct CovariateMap {
  Encoding encoding = Encoding::standard;
  float offset = 0, scale = 1;
  /// What the training part has of the encoded values; beyond it they are cut.
  float low = 0, high = 0;
  bool operator==(const CovariateMap&) const = default;

  /// The encoded value, before its level is taken off; NaN where there is none.
  float value(float x) const;
  /// value - level between low and high, 0 where it is missing.
  float input(float value, float level) const;
};

/// Chooses and fits the maps of all channels but the targets, in their order, on [0, end[s]) of
/// each series. `level_window` (steps) is that of covariate_levels(), and values are met up to
/// `ahead` steps after their level. Series without any history do not count.
std::vector<CovariateMap> fit_covariates(const Catalog& catalog, int level_window, int ahead,
                                         std::span<const std::int64_t> end);

/// level[t]: mean of `values` over the last `window` steps up to t that have one, else the level
/// before; NaN before the first value. As long as `values`; 0 without a level (has_level).
void covariate_levels(Encoding encoding, std::span<const float> values, int window,
                      std::span<float> level);

/// "price ratio, promotion binary", for people: a word for each channel but the targets.
std::string encodings_text(std::span<const std::string> names,
                           std::span<const CovariateMap> covariates);

}  // namespace sluice
