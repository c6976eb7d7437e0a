// A small network over small catalogues, on the engine that tests/contract is compiled for.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "support/engine_under_test.hpp"

namespace sluice::testing {

class EngineContract : public ::testing::Test {
 protected:
  void SetUp() override { static_cast<void>(testing::skip_without_engine()); }
};

/// An engine over `catalog` with parameters from seed 3. `earliest_origin`: as EngineSetup has it.
inline std::unique_ptr<Engine> engine_for(const Catalog& catalog, const ModelSpec& spec,
                                          const SeriesScaling& scaling, int threads = 0,
                                          const std::vector<std::int64_t>& earliest_origin = {}) {
  EngineSetup setup;
  setup.catalog = &catalog;
  setup.spec = &spec;
  setup.scaling = &scaling;
  setup.batch = 4;
  setup.threads = threads;
  setup.earliest_origin = earliest_origin;
  auto engine = make_engine_under_test(setup);
  EngineState state;
  state.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
  init_params(spec, 3, state.params);
  engine->set_state(state);
  engine->set_evaluation_params(state.params);
  return engine;
}

inline ModelSpec small_spec() {
  ModelSpec s;
  s.T = 14, s.H = 6, s.K = 3, s.space = Space::linear, s.level = Level::mean, s.level_window = 7;
  s.base = Base::seasonal, s.base_season = 7, s.lags = {7}, s.context = 7, s.seasonal_context = 7;
  s.forking = true, s.warmup = 4, s.head_hidden = 5, s.head_starts_at_zero = false;
  return s;
}

}  // namespace sluice::testing
