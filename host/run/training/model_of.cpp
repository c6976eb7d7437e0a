#include "run/training/model_of.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "run/known_series.hpp"

namespace sluice {

Model model_of(const ModelParts& parts, const Phase& phase) {
  const Catalog& catalog = parts.catalog;
  Model model;
  model.spec = parts.spec;
  model.config = parts.config;
  model.config.mode.resume = false;  // of this run: the model is that of one without a stop
  model.frequency = catalog.frequency();
  for (const ChannelView& channel : catalog.channels()) model.channel_names.push_back(channel.name);
  for (const StaticReal& real : catalog.static_reals()) model.static_names.push_back(real.name);
  model.series_ids = catalog.ids();
  keep_scaling(phase.scaling, catalog, model);
  const Engine::LevelStatistics level = phase.engine->level_statistics();
  model.level_mean = level.mean;
  model.level_spread = level.spread;
  name_words(parts.vocabularies, catalog, model);
  model.seen_until = parts.split.valid_end;
  if (parts.start != nullptr) {  // and what it went on from has seen
    const std::vector<std::int64_t> before = seen_steps(*parts.start, catalog);
    for (std::size_t s = 0; s < before.size(); ++s) {
      std::int64_t& until = model.seen_until[s];
      if (until > 0) until = std::max(until, before[s]);
    }
  }
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    model.first.push_back(catalog.period(s, 0));
  }
  model.recurrence = phase.engine->recurrence();
  return model;
}

}  // namespace sluice
