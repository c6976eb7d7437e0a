// The whole CUDA engine, as a training and as a forecast call it: windows on the host in, the loss
// or the forecasts on the host out. A training step is gather, forward, head, loss, backward, clip,
// AdamW and average. The engine has a context and graphs of its own, so it is timed by the host's
// clock around some steps and the wait for them; windows/s = B / seconds.
#include "gpu/section_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "gpu/problem.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/rng.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"

namespace sluice::bench {
namespace {

/// A season and noise. The noise repeats after 65,536 values: a large catalogue is made in no time.
Catalog made_up(const EngineJob& job) {
  constexpr std::size_t kNoise = 1 << 16, kSeason = 7;
  std::vector<float> noise(kNoise);
  for (std::size_t i = 0; i < kNoise; ++i) noise[i] = to_uniform(philox(1, i, 0).v[0]);
  CatalogParts parts;
  parts.axis.frequency = parse_frequency("D");
  parts.offsets.push_back(0);
  for (int s = 0; s < job.series; ++s) {
    parts.ids.push_back(fmt::format("s{}", s));
    parts.first.push_back(19'000);
    parts.offsets.push_back(parts.offsets.back() + job.length);
  }
  for (int c = 0; c <= job.spec.past_channels; ++c) {
    Channel channel{fmt::format("c{}", c), c == 0 ? Role::target : Role::past, {}};
    channel.values.resize(static_cast<std::size_t>(parts.offsets.back()));
    constexpr std::size_t kShift = 7919;  // channels and series differ
    for (std::size_t i = 0; i < channel.values.size(); ++i) {
      channel.values[i] = 5 + std::sin(0.9f * static_cast<float>(i % kSeason)) +
                          noise[(i + static_cast<std::size_t>(c) * kShift) % kNoise];
    }
    parts.channels.push_back(std::move(channel));
  }
  return Catalog(std::move(parts));
}

/// What the engines of a job work on. The last one is kept: cases of a job follow one another.
struct Data {
  EngineJob job;
  ModelSpec spec;
  Catalog catalog;
  SeriesScaling scaling;
  std::vector<float> params;
  std::vector<Window> windows;  ///< of all steps of a run

  explicit Data(const EngineJob& j) : job(j), spec(j.spec), catalog(made_up(j)) {
    if (spec.calendar > 0) spec.calendar = calendar_size(catalog.frequency());
    const std::vector<std::int64_t> end(static_cast<std::size_t>(job.series), job.length);
    scaling = fit_scaling(catalog, spec.level != Level::none ? Scaling::mean : Scaling::standard,
                          Scaling::standard, end);
    spec.head_starts_at_zero = false;  // else nothing would depend on the recurrence
    params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
    init_params(spec, 1, params);
    const auto origins = static_cast<std::uint64_t>(job.length - spec.T - spec.K);
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(job.batch) * steps(); ++i) {
      const Philox4 bits = philox(9, i, 0);
      Window w;
      w.series = static_cast<std::int32_t>(bits.v[0] % static_cast<std::uint32_t>(job.series));
      w.origin = spec.T - 1 + static_cast<std::int64_t>(bits.v[1] % origins);
      windows.push_back(w);
    }
  }

  std::uint64_t steps() const { return static_cast<std::uint64_t>(job.steps); }
  std::span<const Window> step(int i) const {
    const auto size = static_cast<std::size_t>(job.batch);
    return std::span(windows).subspan(static_cast<std::size_t>(i) * size, size);
  }
  /// Of the channels' values alone; the whole catalogue takes more.
  std::int64_t least_bytes() const {
    return std::int64_t{job.series} * job.length * (spec.past_channels + 1) *
           static_cast<std::int64_t>(sizeof(float));
  }
};

bool same_data(const EngineJob& a, const EngineJob& b) {
  return a.spec == b.spec && a.batch == b.batch && a.series == b.series && a.length == b.length &&
         a.steps == b.steps;
}

std::shared_ptr<const Data> data_of(const EngineJob& job) {
  static std::shared_ptr<const Data> last;
  if (!last || !same_data(last->job, job)) {
    last.reset();  // two need not fit
    last = std::make_shared<const Data>(job);
  }
  return last;
}

StepSettings settings() {
  StepSettings s;
  s.clip_norm = 1;
  s.average_decay = 0.99f;
  return s;
}

/// An engine over its data.
class World {
 public:
  World(std::shared_ptr<const Data> data, const std::string& recurrence, Precision precision,
        bool streamed)
      : data_(std::move(data)) {
    EngineSetup setup;
    setup.catalog = &data_->catalog;
    setup.spec = &data_->spec;
    setup.scaling = &data_->scaling;
    setup.batch = data_->job.batch;
    setup.recurrence = recurrence;
    setup.precision = to_string(precision);
    // A catalogue is resident if it takes at most half of the memory.
    if (streamed) setup.device_memory_limit = 2 * data_->least_bytes();
    engine_ = make_cuda_engine(setup);
    const bool is_streamed = description().ends_with("streamed");
    if (is_streamed != streamed) {
      throw InternalError(fmt::format("the engine of a benchmark is to be {}; it is: {}",
                                      streamed ? "streamed" : "resident", engine_->description()));
    }
    start();
  }

