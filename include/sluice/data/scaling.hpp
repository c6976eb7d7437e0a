// Statistics of a series that are fitted on its training range and nowhere else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/covariates.hpp"

namespace sluice {

/// scaled = (y - offset) / scale; y = scaled * scale + offset.
///   standard  mean and standard deviation (population)
///   robust    median and interquartile range / 1.349
///   mean      0 and mean of |y|
///   none      0 and 1
enum class Scaling { none, standard, robust, mean };

Scaling parse_scaling(std::string_view text);  ///< throws ConfigError

/// One affine map a channel and series. A spread of zero (a constant series) becomes a scale of 1
/// (or of |y| for `mean`), so that the inverse is exact everywhere.
struct SeriesScaling {
  std::int64_t series = 0;
  std::vector<float> offset, scale;                ///< [channels, S]
  std::vector<float> static_offset, static_scale;  ///< [static reals]: standardised over the series
  /// [targets, S], in the units of the file: what the sizes of large values were counted from,
  /// which is part of `offset`: y - Catalog::value_offset - offset = (y - reference) - the offset
  /// of those. It depends on the values fitted on alone, as Catalog::value_offset does on all.
  /// Empty: all 0.
  std::vector<double> reference;
  /// [channels, S], 0: no value to fit on, so that the map is the identity. Empty: all 1.
  std::vector<char> fitted;
  /// [channels - targets]: maps that hold for all series, in the place of `offset` and `scale`
  /// where their encoding is not `standard`. Empty: all are.
  std::vector<CovariateMap> covariates;

  double reference_of(int target, std::int64_t s) const {
    return reference.empty() ? 0 : reference[static_cast<std::size_t>(target * series + s)];
  }
  bool is_fitted(int channel, std::int64_t s) const {
    return fitted.empty() || fitted[static_cast<std::size_t>(channel * series + s)] != 0;
  }
  float offset_of(int channel, std::int64_t s) const {
    return offset[static_cast<std::size_t>(channel * series + s)];
  }
  float scale_of(int channel, std::int64_t s) const {
    return scale[static_cast<std::size_t>(channel * series + s)];
  }
};

/// Fits on [0, end[s]) of every series: target channels by `targets`, the others by `covariates`.
/// The map of a value of the file, y = stored value + Catalog::value_offset, depends on these steps
/// alone: where the catalogue has an offset, sizes are counted from the one that they need. A
/// series without any target value: its inputs on all that is known of them, and its static numbers
/// do not count.
SeriesScaling fit_scaling(const Catalog& catalog, Scaling targets, Scaling covariates,
                          std::span<const std::int64_t> end);

/// Mean of |y_t - y_{t-season}| over [season, end), skipping missing values, in the units of y: the
/// scale of MASE (Hyndman and Koehler 2006). NaN if there is no pair.
double seasonal_naive_error(std::span<const float> values, std::int64_t end, int season);

/// Weight of each series in the loss: (mean |y| / seasonal naive error)^power on the training
/// range, over the median of all series, at most 5. power 0: all 1. Uses the first target.
std::vector<float> series_weights(const Catalog& catalog, std::span<const std::int64_t> end,
                                  int season, double power);

}  // namespace sluice
