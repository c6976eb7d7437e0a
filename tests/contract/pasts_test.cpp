// Training on drawn pasts of every engine: the draws are sample paths (engine_paths_test.cpp),
// which are put into a catalogue, of which the model written apart in double says loss and
// gradients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <ostream>

#include "engine/shared/drawn_pasts.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "support/engine_under_test.hpp"
#include "support/reference_model.hpp"
#include "support/rich_catalog.hpp"
#include "support/small_engine.hpp"

namespace sluice {
namespace {

using testing::EngineContract;
using testing::known_parts;
using testing::make_engine_under_test;
using testing::ReferenceModel;

constexpr std::uint64_t kSeed = 9;
const std::vector<float> kWeights = {1, 2, 0.5f, 1, 1.5f, 1};

struct Case {
  const char* name;
  ModelSpec spec;
  bool missing;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> cases() {
  std::vector<Case> out;
  ModelSpec s = testing::recursive_spec(6);
  s.level_weight = 0.5f;
  s.level_window = 26;  // the farthest that anything looks back
  out.push_back({"gaussian_log_seasonal", s, false});
  s.missing_indicator = true, s.base = Base::trend, s.base_season = 3, s.level_weight = 0;
  out.push_back({"gaussian_log_trend_missing", s, true});
  s.space = Space::linear, s.level = Level::smoothing, s.base = Base::smoothing;
  out.push_back({"gaussian_linear_smoothing_missing", s, true});
  s = testing::recursive_spec(6);
  s.space = Space::asinh, s.base = Base::last, s.loss = Loss::student_t;
  out.push_back({"student_t_asinh_last", s, false});
  s.space = Space::linear, s.loss = Loss::negative_binomial;
  out.push_back({"negative_binomial", s, false});
  return out;
}

struct World {
  World(ModelSpec of, bool missing) : spec(std::move(of)), parts(known_parts(missing)) {
    spec.calendar = calendar_size(parts.axis.frequency);
    if (is_count(spec.loss)) {
      for (float& y : parts.channels[0].values) y = std::round(y);
    }
    catalog.emplace(CatalogParts(parts));
    for (std::int64_t s = 0; s < catalog->series_count(); ++s) {
      end.push_back(catalog->history(s) - 1);
    }
    scaling = fit_scaling(*catalog, Scaling::mean, Scaling::standard, end);
    state.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 3, state.params);
  }

  std::unique_ptr<Engine> engine(const ModelSpec& of, bool draws_pasts = true,
                                 int threads = 0) const {
    EngineSetup setup;
    setup.catalog = &*catalog;
    setup.spec = &of;
    setup.scaling = &scaling;
    setup.series_weight = kWeights;
    setup.batch = 8;
    setup.seed = kSeed;
    setup.threads = threads;
    setup.draws_pasts = draws_pasts;
    auto made = make_engine_under_test(setup);
    made->set_target_limit(end);
    made->set_state(state);
    made->set_evaluation_params(state.params);
    return made;
  }

  /// The catalogue in which the last values of window n of step 0 are drawn.
  Catalog with_past(const Window& window, std::int64_t n) const {
    const int drawn = spec.drawn_steps();
    CatalogParts changed = parts;
    if (!window.drawn || window.origin < drawn) return Catalog(std::move(changed));
    ModelSpec before = spec;
    before.T -= drawn, before.K = drawn;
    const std::vector<Window> windows = {
        {.origin = window.origin - drawn, .series = window.series}};
    const std::vector<std::uint64_t> streams = {past_stream(0, n, 1, 0)};
    std::vector<float> path(static_cast<std::size_t>(drawn));
    engine(before, false)
        ->sample(windows, {.first = kPastPath, .count = 1, .seed = kSeed, .streams = streams},
                 path);
    const auto series = static_cast<std::size_t>(window.series);
    std::ranges::copy(path, changed.channels[0].values.begin() + parts.offsets[series] +
                                window.origin - drawn + 1);
    return Catalog(std::move(changed));
  }

