// The CPU engine's training: recurrence (which gathers its inputs as it walks), head with loss,
// backward, clip, AdamW - one function each, called in that order.
#include "engine/cpu/cpu_engine.hpp"

#include <fmt/core.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "engine/cpu/choice.hpp"
#include "engine/cpu/precision.hpp"
#include "engine/cpu/stopwatch.hpp"
#include "engine/shared/rank_sums.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr std::int64_t kNormBlock = 16'384;
/// Up to so many parameters one thread updates them sooner than it could wake another.
constexpr std::int64_t kSerialParams = 200'000;

}  // namespace

std::string CpuEngine::description() const {
  return fmt::format("cpu, {} recurrence, {}, {} thread{}", recurrence_->name(),
                     to_string(precision_), threads_, threads_ == 1 ? "" : "s");
}

std::string CpuEngine::recurrence() const {
  if (precision_ == Precision::fp32) return recurrence_->name();
  return fmt::format("{} ({})", recurrence_->name(), to_string(precision_));
}

CpuEngine::CpuEngine(const EngineSetup& setup, std::shared_ptr<const ModelSpace> space)
    : setup_(without_data(setup)),
      spec_(space->spec()),
      precision_(cpu_precision(setup.precision)),
      threads_(setup.threads > 0 ? setup.threads : omp_get_max_threads()),
      layout_(spec_),
      space_(std::move(space)),
      gather_(*space_),
      head_(spec_, threads_) {
  omp_set_num_threads(threads_);
  recurrence_ = make_cpu_engine_recurrence(setup.recurrence, precision_, spec_.inputs(), spec_.H,
                                           spec_.L, threads_);
  gradient_.resize(static_cast<std::size_t>(layout_.size()));
  norm_blocks_.resize(static_cast<std::size_t>((layout_.size() + kNormBlock - 1) / kNormBlock));
  for (std::int64_t s = 0; s < space_->series_count(); ++s) limit_.push_back(space_->length(s));
}

std::unique_ptr<Engine> CpuEngine::beside(int threads) const {
  EngineSetup setup = setup_;
  setup.threads = threads;
  auto engine = std::make_unique<CpuEngine>(setup, space_);
  engine->limit_ = limit_;
  return engine;
}

void CpuEngine::set_state(const EngineState& state) {
  const auto P = static_cast<std::size_t>(layout_.size());
  const auto fits = [P](const std::vector<float>& v) { return v.empty() || v.size() == P; };
  if (state.params.size() != P || !fits(state.m) || state.v.size() != state.m.size() ||
      !fits(state.average) || state.carried_h.size() != state.carried_c.size()) {
    throw InternalError(fmt::format("engine state of {} parameters for a model of {}",
                                    state.params.size(), layout_.size()));
  }
  state_ = state;
  if (state_.m.empty()) {
    state_.m.assign(P, 0.0f);
    state_.v.assign(P, 0.0f);
  }
  loaded_ = Loaded::nothing;
}

void CpuEngine::set_evaluation_params(std::span<const float> params) {
  if (static_cast<std::int64_t>(params.size()) != layout_.size()) {
    throw InternalError("evaluation parameters of a different model");
  }
  evaluation_params_.assign(params.begin(), params.end());
  loaded_ = Loaded::nothing;
}

void CpuEngine::load(Loaded which) {
  if (loaded_ == which) return;
  const auto& params = which == Loaded::training ? state_.params : evaluation_params_;
  if (params.empty()) throw InternalError("the engine has no parameters yet");
  recurrence_->load(std::span(params).first(static_cast<std::size_t>(layout_.lstm_size())));
  loaded_ = which;
}

void CpuEngine::prepare(std::int64_t N, bool training) {
  omp_set_num_threads(threads_);  // another engine may have set its own
  recurrence_->prepare(spec_.patches(), static_cast<int>(N), training);
  head_.prepare(N, training);
  const auto grow = [](std::vector<float>& v, std::int64_t size) {
    if (static_cast<std::int64_t>(v.size()) < size) v.resize(static_cast<std::size_t>(size));
  };
  if (!training) {
    grow(last_h_, spec_.L * N * spec_.H);
    return;
  }
  const std::int64_t TN = spec_.patches() * N;
  grow(h_, TN * spec_.H);
  grow(dh_, TN * spec_.H);
  if (spec_.input_embeddings() > 0) {
    grow(dx_, TN * spec_.inputs());
    grow(dcontext_, N * (spec_.patches() - spec_.first_head_step()) * spec_.head_embeddings());
  }
}

