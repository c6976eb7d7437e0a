// The CPU engine end to end, beside its parts alone in the same run: whole training steps and whole
// forecasts (gather, head, loss, clip, AdamW, everything) in windows a second, the recurrence by
// itself on the same shape, and the head's matrix products by themselves. `parts / whole` is the
// share of their speed that is left when everything else is counted.
#include <fmt/format.h>
#include <omp.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "cpu/bench.hpp"
#include "engine/cpu/choice.hpp"
#include "engine/cpu/head_layer.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"

namespace sluice::bench {
namespace {

/// Of the whole and of the part alone.
constexpr const char* kRecurrence = "auto";

struct Job {
  const char* name;
  ModelSpec spec;
  int batch, series, length;
  double recipe_windows = 0;  ///< of one whole training; 0: the job is no recipe
};

/// configs/hourly.toml: M4 Hourly's recipe, at 2,000 steps.
Job hourly() {
  ModelSpec s;
  s.T = 96, s.H = 64, s.K = 48, s.space = Space::log, s.level = Level::mean, s.level_window = 168;
  s.base = Base::seasonal, s.base_season = 24, s.lags = {24, 168}, s.context = 24;
  s.seasonal_context = 168, s.forking = true, s.warmup = 24, s.head_hidden = 128;
  s.loss = Loss::quantile, s.quantiles = {0.1f, 0.5f, 0.9f};
  return {"hourly", s, 32, 414, 850, 64'000};
}

/// configs/catalog.toml without its covariates.
Job catalog() {
  ModelSpec s;
  s.T = 56, s.H = 64, s.K = 28, s.level = Level::smoothing, s.lags = {7, 28}, s.context = 7;
  s.seasonal_context = 7, s.forking = true, s.warmup = 14, s.head_hidden = 128,
  s.level_input = true;
  s.level_change = true, s.base_season = 7, s.calendar = 8, s.loss = Loss::quantile;
  s.quantiles = {0.1f, 0.5f, 0.9f};
  return {"catalog", s, 64, 2000, 365};
}

/// OpenNN's benchmark: 15 columns, 24 steps, 128 units, one value, mean squared error, batch 256.
Job opennn() {
  ModelSpec s;
  s.T = 24, s.H = 128, s.K = 1, s.past_channels = 14, s.loss = Loss::mse;
  return {"opennn", s, 256, 1, 20'000};
}

Catalog made_up(const Job& job) {
  CatalogParts parts;
  parts.axis.frequency = parse_frequency("D");
  parts.offsets.push_back(0);
  for (int c = 0; c <= job.spec.past_channels; ++c) {
    parts.channels.push_back({fmt::format("c{}", c), c == 0 ? Role::target : Role::past, {}});
  }
  for (int s = 0; s < job.series; ++s) {
    parts.ids.push_back(fmt::format("s{}", s));
    parts.first.push_back(19'000);
    parts.offsets.push_back(parts.offsets.back() + job.length);
    for (std::size_t c = 0; c < parts.channels.size(); ++c) {
      for (int t = 0; t < job.length; ++t) {
        const Philox4 bits =
            philox(c, static_cast<std::uint64_t>(s) * 100'000 + static_cast<std::uint64_t>(t), 0);
        parts.channels[c].values.push_back(5 + std::sin(0.9f * static_cast<float>(t)) +
                                           to_uniform(bits.v[0]));
      }
    }
  }
  return Catalog(std::move(parts));
}

struct World {
  ModelSpec spec;
  Catalog catalog;
  SeriesScaling scaling;
  std::unique_ptr<Engine> engine;
  std::vector<Window> windows;
  std::vector<float> out;
};

std::shared_ptr<World> make_world(const Job& job, int batch, int windows) {
  auto world = std::make_shared<World>(World{job.spec, made_up(job), {}, nullptr, {}, {}});
  world->spec.calendar = job.spec.calendar > 0 ? calendar_size(world->catalog.frequency()) : 0;
  const std::vector<std::int64_t> end(static_cast<std::size_t>(job.series), job.length);
  const bool level = job.spec.level != Level::none;
  world->scaling = fit_scaling(world->catalog, level ? Scaling::mean : Scaling::standard,
                               Scaling::standard, end);
  EngineSetup setup;
  setup.catalog = &world->catalog;
  setup.spec = &world->spec;
  setup.scaling = &world->scaling;
  setup.batch = batch;
  setup.recurrence = kRecurrence;
  world->engine = make_cpu_engine(setup);
  EngineState state;
  state.params.resize(static_cast<std::size_t>(ParamLayout(world->spec).size()));
  init_params(world->spec, 1, state.params);
  world->engine->set_state(state);
  world->engine->set_evaluation_params(state.params);
  for (int i = 0; i < windows; ++i) {
    const Philox4 bits = philox(9, static_cast<std::uint64_t>(i), 0);
    const auto span = static_cast<std::uint64_t>(job.length - job.spec.T - job.spec.K);
    Window w;
    w.series = static_cast<std::int32_t>(bits.v[0] % static_cast<std::uint32_t>(job.series));
    w.origin = job.spec.T - 1 + static_cast<std::int64_t>(bits.v[1] % span);
    world->windows.push_back(w);
  }
  world->out.resize(static_cast<std::size_t>(windows * job.spec.K * job.spec.M * job.spec.Q()));
  return world;
}

HeadLayer make_layer(std::int64_t in, std::int64_t out) {
  HeadLayer::Place place{.weight = 0, .bias = in * out, .in = in, .order = {}};
  place.order.resize(static_cast<std::size_t>(out));
  std::iota(place.order.begin(), place.order.end(), 0);
  HeadLayer layer(std::move(place));
  layer.load(std::vector<float>(static_cast<std::size_t>(layer.gradient_size()), 0.01f));
  return layer;
}

/// The head's products on `rows` rows, by the engine's layers, cut for the threads into about such
/// chunks as the engine's.
std::function<void()> head_products(const ModelSpec& spec, std::int64_t rows, bool training) {
  struct Arrays {
    std::vector<float> input, hidden, dhidden, out, dh, reader_gradient, writer_gradient;
  };
  const std::int64_t H = spec.H, in = H + spec.head_context(), G = spec.head_hidden;
  const auto layers = std::make_shared<std::vector<HeadLayer>>();
  if (G > 0) layers->push_back(make_layer(in, G));
  layers->push_back(make_layer(G > 0 ? G : in, spec.outputs()));
  constexpr std::int64_t kChunk = 256;
  auto threads =
      std::make_shared<std::vector<Arrays>>(static_cast<std::size_t>(omp_get_max_threads()));
  for (Arrays& a : *threads) {
    const auto fill = [](std::vector<float>& v, std::int64_t size) {
      v.assign(static_cast<std::size_t>(size), 0.01f);
    };
    fill(a.input, kChunk * in), fill(a.hidden, kChunk * G), fill(a.dhidden, kChunk * G);
    fill(a.out, kChunk * spec.outputs()), fill(a.dh, kChunk * H);
    fill(a.reader_gradient, layers->front().gradient_size());
    fill(a.writer_gradient, layers->back().gradient_size());
  }
  return [=] {
    const HeadLayer &reader = layers->front(), &writer = layers->back();
    const std::int64_t chunk = std::min(kChunk, (rows + 7) / 8);
#pragma omp parallel for schedule(dynamic, 1)
    for (std::int64_t row = 0; row < rows; row += chunk) {
      Arrays& a = (*threads)[static_cast<std::size_t>(omp_get_thread_num())];
      const std::int64_t n = std::min(chunk, rows - row);
      if (G > 0) reader.forward(n, a.input.data(), in, a.hidden.data());
      writer.forward(n, G > 0 ? a.hidden.data() : a.input.data(), writer.in(), a.out.data());
      if (!training) continue;
      if (G > 0) {
        writer.weight_gradient(n, a.out.data(), a.hidden.data(), G, true, a.writer_gradient.data());
        writer.backward(n, a.out.data(), 0, G, a.dhidden.data());
      }
      const float* d = G > 0 ? a.dhidden.data() : a.out.data();
      reader.weight_gradient(n, d, a.input.data(), in, true, a.reader_gradient.data());
      reader.backward(n, d, 0, H, a.dh.data());
    }
  };
}

std::unique_ptr<Recurrence> make_recurrence(const ModelSpec& spec) {
  return make_cpu_recurrence(kRecurrence, spec.inputs(), spec.H, spec.L, omp_get_max_threads());
}

/// The recurrence as the engine uses it (of a forecast it takes the last states only), on random
/// numbers that lie ready.
std::function<void()> recurrence_alone(const ModelSpec& spec, int batch, int batches,
                                       bool training) {
  const int C = spec.inputs(), H = spec.H, L = spec.L, T = spec.T;
  const std::shared_ptr<Recurrence> recurrence = make_recurrence(spec);
  const auto floats = [](std::int64_t size) {
    auto v = std::make_shared<std::vector<float>>(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < v->size(); ++i) (*v)[i] = 0.1f * std::sin(static_cast<float>(i));
    return v;
  };
  const auto weights = floats(recurrence_params(C, H, L)), x = floats(std::int64_t{T} * batch * C);
  const auto h = floats(std::int64_t{T} * batch * H), dh = floats(std::int64_t{T} * batch * H);
  const auto last = floats(std::int64_t{L} * batch * H);
  const auto gradient = floats(recurrence_params(C, H, L));
  recurrence->prepare(T, batch, training);
  recurrence->load(*weights);
  return [=] {
    for (int i = 0; i < batches; ++i) {
      if (training) {
        recurrence->load(*weights);
        recurrence->forward(T, batch, *x, {}, {}, *h, {});
        recurrence->backward(*dh, {}, {}, *gradient, {});
      } else {
        recurrence->infer(T, batch, *x, {}, {}, {*last, {}});
      }
    }
  };
}

/// The share of the parts means nothing if the whole runs another recurrence.
void expect_same(const std::string& recurrence, const Engine& engine) {
  if (engine.recurrence() == recurrence) return;
  throw InternalError(fmt::format("the engine runs the recurrence {}, the benchmark of it alone {}",
                                  engine.recurrence(), recurrence));
}

constexpr int kForecastBatch = 1024, kForecastBatches = 4;

std::vector<Benchmark> of_job(const Job& job) {
  std::vector<Benchmark> out;
  const std::string recurrence = make_recurrence(job.spec)->name();
  const auto add = [&](const char* what, const char* part, double windows, auto make) {
    Benchmark b;
    b.group = fmt::format("engine/{}/{}", job.name, what);
    b.kind = part;
    b.recurrence = b.kind == "products" ? "" : recurrence;
    b.parameters = {{"B", job.batch}, {"T", job.spec.T}, {"H", job.spec.H}, {"L", job.spec.L}};
    b.unit = "windows/s";
    b.work = b.items = windows;
    b.make = [make] { return timed(make()); };
    out.push_back(std::move(b));
  };
  const std::int64_t rows = std::int64_t{job.batch} * (job.spec.T - job.spec.first_head_step());
  add("train", "whole", job.batch, [job, recurrence]() -> std::function<void()> {
    const auto world = make_world(job, job.batch, job.batch);
    expect_same(recurrence, *world->engine);
    return [world] {
      StepSettings settings;
      settings.clip_norm = 1;
      settings.average_decay = 0.99f;
      world->engine->train_step(world->windows, settings);
    };
  });
  out.back().recipe_items = job.recipe_windows;
  add("train", "recurrence", job.batch,
      [job] { return recurrence_alone(job.spec, job.batch, 1, true); });
  add("train", "products", job.batch, [job, rows] { return head_products(job.spec, rows, true); });
  constexpr int kWindows = kForecastBatch * kForecastBatches;
  add("forecast", "whole", kWindows, [job, recurrence]() -> std::function<void()> {
    const auto world = make_world(job, kForecastBatch, kWindows);
    expect_same(recurrence, *world->engine);
    return [world] { world->engine->forecast(world->windows, {}, world->out); };
  });
  add("forecast", "recurrence", kWindows,
      [job] { return recurrence_alone(job.spec, kForecastBatch, kForecastBatches, false); });
  add("forecast", "products", kWindows, [job] { return head_products(job.spec, kWindows, false); });
  return out;
}

}  // namespace

std::vector<Benchmark> engine_benchmarks() {
  std::vector<Benchmark> all;
  for (const Job& job : {hourly(), catalog(), opennn()}) {
    for (Benchmark& b : of_job(job)) all.push_back(std::move(b));
  }
  return all;
}

}  // namespace sluice::bench
