#include "run/forecast/match.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

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

/// What a model has learnt of a channel of one series, beside the values as this catalogue stores
/// them.
struct Learnt {
  float offset, scale;
  double reference;  ///< of a target
};

/// Of channel `c` of series `s`, which the model knows as its `trained`; `end`: of what was seen.
/// Empty: it has nothing that holds.
std::optional<Learnt> learnt(const Model& model, const Catalog& catalog, int c, std::int64_t s,
                             std::int64_t trained, std::int64_t end) {
  if (!model.scaling.is_fitted(c, trained)) return {};
  Learnt out{model.scaling.offset_of(c, trained), model.scaling.scale_of(c, trained), 0};
  if (c >= model.spec.M) return out;
  // Stored values lie beside an offset of this file's own.
  out.reference = reference_of(model, c, trained);
  const double move = out.reference - catalog.value_offset(c, s),
               shift = static_cast<double>(out.offset) + move;
  if ((move != 0 || out.reference != 0) &&
      !still_holds(catalog, c, s, end, model.spec.T, out.reference, shift,
                   static_cast<double>(out.scale))) {
    return {};
  }
  if (move != 0) out.offset = static_cast<float>(shift);
  return out;
}

}  // namespace

SeriesScaling match_scaling(const Model& model, const Catalog& catalog,
                            std::span<const std::int64_t> end) {
  ScaledSeries known(model);
  const auto channels = static_cast<int>(catalog.channels().size());
  constexpr std::int64_t kUnknown = -1;
  std::vector<std::int64_t> trained, until, fitted_until;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t given = end.empty() ? 0 : end[static_cast<std::size_t>(s)];
    until.push_back(given >= 1 ? given : catalog.history(s));
    trained.push_back(known.find(catalog.id(s), s).value_or(kUnknown));
    bool all = trained.back() != kUnknown;
    for (int c = 0; c < channels && all; ++c) {
      all = learnt(model, catalog, c, s, trained.back(), until.back()).has_value();
    }
    fitted_until.push_back(all ? 0 : until.back());  // of most series there is nothing to fit
  }
  SeriesScaling scaling = fit_scaling(catalog, target_scaling(model.config, model.spec),
                                      covariate_scaling(model.config), fitted_until);
  scaling.static_offset = model.scaling.static_offset;
  scaling.static_scale = model.scaling.static_scale;
  scaling.covariates = model.scaling.covariates;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto si = static_cast<std::size_t>(s);
    for (int c = 0; c < channels && trained[si] != kUnknown; ++c) {
      const auto of_model = learnt(model, catalog, c, s, trained[si], until[si]);
      if (!of_model) continue;
      const auto at = static_cast<std::size_t>(c * scaling.series + s);
      scaling.offset[at] = of_model->offset;
      scaling.scale[at] = of_model->scale;
      if (c < model.spec.M) scaling.reference[at] = of_model->reference;
    }
  }
  return scaling;
}

bool scaling_follows_end(const Model& model, const Catalog& catalog) {
  ScaledSeries known(model);
  const auto channels = static_cast<int>(catalog.channels().size());
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (catalog.history(s) == 0) continue;
    const auto found = known.find(catalog.id(s), s);
    if (!found) return true;
    for (int c = 0; c < channels; ++c) {
      if (!model.scaling.is_fitted(c, *found)) return true;
      if (c < model.spec.M &&
          (catalog.value_offset(c, s) != 0 || reference_of(model, c, *found) != 0)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace sluice