// The state each slot begins with: the carried one where a window continues, else zero.
StateIn CpuEngine::carried_in(std::span<const Window> windows) {
  if (!spec_.carry_state) return {};
  const auto N = static_cast<std::int64_t>(windows.size());
  const auto size = static_cast<std::size_t>(spec_.L * N * spec_.H);
  if (state_.carried_h.size() != size) {
    const bool fresh = std::all_of(windows.begin(), windows.end(),
                                   [](const Window& w) { return w.continues == 0; });
    if (!fresh && !state_.carried_h.empty()) {
      throw InternalError("a carried batch must keep its number of windows");
    }
    state_.carried_h.assign(size, 0.0f);
    state_.carried_c.assign(size, 0.0f);
  }
  for (std::int64_t l = 0; l < spec_.L; ++l) {
    for (std::int64_t n = 0; n < N; ++n) {
      if (windows[static_cast<std::size_t>(n)].continues != 0) continue;
      std::fill_n(state_.carried_h.data() + (l * N + n) * spec_.H, spec_.H, 0.0f);
      std::fill_n(state_.carried_c.data() + (l * N + n) * spec_.H, spec_.H, 0.0f);
    }
  }
  return {state_.carried_h, state_.carried_c};
}

// The batch of a training step, with its pasts drawn where they are to be.
Gather& CpuEngine::gather_batch(std::span<const Window> windows, std::int64_t first) {
  if (std::ranges::none_of(windows, &Window::drawn)) {
    gather_.begin(windows, limit_);
    return gather_;
  }
  if (!setup_.draws_pasts || space_->drawn_steps() < 1) {
    throw InternalError("windows with drawn values for an engine that was not told of them");
  }
  if (!pasts_) {
    pasts_ = std::make_unique<DrawnPasts>(*space_, *recurrence_, setup_.seed, threads_);
  }
  return pasts_->draw(windows, limit_, first, state_.step, state_.params);
}

// The windows' gradients, as sums over their targets, into gradient_.
LossSums CpuEngine::add_gradients(std::span<const Window> windows, const StepSettings& settings) {
  const auto N = static_cast<std::int64_t>(windows.size());
  prepare(N, true);
  const auto TN = static_cast<std::size_t>(spec_.patches() * N);
  const auto H = static_cast<std::size_t>(spec_.H), C = static_cast<std::size_t>(spec_.inputs());
  const std::span h = std::span(h_).first(TN * H), dh = std::span(dh_).first(TN * H);
  const bool embeddings = spec_.input_embeddings() > 0;
  const std::span dx = embeddings ? std::span(dx_).first(TN * C) : std::span<float>();
  const std::span lstm_gradient =
      std::span(gradient_).first(static_cast<std::size_t>(layout_.lstm_size()));
  load(Loaded::training);
  const auto gathered = [&]() -> Gather& {
    const Stopwatch watch(seconds_.gather);
    return gather_batch(windows, settings.first);
  };
  Gather& gather = gathered();
  {
    const Stopwatch watch(seconds_.recurrence);
    const StateIn initial = carried_in(windows);
    const StateOut last =
        spec_.carry_state ? StateOut{state_.carried_h, state_.carried_c} : StateOut{};
    recurrence_->forward(spec_.patches(), static_cast<int>(N), gather.inputs(state_.params),
                         initial,
                         {.rate = spec_.dropout,
                          .seed = setup_.seed,
                          .step = state_.step,
                          .first = settings.first,
                          .sequences = settings.windows},
                         h, last);
  }
  LossSums sums;
  {
    const Stopwatch watch(seconds_.head);
    sums = head_.train(gather, state_.params, h, dh, gradient_, dcontext_);
  }
  {
    const Stopwatch watch(seconds_.recurrence);
    recurrence_->backward(dh, {}, dx, lstm_gradient, {});
  }
  if (embeddings) {
    const Stopwatch watch(seconds_.gather);
    const ParamBlock& last = layout_.block("linear.bias");
    std::fill(gradient_.begin() + last.offset + last.size, gradient_.end(), 0.0f);
    gather.embedding_gradient(dx, N * (spec_.patches() - spec_.first_head_step()), dcontext_,
                              gradient_);
  }
  if (sums.bad_series >= 0 && &gather != &gather_) {  // which counts windows
    sums.bad_series = windows[static_cast<std::size_t>(sums.bad_series)].series;
  }
  return sums;
}

