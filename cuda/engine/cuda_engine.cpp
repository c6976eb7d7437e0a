#include "engine/cuda_engine.hpp"

#include <fmt/core.h>
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/steady_seconds.hpp"
#include "engine/carried_state.hpp"
#include "engine/shared/space_arrays.hpp"
#include "engine/transfers.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

Precision parse_precision(const std::string& text) {
  if (text == "tf32") return Precision::tf32;
  if (text == "fp32") return Precision::fp32;
  if (text == "bf16") return Precision::bf16;
  throw ConfigError(fmt::format(
      "engine.precision = \"{}\" does not exist; choose auto, fp32, tf32 or bf16", text));
}

RecurrenceSpec recurrence_spec(const EngineSetup& setup, const ModelSpec& model,
                               const DeviceInfo& device) {
  RecurrenceSpec spec{.C = model.inputs(),
                      .H = model.H,
                      .L = model.L,
                      .dropout = model.dropout > 0,
                      .N = setup.usual_batch > 0 ? setup.usual_batch : setup.batch};
  spec.precision = setup.precision == "auto" ? auto_precision(setup.recurrence, spec, device)
                                             : parse_precision(setup.precision);
  return spec;
}

/// The head's products are no part of a step's chain: tensor cores are the faster ones for any
/// batch.
Precision head_precision(const EngineSetup& setup) {
  return setup.precision == "auto" ? Precision::tf32 : parse_precision(setup.precision);
}

/// The name behind what the settings say, for this shape and device.
std::string chosen_recurrence(const EngineSetup& setup, const RecurrenceSpec& spec,
                              const DeviceInfo& device) {
  if (setup.recurrence == "onednn") {
    throw ConfigError(
        "engine.recurrence = \"onednn\" runs on the CPU only; choose auto, gemm, fused or cudnn, "
        "or "
        "set engine.device = \"cpu\"");
  }
  return choose_recurrence(setup.recurrence, spec, device);
}

/// Where the part of a batch's numbers begins that pasts_ begins with.
constexpr std::int64_t kBegun = aligned(sizeof(StepNumbers));

/// Half of what is left is for the model's workspace.
Resident residence(const EngineSetup& setup, const ModelSpace& space,
                   const DeviceContext& context) {
  if (setup.draws_pasts) return Resident::tables;  // batches have slices of their own
  return DeviceSpace::bytes(space) <= context.available_memory() / 2 ? Resident::everything
                                                                     : Resident::tables;
}

int threads_of(const EngineSetup& setup) {
  return setup.threads > 0 ? setup.threads : omp_get_max_threads();
}

}  // namespace

CudaEngine::CudaEngine(const EngineSetup& setup, std::shared_ptr<const ModelSpace> space,
                       const CudaEngine* of)
    : setup_(without_data(setup)),
      spec_(space->spec()),
      layout_(spec_),
      space_(std::move(space)),
      context_(setup.device_memory_limit, setup.cuda_device,
               of != nullptr ? &of->context_.memory() : nullptr),
      recurrence_spec_(recurrence_spec(setup, spec_, context_.info())),
      recurrence_(make_device_recurrence(
          chosen_recurrence(setup, recurrence_spec_, context_.info()), recurrence_spec_, context_)),
      head_(spec_, head_precision(setup), context_),
      optimizer_(layout_.size(), context_),
      embedding_gradient_(spec_, context_),
      step_gradient_(spec_, context_),
      own_space_(of != nullptr ? nullptr
                               : std::make_unique<DeviceSpace>(
                                     *space_, residence(setup, *space_, context_), context_)),
      device_space_(of != nullptr ? of->device_space_ : *own_space_),
      streamer_(*space_, device_space_, context_, threads_of(setup), setup.draws_pasts),
      results_(context_),
      params_(context_.memory(), layout_.size(), "the parameters"),
      evaluation_(context_.memory(), layout_.size(), "the parameters for validation"),
      gradient_(context_.memory(), layout_.size(), "the gradient"),
      sums_(context_.memory(), 2, "sums of the loss"),
      host_sums_(1, "sums of the loss") {
  set_zero(gradient_.span(), context_.stream());
  std::vector<std::int64_t> length;
  for (std::int64_t s = 0; s < space_->series_count(); ++s) length.push_back(space_->length(s));
  set_target_limit(length);
  if (spec_.window_scaling != WindowScaling::none) {
    window_affine_ =
        DeviceBuffer<Affine>(context_.memory(), setup_.batch * spec_.M, "the scaling of windows");
  }
  std::int64_t numbers = sizeof(StepNumbers);
  if (setup_.draws_pasts) {
    pasts_ = std::make_unique<DeviceDrawnPasts>(*space_, *recurrence_, head_.precision(),
                                                setup_.seed, context_, threads_of(setup_));
    numbers = kBegun + pasts_->bytes(setup_.batch);
  }
  streamer_.prepare(setup_.batch, numbers);
  if (setup_.ranks == nullptr) return;
  exchange_ = std::make_unique<GradientExchange>(
      spec_, fmt::format("{} ({})", recurrence_->name(), precision()),
      recurrence_->tells_of_layers(), *setup_.ranks, context_);
  recurrence_->tell_of_layers([this](int l) { exchange_->layer(l); });
}

