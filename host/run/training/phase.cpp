#include "run/training/phase.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/ranks/ranks.hpp"
#include "run/engine_setup.hpp"
#include "run/training/across_ranks.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {

PlanSpec plan_spec(const Config& config, const ModelSpec& spec) {
  PlanSpec plan;
  plan.T = spec.T;
  plan.K = spec.head_steps();
  plan.stride = config.training.stride;
  plan.min_history = config.data.min_history;
  plan.carry_state = spec.carry_state;
  return plan;
}

Phase make_phase(const PhaseSetup& setup, std::span<const std::int64_t> end) {
  const Config& config = *setup.config;
  const Catalog& catalog = *setup.catalog;
  const ModelSpec& spec = *setup.spec;
  Phase phase;
  phase.plan = setup.plan;
  if (!phase.plan) {
    phase.plan = std::make_shared<const TrainingPlan>(catalog, end, plan_spec(config, spec));
  }
  phase.scaling =
      fit_scaling(catalog, target_scaling(config, spec), covariate_scaling(config), end);
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    // Too short to be trained on: its scaling says as little as that of a series never seen.
    if (is_trained_on(end[static_cast<std::size_t>(s)], config.data.min_history)) continue;
    for (auto at = static_cast<std::size_t>(s); at < phase.scaling.fitted.size();
         at += static_cast<std::size_t>(catalog.series_count())) {
      phase.scaling.fitted[at] = 0;
    }
  }
  if (setup.start != nullptr) {  // whose parameters these standardised inputs belong to
    phase.scaling.static_offset = setup.start->scaling.static_offset;
    phase.scaling.static_scale = setup.start->scaling.static_scale;
    phase.scaling.covariates = setup.start->scaling.covariates;
  } else if (encodes_covariates(config)) {
    phase.scaling.covariates = fit_covariates(catalog, spec.level_window, spec.K, end);
  }
  const std::vector<float> weights =
      series_weights(catalog, end, setup.season, config.training.series_weight.value_or(0));
  EngineSetup engine;
  engine.catalog = &catalog;
  engine.spec = &spec;
  engine.scaling = &phase.scaling;
  engine.series_weight = weights;
  set_codes(*setup.vocabularies, catalog, engine);
  engine.batch = std::max(config.training.batch_size, config.engine.forecast_batch);
  engine.usual_batch = config.training.batch_size;
  engine.seed = static_cast<std::uint64_t>(config.training.seed);
  engine.draws_pasts = config.training.sampled_pasts > 0;
  set_engine(config.engine, engine);
  if (setup.start != nullptr) {
    engine.level_mean = setup.start->level_mean;
    engine.level_spread = setup.start->level_spread;
  }
  const bool shared = ranks().size() > 1;
  if (shared) engine.ranks = &ranks();
  phase.engine = make_engine(config.engine.device, engine);
  if (shared) phase.engine = across_ranks(std::move(phase.engine), spec, ranks());
  phase.engine->set_target_limit(end);
  phase.unknown = UnknownWords(spec, setup.vocabularies->series, setup.vocabularies->steps, catalog,
                               end, config.data.min_history);
  return phase;
}

void keep_scaling(const SeriesScaling& fitted, const Catalog& catalog, Model& model) {
  model.scaling = fitted;
  model.scaling.reference.clear();
  for (int m = 0; m < catalog.count(Role::target); ++m) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      const double move = catalog.value_offset(m, s) - fitted.reference_of(m, s);
      float& offset = model.scaling.offset[static_cast<std::size_t>(m * fitted.series + s)];
      if (move != 0) offset = static_cast<float>(static_cast<double>(offset) + move);
    }
  }
  if (std::ranges::any_of(fitted.reference, [](double r) { return r != 0; })) {
    model.value_offset = fitted.reference;
  }
}

}  // namespace sluice
