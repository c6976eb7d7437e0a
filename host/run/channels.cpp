#include "run/channels.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "run/categories.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

void check_channels(const Model& model, const Catalog& catalog) {
  if (!(model.frequency == catalog.frequency())) {
    throw DataError(
        fmt::format("the model was trained on {} data and this is {}; give data.frequency, or "
                    "train a model for it",
                    to_string(model.frequency), to_string(catalog.frequency())));
  }
  std::vector<std::string> names;
  for (const ChannelView& channel : catalog.channels()) names.push_back(channel.name);
  // A single target may have another name in another file; covariates must be the same ones.
  const auto skip = static_cast<std::ptrdiff_t>(model.spec.M == 1 ? 1 : 0);
  const bool same =
      names.size() == model.channel_names.size() &&
      std::equal(names.begin() + skip, names.end(), model.channel_names.begin() + skip);
  if (!same) {
    throw DataError(
        fmt::format("the model was trained on the columns [{}] and this data has [{}]; name the "
                    "same ones in data.targets, data.past, data.future and data.left_out",
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

void refuse_unseen_inputs(const Catalog& catalog, std::span<const std::int64_t> end) {
  for (const ChannelView& channel : catalog.channels()) {
    if (channel.role == Role::target) continue;
    bool seen = false;
    for (std::int64_t s = 0; s < catalog.series_count() && !seen; ++s) {
      const auto begin = channel.values.begin() + catalog.offset(s);
      const std::int64_t steps = std::max<std::int64_t>(0, end[static_cast<std::size_t>(s)]);
      seen = std::any_of(begin, begin + steps, [](float value) { return !std::isnan(value); });
    }
    if (seen) continue;
    const bool ahead = channel.role == Role::future;
    throw DataError(fmt::format(
        "'{}' ({}) has no value in the history that is trained on, so that nothing can be learnt "
        "of it; {}leave the column out",
        channel.name, ahead ? "data.future" : "data.past",
        ahead ? "give its values from before the horizon too, in the data or in path.future "
                "(which may reach back), or "
              : ""));
  }
}

}  // namespace sluice
