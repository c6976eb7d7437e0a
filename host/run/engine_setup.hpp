// From [engine] of the settings, and a model, to what the engine is set up with.
#pragma once

#include <algorithm>
#include <cstdint>

#include "data/table/memory.hpp"
#include "run/categories.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

inline void set_engine(const Config::Engine& engine, EngineSetup& setup) {
  constexpr double kMiB = 1024.0 * 1024.0;
  setup.recurrence = engine.recurrence;
  setup.precision = engine.precision;
  setup.threads = engine.threads;
  setup.memory_limit =
      engine.memory_limit > 0
          ? std::max<std::int64_t>(1, static_cast<std::int64_t>(engine.memory_limit * kMiB))
          : memory::allowed_bytes() / 2;
  setup.device_memory_limit = static_cast<std::int64_t>(engine.device_memory_limit * kMiB);
}

/// For forecasts of `catalog` by a model that is trained. All but `from` must live as long as the
/// engine.
inline EngineSetup engine_setup_of(const Model& model, const Catalog& catalog,
                                   const SeriesScaling& scaling, const Config::Engine& from) {
  EngineSetup setup;
  setup.catalog = &catalog;
  setup.spec = &model.spec;
  setup.scaling = &scaling;
  setup.codes = series_codes(model.vocabularies, catalog);
  setup.word_codes = word_codes(model.step_vocabularies, catalog);
  setup.batch = from.forecast_batch;
  set_engine(from, setup);
  setup.level_mean = model.level_mean;
  setup.level_spread = model.level_spread;
  return setup;
}

}  // namespace sluice