std::unique_ptr<Engine> CudaEngine::beside(int threads) const {
  EngineSetup setup = setup_;
  setup.threads = threads;
  auto engine = std::make_unique<CudaEngine>(setup, space_, this);
  engine->limit_ = limit_;
  return engine;
}

CudaEngine::~CudaEngine() {
  // Buffers are freed next: nothing may be under way. An error here has no one left to hear it.
  static_cast<void>(cudaSetDevice(context_.info().number));
  if (!exchange_) {
    context_.drain();
    return;
  }
  // After an error the other processes may never come to what is under way.
  if (std::uncaught_exceptions() > 0) exchange_->give_up();
  const auto waiting = exchange_->waiting();
  context_.drain();
}

// A call that may wait for the device: not for ever, and with the reason if the other processes are
// lost.
template <typename Call>
auto CudaEngine::watched(Call call) const {
  if (!exchange_) return call();
  const auto waiting = exchange_->waiting();
  exchange_->expect_sound();
  try {
    if constexpr (std::is_void_v<decltype(call())>) {
      call();
      exchange_->expect_sound();
    } else {
      auto result = call();
      exchange_->expect_sound();
      return result;
    }
  } catch (const DeviceError&) {
    exchange_->expect_sound();  // the reason goes before what came of it
    throw;
  }
}

std::string CudaEngine::precision() const {
  const Precision of_recurrence = recurrence_spec_.precision;
  const bool mixed = of_recurrence == Precision::fp32 && head_.precision() != Precision::fp32;
  return fmt::format("{}{}", to_string(of_recurrence), mixed ? ", head tf32" : "");
}

std::string CudaEngine::recurrence() const {
  return fmt::format("{} ({}, cuda:{})", recurrence_->name(), precision(), context_.info().number);
}

std::string CudaEngine::description() const {
  return fmt::format("cuda:{} ({}), {} recurrence, {}, catalogue {}", context_.info().number,
                     context_.info().name, recurrence_->name(), precision(),
                     device_space_.resident() == Resident::everything ? "resident" : "streamed");
}

void CudaEngine::set_state(const EngineState& state) {
  context_.make_current();
  const auto P = static_cast<std::size_t>(layout_.size());
  const auto fits = [P](const std::vector<float>& v) { return v.empty() || v.size() == P; };
  if (state.params.size() != P || !fits(state.m) || state.v.size() != state.m.size() ||
      !fits(state.average) || state.carried_h.size() != state.carried_c.size()) {
    throw InternalError(fmt::format("engine state of {} parameters for a model of {}",
                                    state.params.size(), layout_.size()));
  }
  upload(state.params, params_.span(), context_);
  has_params_ = true;
  optimizer_.set(state);
  step_ = state.step;
  carried_windows_ = 0;
  if (state.carried_h.empty()) return;
  const auto size = static_cast<std::int64_t>(state.carried_h.size());
  carried_h_.grow(context_.memory(), size, "the carried state");
  carried_c_.grow(context_.memory(), size, "the carried state");
  drop_graphs();
  upload(state.carried_h, carried_h_.first(size), context_);
  upload(state.carried_c, carried_c_.first(size), context_);
  carried_windows_ = size / (spec_.L * spec_.H);
}

