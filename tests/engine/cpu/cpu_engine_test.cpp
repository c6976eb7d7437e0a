// What is the CPU engine's own; what every engine promises is in tests/contract.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "support/catalogs.hpp"
#include "support/engine_under_test.hpp"
#include "support/rich_catalog.hpp"

namespace sluice {

std::unique_ptr<Engine> testing::make_engine_under_test(EngineSetup setup) {
  return make_cpu_engine(setup);
}

bool testing::skip_without_engine() { return false; }

namespace {

TEST(CpuEngine, RefusesAnUnknownRecurrencePrecisionAndDevice) {
  const Catalog catalog{testing::daily_parts(testing::weekly_series(1, 20))};
  const ModelSpec spec;
  const SeriesScaling scaling =
      fit_scaling(catalog, Scaling::mean, Scaling::standard, std::vector<std::int64_t>(1, 20));
  EngineSetup setup;
  setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling;
  setup.recurrence = "cudnn";
  try {
    make_cpu_engine(setup);
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "engine.recurrence = \"cudnn\" does not exist on the CPU; choose auto, fused or "
                 "onednn");
  }
  for (const char* name : {"fused", "onednn"}) {
    setup.recurrence = name;
    EXPECT_EQ(make_cpu_engine(setup)->recurrence(), name);
  }
  setup.recurrence = "auto";
  setup.precision = "tf32";
  EXPECT_THROW(make_cpu_engine(setup), ConfigError);
  setup.precision = "auto";
  EXPECT_THROW(make_engine("tpu", setup), DeviceError);
}

// Of few windows the head's products are plain loops, of many they are oneDNN's.
TEST(CpuEngine, AWindowHasTheSameForecastAloneAsAmongMany) {
  const Catalog catalog = testing::rich_catalog(true);
  ModelSpec spec = testing::full_spec();
  spec.calendar = calendar_size(catalog.frequency());
  for (const int hidden : {0, 9}) {
    spec.head_hidden = hidden;
    const std::vector<std::int64_t> end(6, 60);
    const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
    EngineSetup setup;
    setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling, setup.batch = 18;
    std::vector<Window> windows;
    for (const std::int64_t cutoff : {40, 45, 50}) {
      for (const Window& window : windows_at(std::vector<std::int64_t>(6, cutoff))) {
        windows.push_back(window);
      }
    }
    std::vector<float> params(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 5, params);
    for (float& number : params) number += 0.01f;  // a head of zeros would hide everything
    const auto engine = make_cpu_engine(setup);
    const std::size_t outputs = static_cast<std::size_t>(spec.outputs());
    const auto forecast = [&](std::span<const Window> of) {
      std::vector<float> y(of.size() * outputs);
      engine->set_evaluation_params(params);
      engine->forecast(of, {}, y);
      return y;
    };
    const std::vector<float> together = forecast(windows);
    for (const std::size_t count : {1U, 3U, 8U, 9U}) {
      const auto some = std::span(windows).subspan(2, count);
      const std::vector<float> apart = forecast(some);
      for (std::size_t i = 0; i < apart.size(); ++i) {
        const float expected = together[2 * outputs + i];
        ASSERT_NEAR(apart[i], expected, 1e-5f * std::max(1.0f, std::abs(expected)))
            << count << " windows, hidden " << hidden << ", output " << i;
      }
    }
  }
}

// The head cuts its rows into groups and those into chunks of some hundred rows; 700 copies of a
// batch make several chunks of a group, and their mean gradient is that of one copy.
// As a resumed training has validated another number of times.
TEST(CpuEngine, AValidationOfManyWindowsDoesNotMoveATrainingsBits) {
  const Catalog catalog = testing::rich_catalog(true);
  ModelSpec spec = testing::full_spec();
  spec.calendar = calendar_size(catalog.frequency());
  const std::vector<std::int64_t> end(6, 60);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  std::vector<Window> windows;
  while (windows.size() < 2000) {
    for (const Window& w : testing::some_windows()) windows.push_back(w);
  }
  EngineSetup setup;
  setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling;
  setup.batch = static_cast<int>(windows.size());
  const auto params = [&](bool validate) {
    const auto engine = make_cpu_engine(setup);
    EngineState state;
    state.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 3, state.params);
    engine->set_state(state);
    engine->set_evaluation_params(state.params);
    if (validate) engine->validate(windows, end);
    // Some 2,300 rows of the head: more than one chunk in each of its eight groups.
    const int steps = spec.T - spec.first_head_step();
    engine->train_step(std::span(windows).first(static_cast<std::size_t>(2300 / steps)), {});
    return engine->state().params;
  };
  EXPECT_EQ(params(true), params(false));
}

TEST(CpuEngine, ABatchOfManyChunksHasTheGradientOfItsWindows) {
  const Catalog catalog = testing::rich_catalog(true);
  ModelSpec spec = testing::full_spec();
  spec.calendar = calendar_size(catalog.frequency());
  spec.loss = Loss::quantile, spec.quantiles = {0.25f, 0.5f, 0.75f};
  const std::vector<std::int64_t> end(6, 60);
  const SeriesScaling scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, end);
  const std::vector<Window> once = testing::some_windows();
  std::vector<Window> often;
  for (int i = 0; i < 700; ++i) often.insert(often.end(), once.begin(), once.end());
  EngineSetup setup;
  setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling;
  const auto gradient = [&](const std::vector<Window>& windows) {
    const auto engine = make_cpu_engine(setup);
    EngineState state;
    state.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 3, state.params);
    engine->set_state(state);
    engine->train_step(windows, {});
    return engine->state().m;  // (1 - beta1) times the gradient
  };
  const std::vector<float> one = gradient(once), many = gradient(often);
  float largest = 0;
  for (const float m : one) largest = std::max(largest, std::abs(m));
  ASSERT_GT(largest, 1e-4f);
  // fp32 sums of 50,000 terms: they round by sqrt(50,000) 2^-24 of themselves, four of which are
  // allowed.
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_NEAR(many[i], one[i], 5e-5f * largest) << "parameter " << i;
  }
}

}  // namespace
}  // namespace sluice
