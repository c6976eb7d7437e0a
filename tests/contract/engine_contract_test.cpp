// What every engine promises, against a model written apart in double: loss, every gradient, and
// what must not be seen. Compiled once for each engine (support/engine_under_test.hpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "support/catalogs.hpp"
#include "support/engine_under_test.hpp"
#include "support/reference_model.hpp"
#include "support/rich_catalog.hpp"
#include "support/small_engine.hpp"

namespace sluice {
namespace {

using testing::engine_for;
using testing::EngineContract;
using testing::full_spec;
using ::testing::HasSubstr;
using testing::make_engine_under_test;
using testing::ReferenceModel;
using testing::rich_catalog;
using testing::small_spec;
using testing::some_windows;

struct Case {
  const char* name;
  ModelSpec spec;
  bool missing;
  bool encoded = false;  ///< inputs by what they hold, and one window without the future one
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> cases() {
  std::vector<Case> out;
  ModelSpec s = full_spec();
  s.level_weight = 1.5f;
  out.push_back({"full_log", s, false});
  s.space = Space::linear, s.level = Level::smoothing, s.base = Base::smoothing,
  s.missing_indicator = true;
  s.loss = Loss::huber, s.huber_delta = 0.2f;
  out.push_back({"linear_smoothing_missing", s, true});
  s.loss = Loss::quantile, s.quantiles = {0.1f, 0.5f, 0.9f}, s.base = Base::last,
  s.level = Level::mean, s.seasonal_context = 3;  // the context repeats it
  out.push_back({"quantile_last_missing", s, true});
  s = full_spec();
  s.base = Base::seasonal, s.missing_indicator = true, s.loss = Loss::quantile;
  s.quantiles = {0.25f, 0.5f, 0.75f};
  out.push_back({"log_seasonal_missing", s, true});
  s.quantiles = {}, s.loss = Loss::student_t, s.level_weight = 0.5f;
  out.push_back({"student_t_log_missing", s, true});
  s.loss = Loss::gaussian, s.space = Space::linear, s.base = Base::last, s.level_weight = 0;
  out.push_back({"gaussian", s, false});
  s.loss = Loss::negative_binomial;
  out.push_back({"negative_binomial_missing", s, true});
  s.loss = Loss::tweedie, s.tweedie_power = 1.4f, s.base = Base::none;
  out.push_back({"tweedie", s, false});
  s.loss = Loss::poisson, s.level = Level::none, s.level_input = s.level_change = false;
  out.push_back({"poisson_without_level", s, false});
  s = full_spec();
  s.space = Space::asinh, s.base = Base::last, s.missing_indicator = true;
  s.level_weight = 0.5f;
  out.push_back({"asinh_last_missing", s, true});
  s.level = Level::smoothing, s.base = Base::smoothing, s.loss = Loss::mae;
  out.push_back({"asinh_smoothing", s, false});
  s = full_spec();
  s.base = Base::trend, s.trend_damping = 0.8f, s.base_season = 3, s.missing_indicator = true;
  out.push_back({"log_trend_missing", s, true});
  s.space = Space::asinh, s.base_season = 1, s.smoothing_alpha = 0.3f, s.loss = Loss::gaussian;
  out.push_back({"asinh_trend", s, false});
  s.space = Space::linear, s.level = Level::smoothing, s.base_season = 7, s.trend_damping = 1;
  out.push_back({"linear_trend_missing", s, true});
  s = full_spec();
  s.missing_indicator = true;
  out.push_back({"encoded_inputs_missing", s, true, true});
  s.patch = 3;  // windows that begin inside a patch, encoded inputs, the warmup at a patch's end
  out.push_back({"patches_encoded_missing", s, true, true});
  s.patch = 4, s.warmup = 5, s.space = Space::linear, s.level = Level::smoothing;
  s.base = Base::trend, s.loss = Loss::quantile, s.quantiles = {0.25f, 0.5f, 0.75f};
  out.push_back({"patches_linear_trend_missing", s, true});
  s = full_spec();
  s.patch = 2, s.forking = false, s.loss = Loss::student_t, s.level_weight = 0.5f;
  out.push_back({"patches_at_the_end_alone", s, false});
  s.patch = 12, s.forking = true, s.warmup = 3, s.space = Space::asinh, s.base = Base::last;
  out.push_back({"a_window_of_one_patch", s, true});
  ModelSpec plain;  // the article's: everything off
  plain.T = 10, plain.H = 8, plain.L = 4, plain.K = 3, plain.loss = Loss::mse,
  plain.past_channels = 1;
  plain.future_channels = 1, plain.static_reals = 1, plain.embeddings = {{3, 1}};
  plain.step_embeddings = testing::rich_step_embeddings();
  plain.head_starts_at_zero = false;
  out.push_back({"plain", plain, false});
  return out;
}

class EngineParity : public EngineContract, public ::testing::WithParamInterface<Case> {};

TEST_P(EngineParity, LossAndGradientsAreTheReferences) {
  const Case& c = GetParam();
  const Catalog catalog = rich_catalog(c.missing);
  ModelSpec spec = c.spec;
  if (spec.calendar > 0) spec.calendar = calendar_size(catalog.frequency());
  std::vector<std::int64_t> end;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) end.push_back(catalog.history(s) - 1);
  const bool mean = spec.level != Level::none || is_nonnegative(spec.loss);
  SeriesScaling scaling =
      fit_scaling(catalog, mean ? Scaling::mean : Scaling::standard, Scaling::standard, end);
  const std::vector<float> weights = {1, 2, 0.5f, 1, 1.5f, 1};
  std::vector<Window> windows = some_windows();
  if (c.encoded) {
    scaling.covariates = fit_covariates(catalog, spec.level_window, spec.K, end);
    ASSERT_EQ(scaling.covariates[0].encoding, Encoding::difference);
    ASSERT_EQ(scaling.covariates[1].encoding, Encoding::ratio);
    scaling.covariates[1].high *= 0.5f;  // so that some values are cut
    windows[1].dropped = 1;
  }