EngineState CudaEngine::state() const {
  context_.make_current();
  return watched([&] {
    EngineState state;
    state.params = has_params_ ? download(params_.span(), context_) : std::vector<float>();
    optimizer_.get(state);
    if (carried_windows_ > 0) {
      const std::int64_t size = spec_.L * carried_windows_ * spec_.H;
      state.carried_h = download(carried_h_.first(size), context_);
      state.carried_c = download(carried_c_.first(size), context_);
    }
    return state;
  });
}

void CudaEngine::set_evaluation_params(std::span<const float> params) {
  context_.make_current();
  if (static_cast<std::int64_t>(params.size()) != layout_.size()) {
    throw InternalError("evaluation parameters of a different model");
  }
  evaluation_loaded_ = false;
  upload(params, evaluation_.span(), context_);
  has_evaluation_ = true;
}

void CudaEngine::set_target_limit(std::span<const std::int64_t> limit) {
  limit_.assign(limit.begin(), limit.end());
}

void CudaEngine::drop_graphs() {
  graphs_.clear();
  warm_.clear();
  inference_graphs_.clear();
  warm_inference_.clear();
  if (paths_) paths_->drop_graphs();
}

// Graphs hold addresses: what makes a buffer move drops them. Every size is asked for: what a part
// needs need not grow with N (the head's chunks do not). Nothing counts as ready if one fails.
void CudaEngine::prepare(std::int64_t N, bool training) {
  if (ready_.contains({N, training})) return;
  context_.synchronize();  // buffers may move
  auto ready = std::exchange(ready_, {});
  drop_graphs();
  recurrence_->prepare(spec_.patches(), static_cast<int>(N), training);
  head_.prepare(N, training);
  DeviceMemory& memory = context_.memory();
  const std::int64_t TN = spec_.patches() * N;
  if (training ? !gathers_for_recurrence() : !recurrence_->assembles_input()) {
    x_.grow(memory, TN * spec_.inputs(), "the inputs of a batch");
  }
  const std::int64_t states = spec_.L * N * spec_.H;
  if (training) {
    h_.grow(memory, TN * spec_.H, "the outputs of the recurrence");
    dh_.grow(memory, TN * spec_.H, "their gradients");
    if (spec_.input_embeddings() > 0) {
      const std::int64_t rows = N * (spec_.patches() - spec_.first_head_step());
      dx_.grow(memory, TN * spec_.inputs(), "the inputs' gradients");
      dcontext_.grow(memory, rows * spec_.head_embeddings(), "the head's embedding gradients");
      embedding_gradient_.prepare(N);
      step_gradient_.prepare(N);
    }
    if (pasts_) pasts_->prepare(N);
  } else {
    last_h_.grow(memory, states, "the last states of a batch");
    last_c_.grow(memory, states, "the last states of a batch");
    u_.grow(memory, N * spec_.outputs(), "the outputs of the head");
    target_.grow(memory, N * spec_.K * spec_.M, "the targets");
  }
  ready.insert({N, training});
  ready_ = std::move(ready);
}

// The state that a carried batch begins with; the kernel zeros the slots that do not continue.
void CudaEngine::make_carried(std::span<const Window> windows) {
  const auto N = static_cast<std::int64_t>(windows.size());
  if (carried_windows_ == N) return;
  const bool fresh =
      std::all_of(windows.begin(), windows.end(), [](const Window& w) { return w.continues == 0; });
  if (!fresh && carried_windows_ != 0) {
    throw InternalError("a carried batch must keep its number of windows");
  }
  carried_windows_ = 0;  // until there is a state
  const std::int64_t size = spec_.L * N * spec_.H;
  context_.synchronize();
  carried_h_.grow(context_.memory(), size, "the carried state");
  carried_c_.grow(context_.memory(), size, "the carried state");
  set_zero(carried_h_.span(), context_.stream());
  set_zero(carried_c_.span(), context_.stream());
  drop_graphs();
  carried_windows_ = N;
}