  ModelSpec spec;
  CatalogParts parts;
  std::optional<Catalog> catalog;
  std::vector<std::int64_t> end;
  SeriesScaling scaling;
  EngineState state;
};

/// One of them with true values, one whose series begins after its first drawn step.
std::vector<Window> windows_with_pasts() {
  std::vector<Window> windows = testing::some_windows();
  for (Window& w : windows) w.drawn = true;
  windows[4].drawn = false;
  return windows;
}

StepSettings standing_still() {
  StepSettings settings;
  settings.adamw.learning_rate = 0;
  return settings;
}

class EnginePasts : public EngineContract, public ::testing::WithParamInterface<Case> {};

TEST_P(EnginePasts, LossAndGradientsAreTheReferencesOfTheDrawnValues) {
  const World world(GetParam().spec, GetParam().missing);
  const std::vector<Window> windows = windows_with_pasts();
  const auto engine = world.engine(world.spec);
  engine->train_step(windows, standing_still());
  const LossReport report = engine->take_loss();

  std::vector<Catalog> catalogs;
  for (std::size_t n = 0; n < windows.size(); ++n) {
    catalogs.push_back(world.with_past(windows[n], static_cast<std::int64_t>(n)));
  }
  std::vector<ReferenceModel> references;
  for (const Catalog& catalog : catalogs) {
    references.emplace_back(catalog, world.spec.network(), world.scaling, kWeights);
    references.back().set_targets(*world.catalog);
  }
  const auto loss = [&](const std::vector<double>& params) {
    ReferenceModel::Result sum;
    for (std::size_t n = 0; n < windows.size(); ++n) {
      const auto one = references[n].loss({windows[n]}, world.end, params);
      sum.loss_sum += one.loss_sum, sum.targets += one.targets;
    }
    return sum;
  };
  std::vector<double> params(world.state.params.begin(), world.state.params.end());
  const auto expected = loss(params);
  ASSERT_EQ(report.targets, expected.targets);
  // As of true values (engine_contract_test.cpp), and what is drawn differs in its last bits.
  EXPECT_NEAR(report.loss, expected.mean(), 1e-4 * (1 + std::abs(expected.mean())));

  const EngineState after = engine->state();
  double largest = 0;
  for (const float m : after.m) largest = std::max(largest, std::abs(static_cast<double>(m) * 10));
  ASSERT_GT(largest, 1e-3);
  for (std::size_t i = 0; i < params.size(); ++i) {
    const double kept = params[i], step = 1e-5;
    params[i] = kept + step;
    const double up = loss(params).mean();
    params[i] = kept - step;
    const double down = loss(params).mean();
    params[i] = kept;
    const double slope = (up - down) / (2 * step);
    ASSERT_NEAR(static_cast<double>(after.m[i]) * 10, slope,
                2e-4 * largest + 2e-3 * std::abs(slope))
        << "parameter " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EnginePasts, ::testing::ValuesIn(cases()),
                         [](const auto& c) { return std::string(c.param.name); });

class EnginePastsAll : public EngineContract {};

TEST_F(EnginePastsAll, OfNoWindowAreAStepOnTrueValues) {
  const World world(testing::recursive_spec(6), true);
  std::vector<Window> windows = windows_with_pasts();
  for (Window& w : windows) w.drawn = w.origin < world.spec.drawn_steps();
  ASSERT_TRUE(std::ranges::any_of(windows, &Window::drawn));
  const auto drawn = world.engine(world.spec), plain = world.engine(world.spec);
  drawn->train_step(windows, StepSettings{});
  for (Window& w : windows) w.drawn = false;
  plain->train_step(windows, StepSettings{});
  EXPECT_EQ(drawn->state().params, plain->state().params);
}

// Each step draws anew, by its number alone: a training that goes on from a state goes on as it
// would have.
TEST_F(EnginePastsAll, GoOnFromAStateToTheSameBits) {
  const World world(testing::recursive_spec(6), false);
  const std::vector<Window> windows = windows_with_pasts();
  const auto whole = world.engine(world.spec), second = world.engine(world.spec);
  for (int i = 0; i < 3; ++i) whole->train_step(windows, StepSettings{});
  second->set_state(whole->state());
  for (int i = 0; i < 3; ++i) {
    whole->train_step(windows, StepSettings{});
    second->train_step(windows, StepSettings{});
  }
  EXPECT_EQ(whole->state().params, second->state().params);
  // Not those of another step: what is drawn matters.
  const auto other = world.engine(world.spec);
  EngineState later = world.state;
  later.step = 1;
  other->set_state(later);
  other->train_step(windows, standing_still());
  const auto first = world.engine(world.spec);
  first->train_step(windows, standing_still());
  EXPECT_GT(std::abs(other->take_loss().loss - first->take_loss().loss), 1e-4);
}

TEST_F(EnginePastsAll, AreTheSameOnAnyNumberOfThreads) {
  const World world(testing::recursive_spec(6), false);
  const std::vector<Window> windows = windows_with_pasts();
  const auto loss = [&](int threads) {
    const auto engine = world.engine(world.spec, true, threads);
    engine->train_step(windows, standing_still());
    return engine->take_loss().loss;
  };
  const double one = loss(1);
  for (const int threads : {2, 3}) EXPECT_NEAR(loss(threads), one, 1e-4 * (1 + std::abs(one)));
}

TEST_F(EnginePastsAll, SeeNoTargetAtOrAfterTheLimit) {
  const World world(testing::recursive_spec(6), false);
  World other = world;
  for (std::size_t s = 0; s + 1 < other.parts.offsets.size(); ++s) {
    for (std::int64_t i = other.parts.offsets[s] + other.end[s]; i < other.parts.offsets[s + 1];
         ++i) {
      other.parts.channels[0].values[static_cast<std::size_t>(i)] *= 3;
    }
  }
  other.catalog.emplace(CatalogParts(other.parts));
  std::vector<Window> windows = windows_with_pasts();
  std::erase_if(windows, [&](const Window& w) {
    return w.origin >= world.end[static_cast<std::size_t>(w.series)];
  });
  const auto a = world.engine(world.spec), b = other.engine(world.spec);
  for (Engine* engine : {a.get(), b.get()}) engine->train_step(windows, StepSettings{});
  EXPECT_EQ(a->state().params, b->state().params);
}

TEST_F(EnginePastsAll, ASeriesWhoseLossIsNotFiniteIsNamed) {
  World world(testing::recursive_spec(6), false);
  std::vector<Window> windows = {windows_with_pasts()[5], windows_with_pasts()[1]};
  const ParamBlock bias = ParamLayout(world.spec).block("linear.bias");
  world.state.params[static_cast<std::size_t>(bias.offset)] = std::nanf("");
  const auto engine = world.engine(world.spec);
  engine->train_step(windows, StepSettings{});
  EXPECT_EQ(engine->take_loss().bad_series, windows[0].series);
}

TEST_F(EnginePastsAll, AreRefusedByAnEngineThatWasNotToldOfThem) {
  const World world(testing::recursive_spec(6), false);
  const auto engine = world.engine(world.spec, false);
  EXPECT_THROW(engine->train_step(windows_with_pasts(), StepSettings{}), InternalError);
}

}  // namespace
}  // namespace sluice
