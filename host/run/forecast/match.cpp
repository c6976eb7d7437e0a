#include "run/forecast/match.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "run/categories.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

void check_channels(const Model& model, const Catalog& catalog) {
  if (!(model.frequency == catalog.frequency())) {
    throw DataError(
        fmt::format("the model was trained on {} data and this is {}; give data.frequency, or "
                    "train a model for it",
                    to_string(model.frequency), to_string(catalog.frequency())));
  }
  std::vector<std::string> names;
  for (const Channel& channel : catalog.channels()) names.push_back(channel.name);
  // A single target may have another name in another file; covariates must be the same ones.
  const auto skip = static_cast<std::ptrdiff_t>(model.spec.M == 1 ? 1 : 0);
  const bool same =
      names.size() == model.channel_names.size() &&
      std::equal(names.begin() + skip, names.end(), model.channel_names.begin() + skip);
  if (!same) {
    throw DataError(
        fmt::format("the model was trained on the columns [{}] and this data has [{}]; name the "
                    "same ones in data.targets, data.past and data.future",
                    fmt::join(model.channel_names, ", "), fmt::join(names, ", ")));
  }
  const auto names_of = [](const auto& parts) {
    std::vector<std::string> out;
    for (const auto& part : parts) out.push_back(part.name);
    return out;
  };
  const auto reals = names_of(catalog.static_reals()),
             categories = names_of(catalog.static_categories());
  if (reals != model.static_names || categories != model.category_names) {
    throw DataError(
        fmt::format("the model was trained with the static columns [{}] [{}] and this data has "
                    "[{}] [{}]; name the same ones in data.static_reals and "
                    "data.static_categories",
                    fmt::join(model.static_names, ", "), fmt::join(model.category_names, ", "),
                    fmt::join(reals, ", "), fmt::join(categories, ", ")));
  }
  check_step_categories(model, catalog);
}

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
