#include "run/known_series.hpp"

namespace sluice {

std::optional<std::int64_t> ScaledSeries::find(const std::string& id, std::int64_t place) {
  // One that was trained along without a history has no scaling worth keeping.
  const auto is_scaled = [&](std::size_t s) { return model_.seen_until[s] > 0; };
  const auto here = static_cast<std::size_t>(place);
  if (here < model_.series_ids.size() && model_.series_ids[here] == id) {
    return is_scaled(here) ? std::optional(place) : std::nullopt;
  }
  if (!places_) {
    places_.emplace();
    for (std::size_t s = 0; s < model_.series_ids.size(); ++s) {
      if (is_scaled(s)) places_->emplace(model_.series_ids[s], static_cast<std::int64_t>(s));
    }
  }
  const auto found = places_->find(id);
  return found == places_->end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::int64_t> seen_steps(const Model& model, const Catalog& catalog) {
  ScaledSeries known(model);
  std::vector<std::int64_t> steps(static_cast<std::size_t>(catalog.series_count()), 0);
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto found = known.find(catalog.id(s), s);
    if (!found) continue;
    const auto trained = static_cast<std::size_t>(*found);
    const std::int64_t begin = catalog.period(s, 0);
    const std::int64_t first = model.first.empty() ? begin : model.first[trained];
    steps[static_cast<std::size_t>(s)] = first + model.seen_until[trained] - begin;
  }
  return steps;
}

}  // namespace sluice
