#include "run/channels.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
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

}  // namespace sluice