CudaEngine::Batch CudaEngine::stage(std::span<const Window> windows,
                                    std::span<const std::int64_t> limit, const float* params,
                                    std::span<const std::byte> numbers) {
  streamer_.wait();  // for the device, so this is not the host's time
  const double start = steady_seconds();
  space_->prepare(windows);
  Batch batch = streamer_.stage(windows, limit, numbers);
  batch.rows.params = params;
  batch.rows.window_affine = window_affine_.data();
  seconds_.gather += steady_seconds() - start;
  return batch;
}

bool CudaEngine::draws(std::span<const Window> windows) const {
  if (std::ranges::none_of(windows, &Window::drawn)) return false;
  if (!pasts_ || space_->drawn_steps() < 1) {
    throw InternalError("windows with drawn values for an engine that was not told of them");
  }
  return true;
}

// What the host sends with a training step.
std::span<const std::byte> CudaEngine::numbers_of(std::span<const Window> windows, bool drawn,
                                                  const StepNumbers& numbers) {
  std::int64_t size = sizeof numbers;
  if (drawn) size = kBegun + pasts_->bytes(static_cast<std::int64_t>(windows.size()));
  numbers_.resize(static_cast<std::size_t>(size));
  std::memcpy(numbers_.data(), &numbers, sizeof numbers);
  if (drawn) {
    pasts_->begin(windows, numbers.first, step_, std::span(numbers_).subspan(kBegun));
  }
  return numbers_;
}

// The map of each window, where windows are scaled by their own inputs.
void CudaEngine::scale_windows(const WindowRows& rows) {
  if (spec_.window_scaling == WindowScaling::none) return;
  fit_windows(rows, spec_.window_scaling, window_affine_.first(rows.N * spec_.M),
              context_.stream());
}

/// Whether a training step's inputs are written where the recurrence reads them, and nowhere else.
bool CudaEngine::gathers_for_recurrence() const {
  return recurrence_->training_input().data != nullptr && spec_.inputs() <= kMostPitchedInputs;
}

// x: empty if gathers_for_recurrence().
void CudaEngine::gather_for_training(const WindowRows& rows, DeviceSpan<float> x) {
  if (!gathers_for_recurrence()) return gather_inputs(rows, x, context_.stream());
  const TrainingInput to = recurrence_->training_input();
  if (to.bf16) {
    gather_inputs(rows, static_cast<Bf16*>(to.data), to.pitch, context_.stream());
  } else {
    gather_inputs(rows, static_cast<float*>(to.data), to.pitch, context_.stream());
  }
}

// From a batch to its gradient and loss. What the recurrence's walks do not wait for runs beside
// them: over few windows they leave most multiprocessors idle.
void CudaEngine::enqueue_gradient(const Batch& batch, const Step& step) {
  const WindowRows& rows = batch.rows;
  const std::int64_t N = rows.N, TN = spec_.patches() * N, H = spec_.H;
  const auto T = spec_.patches(), width = static_cast<int>(N);
  const bool embeddings = spec_.input_embeddings() > 0;
  cudaStream_t stream = context_.stream();
  const DeviceSpan<float> x =
      gathers_for_recurrence() ? DeviceSpan<float>() : x_.first(TN * spec_.inputs());
  const DeviceSpan<float> h = h_.first(TN * H), dh = dh_.first(TN * H);
  const DeviceSpan<float> dx = embeddings ? dx_.first(TN * spec_.inputs()) : DeviceSpan<float>();
  const DeviceSpan<float> gradient = gradient_.span();
  const DeviceSpan<float> lstm_gradient = gradient_.first(layout_.lstm_size());

  const DeviceSpan<const float> params = params_.span();
  scale_windows(rows);
  context_.beside([&] { recurrence_->load(params_.first(layout_.lstm_size())); });
  if (step.drawn) {
    context_.join();
    pasts_->enqueue(rows, batch.extra + kBegun, params);
  }
  gather_for_training(rows, x);
  DeviceStateIn initial;
  DeviceStateOut last;
  if (spec_.carry_state) {
    const std::int64_t states = spec_.L * N * H;
    const DeviceSpan<float> carried_h = carried_h_.first(states);
    const DeviceSpan<float> carried_c = carried_c_.first(states);
    reset_carried(carried_h, carried_c, rows.windows, spec_.L, N, H, stream);
    initial = {carried_h, carried_c};
    last = {carried_h, carried_c};
  }
  context_.join();
  context_.beside([&] {
    head_.begin(rows, params, dh);
    if (!embeddings) return;
    embedding_gradient_.begin(rows, gradient);
    step_gradient_.begin(rows, gradient);
  });
  recurrence_->forward(T, width, x, initial,
                       {.rate = spec_.dropout,
                        .seed = setup_.seed,
                        .step = optimizer_.step(),
                        .N = N,
                        .first = step.first,
                        .sequences = step.windows},
                       h, last);
  context_.join();
  const std::int64_t head_rows = N * (T - spec_.first_head_step());
  const DeviceSpan<float> dcontext =
      embeddings ? dcontext_.first(head_rows * spec_.head_embeddings()) : DeviceSpan<float>();
  head_.train(rows, params, h, dh, gradient, dcontext, sums_.first(1));
  if (exchange_) context_.beside([&] { exchange_->head(); });
  recurrence_->backward(dh, {}, dx, lstm_gradient, {});
  context_.join();  // the rest of the head's gradients
  if (!embeddings) return;
  context_.beside([&] { embedding_gradient_.run(rows, dx, dcontext, gradient); });
  step_gradient_.run(rows, dx, dcontext, gradient);
  context_.join();
}

