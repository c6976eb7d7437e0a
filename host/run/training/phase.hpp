// What one phase of a training, the choice or the final fit, works with.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "run/categories.hpp"
#include "run/training/vocabularies.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

struct Phase {  ///< an engine on the data before `end`
  std::unique_ptr<Engine> engine;
  std::shared_ptr<const TrainingPlan> plan;
  SeriesScaling scaling;
  UnknownWords unknown;
};

struct PhaseSetup {  ///< all outlive the phase
  const Config* config = nullptr;
  const Catalog* catalog = nullptr;
  const ModelSpec* spec = nullptr;
  const Vocabularies* vocabularies = nullptr;
  int season = 1;                ///< of the weights of series
  const Model* start = nullptr;  ///< whose parameters the training goes on from, or null
  /// By plan_spec(), on the same steps; null: the phase makes one.
  std::shared_ptr<const TrainingPlan> plan = nullptr;
};

/// The windows that such a model is trained on.
PlanSpec plan_spec(const Config& config, const ModelSpec& spec);

/// A phase on the steps of each series before end[s] ([S]).
Phase make_phase(const PhaseSetup& setup, std::span<const std::int64_t> end);

/// The scaling as a model keeps it: offsets of targets counted from value_offset and no longer from
/// the stored values, whose own offset is the file's.
void keep_scaling(const SeriesScaling& fitted, const Catalog& catalog, Model& model);

}  // namespace sluice