  EngineSetup setup;
  setup.catalog = &catalog;
  setup.spec = &spec;
  setup.scaling = &scaling;
  setup.series_weight = weights;
  setup.batch = 8;
  const auto engine = make_engine_under_test(setup);
  engine->set_target_limit(end);
  EngineState state;
  state.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
  init_params(spec, 3, state.params);
  engine->set_state(state);
  StepSettings settings;
  settings.adamw.learning_rate = 0;
  engine->train_step(windows, settings);
  const LossReport report = engine->take_loss();

  const ReferenceModel reference(catalog, spec, scaling, weights);
  std::vector<double> params(state.params.begin(), state.params.end());
  const auto expected = reference.loss(windows, end, params);
  ASSERT_EQ(report.targets, expected.targets);
  // fp32 sums of some hundred terms of order one.
  EXPECT_NEAR(report.loss, expected.mean(), 2e-5 * (1 + std::abs(expected.mean())));

  // AdamW's first moment after one step is (1 - beta1) times the gradient.
  const EngineState after = engine->state();
  double largest = 0;
  for (const float m : after.m) largest = std::max(largest, std::abs(static_cast<double>(m) * 10));
  ASSERT_GT(largest, 1e-3);
  for (std::size_t i = 0; i < params.size(); ++i) {
    const double kept = params[i], step = 1e-5;
    params[i] = kept + step;
    const double up = reference.loss(windows, end, params).mean();
    params[i] = kept - step;
    const double down = reference.loss(windows, end, params).mean();
    params[i] = kept;
    const double slope = (up - down) / (2 * step);
    // Single precision through T steps and L layers: 1e-4 of the largest gradient; a kink of a loss
    // or of ReLU inside
    // +-1e-5 moves a slope by less than that.
    ASSERT_NEAR(static_cast<double>(after.m[i]) * 10, slope,
                1e-4 * largest + 1e-3 * std::abs(slope))
        << "parameter " << i << " of " << c.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, EngineParity, ::testing::ValuesIn(cases()),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

TEST_F(EngineContract, NothingBeforeAnOriginMovesWhenTheFutureChanges) {
  auto series = testing::weekly_series(3, 50);
  const Catalog before{testing::daily_parts(series)};
  for (auto& values : series) {
    for (std::size_t t = 31; t < values.size(); ++t) values[t] *= 100;
  }
  const Catalog after{testing::daily_parts(series)};
  const ModelSpec spec = small_spec();
  const std::vector<std::int64_t> end(3, 31);
  const SeriesScaling scaling_before = fit_scaling(before, Scaling::mean, Scaling::standard, end);
  const SeriesScaling scaling_after = fit_scaling(after, Scaling::mean, Scaling::standard, end);
  EXPECT_EQ(scaling_before.scale, scaling_after.scale);
  const auto a = engine_for(before, spec, scaling_before),
             b = engine_for(after, spec, scaling_after);
  const std::vector<std::int64_t> cutoff(3, 31);
  const std::vector<Window> windows = windows_at(cutoff);
  std::vector<float> ya(9), yb(9);
  a->forecast(windows, {}, ya);
  b->forecast(windows, {}, yb);
  EXPECT_EQ(ya, yb);
  // Training with the limit at the origin sees none of it either.
  for (Engine* engine : {a.get(), b.get()}) {
    engine->set_target_limit(end);
    StepSettings settings;
    engine->train_step(windows, settings);
  }
  EXPECT_EQ(a->state().params, b->state().params);
  // Without the limit it does: the test can fail.
  const std::vector<std::int64_t> far(3, 50);
  for (Engine* engine : {a.get(), b.get()}) {
    engine->set_target_limit(far);
    engine->train_step(windows, StepSettings{});
  }
  EXPECT_NE(a->state().params, b->state().params);
}

/// Two series of 60 days with a word each day; from step `from` on all words are the last one.
Catalog with_words(Role role, std::size_t from) {
  CatalogParts parts = testing::daily_parts(testing::weekly_series(2, 60));
  CategoryChannel day{"day", role, {"unknown", "plain", "feast", "sale"}, {}};
  for (std::size_t i = 0; i < 120; ++i) {
    day.codes.push_back(i % 60 >= from ? 3 : static_cast<std::int32_t>(i * i / 3 % 4));
  }
  parts.categories.push_back(day);
  return Catalog(std::move(parts));
}

TEST_F(EngineContract, WordsAfterTheOriginAreSeenWhereTheyAreKnownAheadAndOnlyThere) {
  const std::vector<std::int64_t> end(2, 31);
  std::vector<float> forecasts[2][3];  // of past and future words, all changed after ..., or none
  for (const Role role : {Role::past, Role::future}) {
    const bool future = role == Role::future;
    ModelSpec spec = small_spec();
    spec.step_embeddings = {{.cardinality = 4, .width = 2, .future = future}};
    const std::size_t from[] = {31, 34, 60};  // the first step of the horizon, the first after it
    for (std::size_t i = 0; i < 3; ++i) {
      const Catalog catalog = with_words(role, from[i]);
      const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
      std::vector<float>& y = forecasts[future ? 1 : 0][i];
      y.resize(6);
      engine_for(catalog, spec, scaling)->forecast(windows_at(end), {}, y);
    }
  }
  EXPECT_EQ(forecasts[0][0], forecasts[0][2]);
  EXPECT_EQ(forecasts[1][1], forecasts[1][2]);
  EXPECT_NE(forecasts[1][0], forecasts[1][2]);
}

// By turns: what one of them does must not be seen in the other.
TEST_F(EngineContract, AnEngineBesideAnotherComputesAsItDoesAlone) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(4, 50))};
  ModelSpec spec = small_spec();
  spec.L = 2, spec.dropout = 0.2f;
  const std::vector<std::int64_t> end(4, 42);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  const auto start = [&](std::uint64_t seed) {
    EngineState state;
    state.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, seed, state.params);
    return state;
  };
  const auto alone = engine_for(catalog, spec, scaling, 1),
             of = engine_for(catalog, spec, scaling, 1);
  for (Engine* engine : {alone.get(), of.get()}) engine->set_target_limit(end);
  const auto beside = of->beside(1);
  EXPECT_EQ(beside->recurrence(), of->recurrence());
  EXPECT_EQ(beside->level_statistics().mean, of->level_statistics().mean);
  alone->set_state(start(7));
  beside->set_state(start(7));
  of->set_state(start(8));
  std::vector<float> here(12), there(12);
  for (int i = 0; i < 6; ++i) {
    // Targets of the last windows end at the limit, which both have.
    const std::vector<Window> windows = windows_at(std::vector<std::int64_t>(4, 34 + 2 * i));
    of->train_step(windows_at(std::vector<std::int64_t>(4, 30 + i)), StepSettings{});
    alone->train_step(windows, StepSettings{});
    beside->train_step(windows, StepSettings{});
  }
  EXPECT_EQ(beside->take_loss().targets, alone->take_loss().targets);
  EXPECT_EQ(beside->state().params, alone->state().params);
  EXPECT_NE(of->state().params, alone->state().params);
  for (Engine* engine : {alone.get(), beside.get()}) {
    engine->set_evaluation_params(engine->state().params);
    engine->forecast(windows_at(end), {}, engine == alone.get() ? here : there);
  }
  EXPECT_EQ(there, here);
}