// A training step as it is captured: all of it, or, where processes share it, what is before their
// sums.
void CudaEngine::enqueue_step(const Batch& batch, const Step& step) {
  if (batch.rows.N > 0) {
    enqueue_gradient(batch, step);
  } else {  // of the other processes alone
    set_zero(gradient_.span(), context_.stream());
    head_.clear(sums_.first(1));
    exchange_->head();
    for (int l = spec_.L - 1; l >= 0; --l) exchange_->layer(l);
  }
  if (exchange_) return exchange_->rest();
  update(batch, sums_.first(1));
}

void CudaEngine::update(const Batch& batch, DeviceSpan<const DeviceLossSums> sums) {
  optimizer_.update(batch.rows, params_.span(), gradient_.span(), sums,
                    reinterpret_cast<const StepNumbers*>(batch.extra));
}

void CudaEngine::train_step(std::span<const Window> windows, const StepSettings& settings) {
  const auto N = static_cast<std::int64_t>(windows.size());
  if (N == 0 && !exchange_) return;
  if (!has_params_) throw InternalError("the engine has no parameters yet");
  context_.make_current();
  watched([&] {
    if (N > 0) prepare(N, true);
    if (spec_.carry_state) make_carried(windows);
    const Step step{.drawn = draws(windows), .first = settings.first, .windows = settings.windows};
    const Batch batch =
        stage(windows, limit_, params_.data(), numbers_of(windows, step.drawn, settings));
    ++step_;
    evaluation_loaded_ = false;
    if (!recurrence_->capturable()) {
      enqueue_step(batch, step);
    } else if (!warm_.contains({N, step.drawn})) {
      // The first step of a size runs as it is: libraries load their kernels then, which a capture
      // does not allow.
      enqueue_step(batch, step);
      warm_.insert({N, step.drawn});
    } else {
      GraphExec& graph = graphs_[{batch.slot, N, step}];
      if (!graph) {
        graph = capture_graph(
            context_.stream(), [&] { enqueue_step(batch, step); }, recurrence_->capture_mode());
      }
      check(cudaGraphLaunch(graph.get(), context_.stream()), "cudaGraphLaunch of a training step");
    }
    if (exchange_) update(batch, exchange_->sum(gradient_.span(), sums_.first(1)));
    streamer_.release(batch);
  });
}

LossReport CudaEngine::take_loss() {
  context_.make_current();
  const TrainingStatus status = watched([&] { return optimizer_.take_status(); });
  LossReport report = report_of(status.sums, status.windows);
  report.gradient_norm = status.norm;
  return report;
}

Attributions CudaEngine::attribute(std::span<const Window>, const InputGroups&,
                                   const AttributionSettings&) {
  throw ConfigError(
      "contributions to forecasts are computed by the CPU's engine alone; set engine.device = "
      "\"cpu\"");
}

std::unique_ptr<Engine> make_cuda_engine(const EngineSetup& setup) {
  check_spec(*setup.spec);
  return std::make_unique<CudaEngine>(setup, std::make_shared<ModelSpace>(setup), nullptr);
}

}  // namespace sluice
