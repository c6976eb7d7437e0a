// The CUDA engine's inference: from windows to losses, forecasts and residuals, batch by batch.
#include <omp.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/carried_state.hpp"
#include "engine/cuda_engine.hpp"
#include "engine/gather.hpp"
#include "engine/likelihood_kernels.hpp"
#include "engine/transfers.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

// The weights stay with the recurrence from one inference to the next: packing them anew costs as
// much as a small batch.
void CudaEngine::load_evaluation() {
  if (evaluation_loaded_) return;
  recurrence_->load(evaluation_.first(layout_.lstm_size()));
  evaluation_loaded_ = true;
}

// The first run of a size goes as it is, as with training steps; the second captures.
void CudaEngine::infer(const Batch& batch, Inference which) {
  const std::int64_t N = batch.rows.N;
  if (!recurrence_->capturable()) {
    enqueue_inference(batch, which);
    return;
  }
  if (!warm_inference_.contains({N, which})) {
    enqueue_inference(batch, which);
    warm_inference_.insert({N, which});
    return;
  }
  GraphExec& graph = inference_graphs_[{batch.slot, N, which}];
  if (!graph) {
    graph = capture_graph(
        context_.stream(), [&] { enqueue_inference(batch, which); }, recurrence_->capture_mode());
  }
  check(cudaGraphLaunch(graph.get(), context_.stream()), "cudaGraphLaunch of an inference");
}

// What of a batch depends on its slot and size only, as it is captured.
void CudaEngine::enqueue_inference(const Batch& batch, Inference which) {
  const WindowRows& rows = batch.rows;
  const std::int64_t N = rows.N, H = spec_.H;
  const DeviceSpan<float> u = u_.first(N * spec_.outputs());
  const DeviceSpan<float> target = which.head == Output::with_targets
                                       ? target_.first(N * spec_.K * spec_.M)
                                       : DeviceSpan<float>();
  const bool head = which.head != Output::none, walk = which.recurrence != Walk::none;
  if (walk) scale_windows(rows);
  if (head) {
    context_.beside([&] { head_.begin_infer(rows, evaluation_.span(), u, target); });
  }
  if (walk) enqueue_walk(batch, which.recurrence);
  context_.join();
  if (!head) return;
  head_.infer(rows, evaluation_.span(), last_h_.span().subspan((spec_.L - 1) * N * H, N * H), u,
              target);
}

// The recurrence over one batch, into the last states. After scale_windows().
void CudaEngine::enqueue_walk(const Batch& batch, Walk from) {
  const WindowRows& rows = batch.rows;
  const std::int64_t N = rows.N, states = spec_.L * N * spec_.H;
  const DeviceSpan<float> h = last_h_.first(states), c = last_c_.first(states);
  RecurrenceInput input;
  if (recurrence_->assembles_input()) {
    input.rows = &rows;
  } else {
    const DeviceSpan<float> x = x_.first(spec_.patches() * N * spec_.inputs());
    gather_inputs(rows, x, context_.stream());
    input.x = x;
  }
  const DeviceStateIn initial = from == Walk::from_zero ? DeviceStateIn{} : DeviceStateIn{h, c};
  recurrence_->infer(spec_.patches(), static_cast<int>(N), input, initial, {}, {h, c});
  if (from == Walk::from_zero) return;
  // Where a series has not begun, its state stays zero.
  reset_unbegun(h, c, rows.windows, spec_.L, N, spec_.H, context_.stream());
}

// carry_state: the windows before are walked first, from each series' start, and hand their state
// on.
void CudaEngine::infer_chain(std::span<const Window> windows) {
  const auto N = static_cast<std::int64_t>(windows.size());
  const std::int64_t states = spec_.L * N * spec_.H;
  set_zero(last_h_.first(states), context_.stream());
  set_zero(last_c_.first(states), context_.stream());
  std::int64_t links = 0;
  for (const Window& w : windows) links = std::max(links, w.origin / spec_.T + 1);
  std::vector<Window> link(windows.begin(), windows.end());
  for (std::int64_t j = links - 1; j >= 0; --j) {
    for (std::size_t n = 0; n < link.size(); ++n) {
      link[n].origin = std::max<std::int64_t>(-1, windows[n].origin - j * spec_.T);
    }
    const Batch batch = stage(link, {}, evaluation_.data(), {});
    infer(batch, {Walk::from_before, Output::none});
    streamer_.release(batch);
  }
}

template <typename Use>
void CudaEngine::for_each_batch(std::span<const Window> windows, bool targets,
                                std::span<const std::int64_t> limit, Use use) {
  if (!has_evaluation_) throw InternalError("the engine has no parameters yet");
  const auto total = static_cast<std::int64_t>(windows.size());
  const std::int64_t size = std::min<std::int64_t>(total, setup_.batch);
  if (size == 0) return;
  const Output output = targets ? Output::with_targets : Output::alone;
  for (std::int64_t begin = 0; begin < total; begin += size) {
    const std::int64_t N = std::min(size, total - begin);
    const auto part = windows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(N));
    prepare(N, false);
    load_evaluation();
    if (spec_.carry_state) infer_chain(part);
    const Batch batch = stage(part, limit, evaluation_.data(), {});
    infer(batch, {spec_.carry_state ? Walk::none : Walk::from_zero, output});
    use(begin, batch, u_.first(N * spec_.outputs()),
        targets ? target_.first(N * spec_.K * spec_.M) : DeviceSpan<float>());
    streamer_.release(batch);
  }
}

