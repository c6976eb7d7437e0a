#include "run/forecast/match.hpp"

#include <string_view>
#include <unordered_map>

#include "sluice/run/resolve.hpp"

namespace sluice {

SeriesScaling match_scaling(const Model& model, const Catalog& catalog,
                            std::span<const std::int64_t> end) {
  std::vector<std::int64_t> history;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) history.push_back(catalog.history(s));
  SeriesScaling scaling = fit_scaling(catalog, target_scaling(model.config, model.spec),
                                      parse_scaling(model.config.network.covariate_scaling),
                                      end.empty() ? std::span<const std::int64_t>(history) : end);
  scaling.static_offset = model.scaling.static_offset;
  scaling.static_scale = model.scaling.static_scale;
  std::unordered_map<std::string_view, std::int64_t> known;
  for (std::size_t s = 0; s < model.series_ids.size(); ++s) {
    // One that was trained along without a history has no scaling worth keeping.
    if (model.seen_until[s] > 0) {
      known.emplace(model.series_ids[s], static_cast<std::int64_t>(s));
    }
  }
  const auto offset_of = [&](int m, std::int64_t s) {
    return model.value_offset.empty()
               ? 0
               : model.value_offset[static_cast<std::size_t>(m * model.scaling.series + s)];
  };
  const auto channels = static_cast<int>(catalog.channels().size());
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto found = known.find(catalog.id(s));
    if (found == known.end()) continue;
    for (int c = 0; c < channels; ++c) {
      // The offset beside which values are stored is each file's own, and so are sizes beside it:
      // where the training's or these have one, their own history scales them.
      const bool beside_offset =
          c < model.spec.M && (catalog.value_offset(c, s) != 0 || offset_of(c, found->second) != 0);
      if (beside_offset) continue;
      const auto at = static_cast<std::size_t>(c * scaling.series + s);
      scaling.offset[at] = model.scaling.offset_of(c, found->second);
      scaling.scale[at] = model.scaling.scale_of(c, found->second);
    }
  }
  return scaling;
}

}  // namespace sluice