  /// The parameters of the beginning.
  void start() {
    EngineState state;
    state.params = data_->params;
    engine_->set_state(state);
    engine_->set_evaluation_params(data_->params);
  }
  void train() {
    for (int i = 0; i < data_->job.steps; ++i) engine_->train_step(data_->step(i), settings());
    engine_->take_loss();
  }
  void forecast() { forecast(data_->windows); }

  /// Loss and norm of the gradient of the first step.
  std::vector<float> first_step() {
    start();
    engine_->train_step(data_->step(0), settings());
    const LossReport report = engine_->take_loss();
    start();
    return {static_cast<float>(report.loss), static_cast<float>(report.gradient_norm)};
  }
  /// Of the first step's windows.
  std::vector<float> first_forecast() {
    forecast(data_->step(0));
    return out_;
  }
  std::string description() const { return engine_->description(); }

 private:
  void forecast(std::span<const Window> windows) {
    const ModelSpec& s = data_->spec;
    out_.resize(windows.size() * static_cast<std::size_t>(s.K * s.M * s.Q()));
    engine_->forecast(windows, {}, out_);
  }

  std::shared_ptr<const Data> data_;
  std::unique_ptr<Engine> engine_;
  std::vector<float> out_;
};

std::vector<float> first_results(World& world, Phase phase) {
  return phase == Phase::train ? world.first_step() : world.first_forecast();
}

/// What gemm in fp32 gives, resident. The last one is kept.
const std::vector<float>& reference_of(const std::shared_ptr<const Data>& data, Phase phase) {
  static std::shared_ptr<const Data> last;
  static Phase last_phase;
  static std::vector<float> kept;
  if (last != data || last_phase != phase) {
    World world(data, "gemm", Precision::fp32, false);
    kept = first_results(world, phase);
    last = data, last_phase = phase;
  }
  return kept;
}

/// Of a forecast relative to the largest; of loss and norm each to itself.
double difference(const std::vector<float>& a, const std::vector<float>& b, Phase phase) {
  double largest = 0, scale = 0;
  for (const float v : b) scale = std::max(scale, std::abs(static_cast<double>(v)));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double own = phase == Phase::train ? std::abs(static_cast<double>(b[i])) : scale;
    const double error = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])) / own;
    if (!(error <= largest)) largest = error;  // NaN stays
    if (std::isnan(largest)) break;
  }
  return largest;
}