TEST_F(EngineContract, GivesTheSameBitsForTheSameSeedAndThreads) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(4, 50))};
  const ModelSpec spec = small_spec();
  const std::vector<std::int64_t> end(4, 45);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  const auto a = engine_for(catalog, spec, scaling, 1), b = engine_for(catalog, spec, scaling, 1);
  const std::vector<Window> windows = windows_at(std::vector<std::int64_t>(4, 40));
  for (int i = 0; i < 3; ++i) {
    a->train_step(windows, StepSettings{});
    b->train_step(windows, StepSettings{});
  }
  EXPECT_EQ(a->state().params, b->state().params);
  EXPECT_NE(a->state().params, engine_for(catalog, spec, scaling, 1)->state().params);
}

TEST_F(EngineContract, InAsinhSpaceZerosAndNegativeValuesHaveAPlace) {
  auto series = testing::weekly_series(3, 40);
  series[0][29] = 0, series[1][29] = -7, series[2][29] = 900;
  const Catalog catalog{testing::daily_parts(series)};
  for (const Level level : {Level::none, Level::mean, Level::smoothing}) {
    ModelSpec spec = small_spec();
    spec.space = Space::asinh, spec.base = Base::last, spec.level = level;
    spec.head_starts_at_zero = true;  // the forecast is the base
    const std::vector<std::int64_t> end(3, 40);
    const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
    const auto engine = engine_for(catalog, spec, scaling);
    const std::vector<Window> windows = windows_at(std::vector<std::int64_t>(3, 30));
    std::vector<float> y(9);
    engine->forecast(windows, {}, y);
    for (std::size_t k = 0; k < 3; ++k) {
      // To the digits of v: near 0 those are a scale's, above it the value's own.
      EXPECT_NEAR(y[k], 0, 1e-5f);
      EXPECT_NEAR(y[3 + k], -7, 1e-4f);
      EXPECT_NEAR(y[6 + k], 900, 1e-5f * 900);
    }
  }
}

