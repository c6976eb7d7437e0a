#include "run/forecast/match.hpp"

#include <algorithm>
#include <cmath>

#include "run/known_series.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

double reference_of(const Model& model, int m, std::int64_t s) {
  return model.value_offset.empty()
             ? 0
             : model.value_offset[static_cast<std::size_t>(m * model.scaling.series + s)];
}

/// Whether a scaling whose offset is `shift` beside the stored values of target `m` can still be
/// that of the series: a float holds the shift to half a scale, and the last `steps` values before
/// `end` do not all lie beyond the training's `reference`, as those of a meter do that was changed
/// for a new one.
bool still_holds(const Catalog& catalog, int m, std::int64_t s, std::int64_t end, int steps,
                 double reference, double shift, double scale) {
  constexpr double kHalfUnit = 0x1p-24;  // of a float, relative to the number, at most
  if (std::abs(shift) * kHalfUnit > 0.5 * scale) return false;
  if (reference == 0) return true;
  const auto values = catalog.values(m, s);
  const double stored = catalog.value_offset(m, s);
  bool any = false;
  for (std::int64_t t = std::max<std::int64_t>(0, end - steps); t < end; ++t) {
    const double y = static_cast<double>(values[static_cast<std::size_t>(t)]) + stored;
    if (std::isnan(y)) continue;
    if (reference > 0 ? y > reference : y < reference) return true;
    any = true;
  }
  return !any;
}

}  // namespace

SeriesScaling match_scaling(const Model& model, const Catalog& catalog,
                            std::span<const std::int64_t> end) {
  std::vector<std::int64_t> until;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t given = end.empty() ? 0 : end[static_cast<std::size_t>(s)];
    until.push_back(given >= 1 ? given : catalog.history(s));
  }
  SeriesScaling scaling = fit_scaling(catalog, target_scaling(model.config, model.spec),
                                      covariate_scaling(model.config), until);
  scaling.static_offset = model.scaling.static_offset;
  scaling.static_scale = model.scaling.static_scale;
  scaling.covariates = model.scaling.covariates;
  const auto known = scaled_series(model);
  const auto channels = static_cast<int>(catalog.channels().size());
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto found = known.find(catalog.id(s));
    if (found == known.end()) continue;
    for (int c = 0; c < channels; ++c) {
      if (!model.scaling.is_fitted(c, found->second)) continue;
      const auto at = static_cast<std::size_t>(c * scaling.series + s);
      float offset = model.scaling.offset_of(c, found->second);
      const float scale = model.scaling.scale_of(c, found->second);
      if (c < model.spec.M) {
        // Stored values lie beside an offset of this file's own.
        const double reference = reference_of(model, c, found->second),
                     move = reference - catalog.value_offset(c, s),
                     shift = static_cast<double>(offset) + move;
        if ((move != 0 || reference != 0) &&
            !still_holds(catalog, c, s, until[static_cast<std::size_t>(s)], model.spec.T, reference,
                         shift, static_cast<double>(scale))) {
          continue;
        }
        if (move != 0) offset = static_cast<float>(shift);
        scaling.reference[at] = reference;
      }
      scaling.offset[at] = offset;
      scaling.scale[at] = scale;
    }
  }
  return scaling;
}

bool scaling_follows_end(const Model& model, const Catalog& catalog) {
  const auto known = scaled_series(model);
  const auto channels = static_cast<int>(catalog.channels().size());
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (catalog.history(s) == 0) continue;
    const auto found = known.find(catalog.id(s));
    if (found == known.end()) return true;
    for (int c = 0; c < channels; ++c) {
      if (!model.scaling.is_fitted(c, found->second)) return true;
      if (c < model.spec.M &&
          (catalog.value_offset(c, s) != 0 || reference_of(model, c, found->second) != 0)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace sluice