GpuWork make_work(const EngineJob& job, const std::string& recurrence, Precision precision,
                  Phase phase, Number number) {
  const auto data = data_of(job);
  const auto world = std::make_shared<World>(data, recurrence, precision, job.streamed);
  GpuWork work;
  work.waited_steps = job.steps;
  work.run = [=] { phase == Phase::train ? world->train() : world->forecast(); };
  work.tolerance = tolerance_of(number, job.spec.T);
  work.error = [=, tolerance = work.tolerance] {
    const double error = difference(first_results(*world, phase), reference_of(data, phase), phase);
    if (error <= tolerance) return error;
    throw InternalError(fmt::format(
        "the engine's {} differ from those of gemm in fp32 by {:.2g}; {:.2g} is allowed",
        phase == Phase::train ? "loss and gradient norm" : "forecasts", error, tolerance));
  };
  work.facts = [=] {
    return std::vector<Fact>{{"engine", world->description()},
                             {"windows of a step", static_cast<double>(job.batch)},
                             {"outputs of a window", static_cast<double>(job.spec.outputs())}};
  };
  return work;
}

/// OpenNN's benchmark: 15 columns, 24 steps, 128 units, one value, mean squared error.
ModelSpec opennn() {
  ModelSpec s;
  s.T = 24, s.H = 128, s.K = 1, s.past_channels = 14, s.loss = Loss::mse;
  return s;
}

/// configs/catalog.toml without its covariates: a head at 42 steps with a hidden layer.
ModelSpec catalog() {
  ModelSpec s;
  s.T = 56, s.H = 64, s.K = 28, s.level = Level::smoothing, s.lags = {7, 28}, s.context = 7;
  s.seasonal_context = 7, s.forking = true, s.warmup = 14, s.head_hidden = 128;
  s.level_input = true, s.level_change = true, s.base_season = 7, s.calendar = 8;
  s.loss = Loss::quantile, s.quantiles = {0.1f, 0.5f, 0.9f};
  return s;
}

constexpr int kManySteps = 32, kFewSteps = 4;

}  // namespace

GpuCase engine_case(const EngineJob& job, const std::string& recurrence, Precision precision,
                    Phase phase) {
  ModelSpec spec = job.spec;
  if (spec.calendar > 0) spec.calendar = calendar_size(parse_frequency("D"));
  GpuCase c{.section = "engine",
            .method = recurrence + (job.streamed ? ".streamed" : ""),
            .number = number_of(precision),
            .phase = phase,
            .shape = {.B = job.batch, .T = spec.T, .I = spec.inputs(), .H = spec.H, .L = spec.L},
            .make = nullptr};
  c.make = [=, number = c.number](DeviceContext&) {
    return make_work(job, recurrence, precision, phase, number);
  };
  return c;
}

/// Streamed training is measured up to B 4096: the workspace of larger batches asks for a catalogue
/// of several GB.
std::vector<GpuCase> engine_cases(bool quick) {
  const EngineJob small{opennn(), 256, 2000, quick ? 100 : 1000, false, kManySteps};
  std::vector<GpuCase> cases;
  const auto add = [&](EngineJob job, std::initializer_list<const char*> recurrences, Phase phase) {
    for (const char* recurrence : recurrences) {
      for (const Precision precision : {Precision::bf16, Precision::tf32}) {
        cases.push_back(engine_case(job, recurrence, precision, phase));
      }
    }
  };
  const auto all = {"fused_mma", "gemm", "cudnn_standard"};
  const auto ours = {"fused_mma"};
  for (const int batch : {256, 32768}) {
    if (quick && batch > 256) continue;
    EngineJob job = small;
    job.batch = batch, job.steps = batch > 256 ? kFewSteps : kManySteps;
    add(job, all, Phase::train);
    add(job, all, Phase::forward);
  }
  if (quick) return cases;
  EngineJob streamed = small;
  streamed.streamed = true;
  add(streamed, ours, Phase::train);
  add(streamed, ours, Phase::forward);
  streamed.length = 5000, streamed.steps = kFewSteps;
  streamed.batch = 4096;
  add(streamed, ours, Phase::train);
  streamed.batch = 32768;
  add(streamed, ours, Phase::forward);
  const EngineJob recipe{catalog(), 1024, 2000, 1000, false, kFewSteps};
  add(recipe, ours, Phase::train);
  add(recipe, ours, Phase::forward);
  return cases;
}

}  // namespace sluice::bench