TEST_F(EngineContract, OffsetsMoveTheForecastInTheModelsSpace) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(2, 40))};
  ModelSpec spec = small_spec();
  spec.space = Space::log;
  const std::vector<std::int64_t> end(2, 40);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  const auto engine = engine_for(catalog, spec, scaling);
  const std::vector<Window> windows = windows_at(std::vector<std::int64_t>(2, 30));
  std::vector<float> y(6), moved(12);
  engine->forecast(windows, {}, y);
  const std::vector<float> offsets = {0, 0.5f, 0, 0.5f, 0, 0.5f};
  engine->forecast(windows, offsets, moved);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(moved[2 * i], y[i]);
    EXPECT_NEAR(moved[2 * i + 1] / y[i], std::exp(0.5f), 1e-4f);
  }
}

TEST_F(EngineContract, ALossThatIsNotFiniteNamesItsSeriesAndKeepsTheParameters) {
  auto series = testing::weekly_series(3, 50);
  series[1][35] = 3e38f;
  const Catalog catalog{testing::daily_parts(series)};
  ModelSpec spec = small_spec();
  spec.loss = Loss::mse;
  const std::vector<std::int64_t> end(3, 30), limit(3, 50);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  const auto engine = engine_for(catalog, spec, scaling);
  engine->set_target_limit(limit);
  const std::vector<float> before = engine->state().params;
  engine->train_step(windows_at(std::vector<std::int64_t>(3, 34)), StepSettings{});
  EXPECT_EQ(engine->take_loss().bad_series, 1);
  EXPECT_EQ(engine->state().params, before);
}

