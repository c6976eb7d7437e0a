// A small world to train CUDA engines in: gaps, a short series, a price known ahead, a category,
// every kind of input, dropout, clipping, a moving average; and all that comes out of a training.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sluice/data/calendar.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/spec.hpp"
#include "support/catalogs.hpp"

namespace sluice::testing {

/// A catalogue, a model of everything that moves with the window, and an engine over them.
struct World {
  Catalog catalog;
  ModelSpec spec;
  SeriesScaling scaling;
  std::vector<float> start;
  int batch = 6;
  std::int64_t limit = 0;
  int device = 0;
  std::string recurrence = "gemm", precision = "fp32";

  explicit World(bool gaps, int series = 12, int length = 90)
      : catalog(make_catalog(gaps, series, length)), spec(make_spec()) {
    scaling = fit_scaling(catalog, Scaling::mean, Scaling::standard, ends(60));
    start.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 5, start);
  }

  /// Lets the recurrence take `steps` steps as one.
  void take_patches(int steps) {
    spec.patch = steps;
    start.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 5, start);
  }

  static Catalog make_catalog(bool gaps, int series, int length) {
    auto values = weekly_series(series, length);
    values[2].resize(30);
    if (gaps) {
      values[1][40] = values[1][41] = values[5][58] = kMissing;
      for (std::size_t t = 20; t < 50; ++t) values[7][t] = kMissing;
    }
    CatalogParts parts = daily_parts(values);
    Channel price{"price", Role::future, {}};
    for (std::size_t i = 0; i < parts.channels[0].values.size(); ++i) {
      price.values.push_back(static_cast<float>(10 + std::cos(1.3 * static_cast<double>(i))));
    }
    parts.channels.push_back(price);
    StaticCategory shop{"shop", {"unknown", "a", "b"}, {}};
    for (int s = 0; s < series; ++s) shop.codes.push_back(s % 3);
    parts.static_categories.push_back(shop);
    CategoryChannel day{"day", Role::future, {"unknown", "plain", "feast"}, {}};
    for (std::size_t i = 0; i < parts.channels[0].values.size(); ++i) {
      day.codes.push_back(i % 9 == 4 ? 2 : (i % 17 == 3 ? 0 : 1));
    }
    parts.categories.push_back(day);
    return Catalog(std::move(parts));
  }

  static ModelSpec make_spec() {
    ModelSpec s;
    s.T = 14, s.H = 8, s.L = 2, s.K = 5, s.dropout = 0.2f;
    s.space = Space::linear, s.level = Level::mean, s.level_window = 7;
    s.base = Base::seasonal, s.base_season = 7, s.lags = {7, 14}, s.context = 7;
    s.seasonal_context = 7, s.forking = true, s.warmup = 4, s.head_hidden = 9;
    s.head_starts_at_zero = false, s.future_channels = 1, s.level_input = true;
    s.missing_indicator = true, s.embeddings = {{3, 2}}, s.loss = Loss::quantile;
    s.step_embeddings = {{.cardinality = 3, .width = 2, .future = true}};
    s.calendar = calendar_size(parse_frequency("D"));
    s.quantiles = {0.1f, 0.5f, 0.9f};
    return s;
  }

  std::vector<std::int64_t> ends(std::int64_t end) const {
    std::vector<std::int64_t> out;
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
      out.push_back(std::min(end, catalog.history(s)));
    }
    return out;
  }

  EngineSetup setup() const {
    EngineSetup setup;
    setup.catalog = &catalog;
    setup.spec = &spec;
    setup.scaling = &scaling;
    setup.batch = batch;
    setup.seed = 17;
    setup.recurrence = recurrence;
    setup.precision = precision;
    setup.device_memory_limit = limit;
    setup.cuda_device = device;
    return setup;
  }

  std::unique_ptr<Engine> engine() const { return ready(make_cuda_engine(setup())); }

  std::unique_ptr<Engine> ready(std::unique_ptr<Engine> engine) const {
    EngineState state;
    state.params = start;
    engine->set_state(state);
    engine->set_evaluation_params(start);
    engine->set_target_limit(ends(75));
    return engine;
  }

  /// Windows of step `i`, spread over series and time; the last batch of four is smaller.
  std::vector<Window> windows(int i) const {
    std::vector<Window> out;
    const int count = i % 4 == 3 ? batch - 1 : batch;
    for (int n = 0; n < count; ++n) {
      Window w;
      w.series = (5 * i + 7 * n) % static_cast<int>(catalog.series_count());
      w.origin = (11 * i + 17 * n) % std::min<std::int64_t>(74, catalog.history(w.series) - 1);
      out.push_back(w);
    }
    return out;
  }
};

inline StepSettings fast() {
  StepSettings settings;
  settings.adamw.learning_rate = 0.01f;
  settings.clip_norm = 1;
  settings.average_decay = 0.9f;
  return settings;
}

/// All that an engine gives after `steps` steps.
struct Outcome {
  std::vector<float> params, average, forecast, residuals;
  double train_loss = 0, valid_loss = 0, norm = 0;
  std::int64_t targets = 0;
  bool operator==(const Outcome&) const = default;
};

inline Outcome run(const World& world, Engine& engine, int steps, int first = 0) {
  for (int i = first; i < first + steps; ++i) engine.train_step(world.windows(i), fast());
  Outcome out;
  const LossReport report = engine.take_loss();
  const EngineState state = engine.state();
  out.train_loss = report.loss, out.targets = report.targets, out.norm = report.gradient_norm;
  out.params = state.params, out.average = state.average;
  engine.set_evaluation_params(state.average);
  const std::vector<std::int64_t> origin = world.ends(70), limit = world.ends(80);
  const std::vector<Window> windows = windows_at(origin);
  const std::size_t KM = static_cast<std::size_t>(world.spec.K * world.spec.M);
  out.valid_loss = engine.validate(windows, limit).loss;
  out.forecast.resize(windows.size() * KM * static_cast<std::size_t>(world.spec.Q()));
  engine.forecast(windows, {}, out.forecast);
  if (is_distribution(world.spec.loss)) return out;  // it has no residuals
  out.residuals.resize(windows.size() * KM);
  engine.residuals(windows, limit, out.residuals);
  for (float& r : out.residuals) r = std::isnan(r) ? -99.0f : r;  // so that == can be asked
  return out;
}

}  // namespace sluice::testing
