#include "run/known_series.hpp"

namespace sluice {

std::unordered_map<std::string_view, std::int64_t> scaled_series(const Model& model) {
  std::unordered_map<std::string_view, std::int64_t> known;
  for (std::size_t s = 0; s < model.series_ids.size(); ++s) {
    // One that was trained along without a history has no scaling worth keeping.
    if (model.seen_until[s] > 0) {
      known.emplace(model.series_ids[s], static_cast<std::int64_t>(s));
    }
  }
  return known;
}

std::vector<std::int64_t> seen_steps(const Model& model, const Catalog& catalog) {
  const auto known = scaled_series(model);
  std::vector<std::int64_t> steps(static_cast<std::size_t>(catalog.series_count()), 0);
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto found = known.find(catalog.id(s));
    if (found == known.end()) continue;
    const auto trained = static_cast<std::size_t>(found->second);
    const std::int64_t begin = catalog.period(s, 0);
    const std::int64_t first = model.first.empty() ? begin : model.first[trained];
    steps[static_cast<std::size_t>(s)] = first + model.seen_until[trained] - begin;
  }
  return steps;
}

}  // namespace sluice