TEST_F(EngineContract, InLogSpaceAValueWithoutLogarithmIsAMissingOne) {
  auto series = testing::weekly_series(2, 20);
  const std::vector<std::int64_t> end(2, 20);
  ModelSpec spec = small_spec();
  spec.space = Space::log;
  const SeriesScaling scaling =
      fit_scaling(Catalog(testing::daily_parts(series)), Scaling::mean, Scaling::standard, end);
  std::vector<std::vector<float>> forecasts;
  for (const float value : {0.0f, -3.0f, testing::kMissing, series[1][17]}) {
    series[1][17] = value;
    const Catalog catalog{testing::daily_parts(series)};
    engine_for(catalog, spec, scaling)->forecast(windows_at(end), {}, forecasts.emplace_back(6));
  }
  EXPECT_EQ(forecasts[0], forecasts[2]);
  EXPECT_EQ(forecasts[1], forecasts[2]);
  EXPECT_NE(forecasts[3], forecasts[2]) << "the value is seen where it has a logarithm";
}

void expect_one_sequence(int patch) {
  const Catalog catalog = with_words(Role::future, 60);
  ModelSpec spec = small_spec();
  spec.T = 10, spec.warmup = 0, spec.carry_state = true, spec.patch = patch;
  spec.step_embeddings = {{.cardinality = 4, .width = 2, .future = true}};
  const SeriesScaling scaling =
      fit_scaling(catalog, Scaling::mean, Scaling::standard, std::vector<std::int64_t>(2, 60));
  const auto engine = engine_for(catalog, spec, scaling);
  StepSettings still;
  still.adamw.learning_rate = 0;
  std::vector<Window> windows(2);
  for (int link = 0; link < 3; ++link) {
    for (int n = 0; n < 2; ++n) {
      windows[static_cast<std::size_t>(n)] = {9 + 10 * link, n,
                                              static_cast<std::int8_t>(link > 0 ? 1 : 0)};
    }
    engine->train_step(windows, still);
  }
  const EngineState carried = engine->state();
  // One window over all thirty steps ends in the same state.
  ModelSpec longer = spec;
  longer.T = 30;
  const auto whole = engine_for(catalog, longer, scaling);
  whole->train_step(std::vector<Window>{{29, 0, 0}, {29, 1, 0}}, still);
  ASSERT_EQ(carried.carried_h.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_NEAR(carried.carried_h[i], whole->state().carried_h[i], 1e-5f);
  }
  // And a forecast walks the windows before it.
  std::vector<float> a(6), b(6);
  engine->forecast(windows_at(std::vector<std::int64_t>(2, 30)), {}, a);
  whole->forecast(windows_at(std::vector<std::int64_t>(2, 30)), {}, b);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(a[i], b[i], 1e-4f * std::abs(b[i]));
}

TEST_F(EngineContract, CarriedStateMakesConsecutiveWindowsOneSequence) { expect_one_sequence(1); }

TEST_F(EngineContract, CarriedStateMakesConsecutiveWindowsOfPatchesOneSequence) {
  expect_one_sequence(5);
}

}  // namespace
}  // namespace sluice