void CpuEngine::train_step(std::span<const Window> windows, const StepSettings& settings) {
  if (windows.empty() && setup_.ranks == nullptr) return;
  space_->prepare(windows);
  LossSums sums;
  if (windows.empty()) {
    std::ranges::fill(gradient_, 0.0f);
  } else {
    sums = add_gradients(windows, settings);
  }
  if (setup_.ranks != nullptr) {
    const StepSums all = sum_over(
        *setup_.ranks, {.loss = sums.loss, .targets = sums.targets, .bad_series = sums.bad_series});
    if (all.targets > 0) setup_.ranks->sum(gradient_);
    sums = {.loss = all.loss, .targets = all.targets, .bad_series = all.bad_series};
  }
  sums_.add(sums);
  windows_seen_ += settings.windows > 0 ? settings.windows : std::ssize(windows);
  if (sums.targets == 0) {  // every target of the batch is missing: a step without an update
    ++state_.step;
    return;
  }
  const Stopwatch watch(seconds_.optimizer);
  last_norm_ = scale_and_norm(1.0f / static_cast<float>(sums.targets));
  // Not finite: the parameters stay as they are, and take_loss() says where it came from.
  if (sums.bad_series >= 0 || !std::isfinite(last_norm_)) {
    if (sums_.bad_series < 0) sums_.bad_series = windows.empty() ? 0 : windows.front().series;
    return;
  }
  update(settings, last_norm_);
}

// Sums of gradients become means; the norm is summed in fixed blocks, whatever the number of
// threads.
double CpuEngine::scale_and_norm(float factor) {
  const std::int64_t P = layout_.size();
  const auto blocks = static_cast<std::int64_t>(norm_blocks_.size());
#pragma omp parallel for schedule(static) num_threads(threads_) if (P > kSerialParams)
  for (std::int64_t block = 0; block < blocks; ++block) {
    double squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t i = block * kNormBlock; i < std::min(P, (block + 1) * kNormBlock); ++i) {
      float& g = gradient_[static_cast<std::size_t>(i)];
      g *= factor;
      squares += static_cast<double>(g) * static_cast<double>(g);
    }
    norm_blocks_[static_cast<std::size_t>(block)] = squares;
  }
  double total = 0;
  for (const double squares : norm_blocks_) total += squares;
  return std::sqrt(total);
}

void CpuEngine::update(const StepSettings& settings, double norm) {
  const std::int64_t P = layout_.size();
  const float clip = clip_factor(norm, settings.clip_norm);
  ++state_.step;
  const AdamWStep step = adamw_step(settings.adamw, state_.step);
  const bool averaging = settings.average_decay > 0;
  if (averaging && state_.average.empty()) state_.average = state_.params;
  const float decay = average_decay(settings.average_decay, state_.step);
  const AdamWSettings adamw = settings.adamw;
  const float* gradient = gradient_.data();
  float *m = state_.m.data(), *v = state_.v.data(), *params = state_.params.data();
  float* average = averaging ? state_.average.data() : nullptr;
#pragma omp parallel for schedule(static) num_threads(threads_) if (P > kSerialParams)
  for (std::int64_t begin = 0; begin < P; begin += kNormBlock) {
    const std::int64_t end = std::min(P, begin + kNormBlock);
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      adamw_update(adamw, step, gradient[i] * clip, m[i], v[i], params[i]);
    }
    if (!averaging) continue;
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) {
      average[i] += (1.0f - decay) * (params[i] - average[i]);
    }
  }
  loaded_ = Loaded::nothing;
}

LossReport CpuEngine::take_loss() {
  LossReport report;
  report.targets = sums_.targets;
  report.windows = windows_seen_;
  report.loss = sums_.targets > 0 ? sums_.loss / static_cast<double>(sums_.targets)
                                  : std::numeric_limits<double>::quiet_NaN();
  report.bad_series = sums_.bad_series;
  report.gradient_norm = last_norm_;
  sums_ = {};
  windows_seen_ = 0;
  return report;
}

std::unique_ptr<Engine> make_cpu_engine(const EngineSetup& setup) {
  check_spec(*setup.spec);
  return std::make_unique<CpuEngine>(setup, std::make_shared<ModelSpace>(setup));
}

}  // namespace sluice