LossReport CudaEngine::validate(std::span<const Window> windows,
                                std::span<const std::int64_t> limit) {
  context_.make_current();
  const DeviceSpan<DeviceLossSums> sums = sums_.span().subspan(1, 1);
  head_.clear(sums);
  for_each_batch(
      windows, true, limit,
      [&](std::int64_t, const Batch& batch, DeviceSpan<const float> u,
          DeviceSpan<const float> target) { head_.validation_loss(batch.rows, u, target, sums); });
  copy_to_host(DeviceSpan<const DeviceLossSums>(sums), host_sums_.span(), context_.stream());
  context_.synchronize();
  return report_of(*host_sums_.data(), static_cast<std::int64_t>(windows.size()));
}

void CudaEngine::forecast(std::span<const Window> windows, std::span<const float> offsets,
                          std::span<float> out) {
  context_.make_current();
  const int Q = spec_.Q();
  const std::int64_t KM = spec_.K * spec_.M;
  const bool distribution = is_distribution(spec_.loss);
  if (!offsets.empty() && (Q != 1 || distribution)) {
    throw InternalError("offsets need a model with one output");
  }
  const std::int64_t J = offsets.empty() ? Q : static_cast<std::int64_t>(offsets.size()) / KM;
  if (!offsets.empty()) {
    offsets_.grow(context_.memory(), KM * J, "the offsets of forecasts");
    upload(offsets, offsets_.first(KM * J), context_);
  }
  results_.begin(most_results(windows.size(), KM * J));
  for_each_batch(
      windows, false, {},
      [&](std::int64_t begin, const Batch& batch, DeviceSpan<const float> u,
          DeviceSpan<const float>) {
        const std::int64_t size = batch.rows.N * KM * J;
        const DeviceSpan<float> y = results_.block(batch.slot, size);
        if (distribution) {
          distribution_rows(batch.rows, head_.outputs(), u.data(), y.data(), context_.stream());
        } else {
          forecast_rows(batch.rows, Q, u.data(), offsets.empty() ? nullptr : offsets_.data(),
                        static_cast<int>(J), y.data(), context_.stream());
        }
        results_.send(batch.slot, out.subspan(static_cast<std::size_t>(begin * KM * J),
                                              static_cast<std::size_t>(size)));
      });
  results_.finish();
}

void CudaEngine::sample(std::span<const Window> windows, const PathSettings& settings,
                        std::span<float> out) {
  if (!is_distribution(spec_.loss)) throw InternalError("only a distribution has sample paths");
  if (!has_evaluation_) throw InternalError("the engine has no parameters yet");
  context_.make_current();
  if (!paths_) {
    const int threads = setup_.threads > 0 ? setup_.threads : omp_get_max_threads();
    paths_ = std::make_unique<DevicePaths>(*space_, device_space_, *recurrence_, head_.precision(),
                                           context_, threads);
  }
  const auto total = static_cast<std::int64_t>(windows.size());
  const std::int64_t size = std::min<std::int64_t>(total, setup_.batch);
  const std::int64_t each = settings.count * space_->horizon() * spec_.M;
  for (std::int64_t begin = 0; begin < total; begin += size) {
    const std::int64_t N = std::min(size, total - begin);
    const auto part = windows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(N));
    prepare(N, false);
    if (paths_->prepare(N, settings.count)) drop_graphs();
    load_evaluation();
    const Batch batch = stage(part, {}, evaluation_.data(), {});
    infer(batch, {Walk::from_zero, Output::none});
    streamer_.release(batch);
    PathSettings of_part = settings;
    of_part.streams = settings.streams.subspan(static_cast<std::size_t>(begin * spec_.M),
                                               static_cast<std::size_t>(N * spec_.M));
    const std::int64_t states = spec_.L * N * spec_.H;
    paths_->walk(
        part, of_part, evaluation_.span(), {last_h_.first(states), last_c_.first(states)},
        out.subspan(static_cast<std::size_t>(begin * each), static_cast<std::size_t>(N * each)));
  }
}

void CudaEngine::residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                           std::span<float> out) {
  if (is_distribution(spec_.loss)) throw InternalError("a distribution has no residuals");
  context_.make_current();
  int median = 0;
  for (int q = 0; q < spec_.Q() && spec_.loss == Loss::quantile; ++q) {
    if (spec_.quantiles[static_cast<std::size_t>(q)] == 0.5f) median = q;
  }
  const std::int64_t KM = spec_.K * spec_.M;
  results_.begin(most_results(windows.size(), KM));
  for_each_batch(windows, true, limit,
                 [&](std::int64_t begin, const Batch& batch, DeviceSpan<const float> u,
                     DeviceSpan<const float> target) {
                   const std::int64_t size = batch.rows.N * KM;
                   const DeviceSpan<float> residual = results_.block(batch.slot, size);
                   residual_rows(size, spec_.Q(), median, u.data(), target.data(), residual.data(),
                                 context_.stream());
                   results_.send(batch.slot, out.subspan(static_cast<std::size_t>(begin * KM),
                                                         static_cast<std::size_t>(size)));
                 });
  results_.finish();
}

}  // namespace sluice
