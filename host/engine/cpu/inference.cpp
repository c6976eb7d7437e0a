// The CPU engine's inference: from windows to losses, forecasts, residuals and attributions, batch
// by batch.
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/cpu/attribution.hpp"
#include "engine/cpu/cpu_engine.hpp"
#include "engine/cpu/outputs.hpp"
#include "engine/cpu/stopwatch.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

// The last states of one batch, in last_h_ [L,N,H].
void CpuEngine::infer_batch(std::span<const Window> windows, std::span<const std::int64_t> limit) {
  const auto N = static_cast<std::int64_t>(windows.size());
  const std::span last = std::span(last_h_).first(static_cast<std::size_t>(spec_.L * N * spec_.H));
  {
    const Stopwatch watch(seconds_.gather);
    gather_.begin(windows, limit);
  }
  const Stopwatch watch(seconds_.recurrence);
  recurrence_->infer(spec_.patches(), static_cast<int>(N), gather_.inputs(evaluation_params_), {},
                     {}, {last, {}});
}

// carry_state: the windows before are walked first, from each series' start, and hand their state
// on.
void CpuEngine::infer_chain(std::span<const Window> windows, std::span<const std::int64_t> limit) {
  const auto N = static_cast<std::int64_t>(windows.size());
  const auto size = static_cast<std::size_t>(spec_.L * N * spec_.H);
  const std::span last_h = std::span(last_h_).first(size);
  std::fill(last_h.begin(), last_h.end(), 0.0f);
  last_c_.assign(size, 0.0f);
  std::int64_t links = 0;
  for (const Window& w : windows) links = std::max(links, w.origin / spec_.T + 1);
  std::vector<Window> link(windows.begin(), windows.end());
  for (std::int64_t j = links - 1; j >= 0; --j) {
    for (std::size_t n = 0; n < link.size(); ++n) {
      link[n].origin = std::max<std::int64_t>(-1, windows[n].origin - j * spec_.T);
      if (link[n].origin >= 0) continue;  // this series has not begun: its state stays zero
    }
    gather_.begin(link, limit);
    recurrence_->infer(spec_.patches(), static_cast<int>(N), gather_.inputs(evaluation_params_),
                       {last_h, last_c_}, {}, {last_h, last_c_});
    for (std::int64_t l = 0; l < spec_.L; ++l) {
      for (std::int64_t n = 0; n < N; ++n) {
        if (link[static_cast<std::size_t>(n)].origin >= 0) continue;
        std::fill_n(last_h.data() + (l * N + n) * spec_.H, spec_.H, 0.0f);
        std::fill_n(last_c_.data() + (l * N + n) * spec_.H, spec_.H, 0.0f);
      }
    }
  }
}

template <typename Use>
void CpuEngine::for_each_batch(std::span<const Window> windows, bool targets,
                               std::span<const std::int64_t> limit, Use use) {
  load(Loaded::evaluation);
  const auto total = static_cast<std::int64_t>(windows.size());
  const std::int64_t batch = std::min<std::int64_t>(total, setup_.batch);
  if (batch == 0) return;
  u_.resize(static_cast<std::size_t>(batch * spec_.outputs()));
  target_.resize(targets ? static_cast<std::size_t>(batch * spec_.K * spec_.M) : 0);
  for (std::int64_t begin = 0; begin < total; begin += batch) {
    const std::int64_t n = std::min(batch, total - begin);
    const auto part = windows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
    prepare(n, false);
    space_->prepare(part);
    if (spec_.carry_state) {
      infer_chain(part, limit);
    } else {
      infer_batch(part, limit);
    }
    const Stopwatch watch(seconds_.head);
    const auto top = static_cast<std::size_t>((spec_.L - 1) * n * spec_.H);
    head_.infer(gather_, evaluation_params_,
                std::span(last_h_).subspan(top, static_cast<std::size_t>(n * spec_.H)), u_,
                target_);
    use(begin, part);
  }
}

LossReport CpuEngine::validate(std::span<const Window> windows,
                               std::span<const std::int64_t> limit) {
  const int Q = spec_.Q();
  const std::int64_t KM = spec_.K * spec_.M;
  double loss = 0;
  LossReport report;
  for_each_batch(windows, true, limit, [&](std::int64_t, std::span<const Window> part) {
    const WindowRows batch = gather_.rows();
    for (std::size_t n = 0; n < part.size(); ++n) {
      double window_loss = 0;
      for (std::int64_t i = 0; i < KM; ++i) {
        const float target =
            target_[n * static_cast<std::size_t>(KM) + static_cast<std::size_t>(i)];
        if (std::isnan(target)) continue;
        const float* u = u_.data() + (static_cast<std::int64_t>(n) * KM + i) * Q;
        window_loss += output_loss(spec_, batch, static_cast<std::int64_t>(n), i, u, target);
        ++report.targets;
      }
      if (!std::isfinite(window_loss) && report.bad_series < 0) report.bad_series = part[n].series;
      const float weight = row_weight(batch, static_cast<std::int64_t>(n), part[n].origin);
      loss += window_loss * static_cast<double>(weight);
    }
  });
  report.windows = static_cast<std::int64_t>(windows.size());
  report.loss = report.targets > 0 ? loss / static_cast<double>(report.targets)
                                   : std::numeric_limits<double>::quiet_NaN();
  return report;
}

void CpuEngine::forecast(std::span<const Window> windows, std::span<const float> offsets,
                         std::span<float> out) {
  const int Q = spec_.Q(), M = spec_.M;
  const std::int64_t KM = spec_.K * M;
  if (!offsets.empty() && (Q != 1 || is_distribution(spec_.loss))) {
    throw InternalError("offsets need a model with one output");
  }
  const std::int64_t J = offsets.empty() ? Q : static_cast<std::int64_t>(offsets.size()) / KM;
  for_each_batch(windows, false, {}, [&](std::int64_t begin, std::span<const Window>) {
    const WindowRows batch = gather_.rows();
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (std::int64_t n = 0; n < batch.N; ++n) {
      for (std::int64_t i = 0; i < KM; ++i) {
        const auto moved = offsets.empty() ? offsets
                                           : offsets.subspan(static_cast<std::size_t>(i * J),
                                                             static_cast<std::size_t>(J));
        write_output(spec_, batch, n, i, u_.data() + (n * KM + i) * Q, moved,
                     out.data() + ((begin + n) * KM + i) * J);
      }
    }
  });
}

void CpuEngine::sample(std::span<const Window> windows, const PathSettings& settings,
                       std::span<float> out) {
  if (!is_distribution(spec_.loss)) throw InternalError("only a distribution has sample paths");
  load(Loaded::evaluation);
  if (!paths_) paths_ = std::make_unique<PathWalk>(*space_, *recurrence_, threads_);
  const auto total = static_cast<std::int64_t>(windows.size());
  const std::int64_t batch = std::min<std::int64_t>(total, setup_.batch);
  const std::int64_t each = settings.count * space_->horizon() * spec_.M;
  for (std::int64_t begin = 0; begin < total; begin += batch) {
    const std::int64_t n = std::min(batch, total - begin);
    const auto part = windows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
    prepare(n, false);
    const auto states = static_cast<std::size_t>(spec_.L * n * spec_.H);
    last_c_.resize(std::max(last_c_.size(), states));
    const std::span h = std::span(last_h_).first(states), c = std::span(last_c_).first(states);
    gather_.begin(part, {});
    recurrence_->infer(spec_.patches(), static_cast<int>(n), gather_.inputs(evaluation_params_), {},
                       {}, {h, c});
    PathSettings of_part = settings;
    of_part.streams = settings.streams.subspan(static_cast<std::size_t>(begin * spec_.M),
                                               static_cast<std::size_t>(n * spec_.M));
    paths_->walk(
        part, of_part, evaluation_params_, {h, c},
        out.subspan(static_cast<std::size_t>(begin * each), static_cast<std::size_t>(n * each)));
  }
}

void CpuEngine::residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                          std::span<float> out) {
  if (is_distribution(spec_.loss)) throw InternalError("a distribution has no residuals");
  const int Q = spec_.Q(), median = median_output(spec_);
  const std::int64_t KM = spec_.K * spec_.M;
  for_each_batch(windows, true, limit, [&](std::int64_t begin, std::span<const Window> part) {
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(part.size()) * KM; ++i) {
      out[static_cast<std::size_t>(begin * KM + i)] =
          target_[static_cast<std::size_t>(i)] - u_[static_cast<std::size_t>(i * Q + median)];
    }
  });
}

// In batches of their own: a pass back keeps all steps of all windows, and the head's slopes at all
// nodes.
Attributions CpuEngine::attribute(std::span<const Window> windows, const InputGroups& groups,
                                  const AttributionSettings& settings) {
  if (spec_.carry_state) {
    throw ConfigError(
        "a forecast of a model with training.carry_state begins from all that came before its "
        "window, which has no contributions; train with training.carry_state = false");
  }
  if (space_->leaves_out()) throw InternalError("contributions need all steps of a series");
  constexpr std::int64_t kWindows = 128, kKept = 1 << 24;  // floats
  const std::int64_t of_window = std::int64_t{settings.points} * spec_.K * spec_.M * spec_.H;
  const auto batch =
      static_cast<std::size_t>(std::clamp<std::int64_t>(kKept / of_window, 1, kWindows));
  omp_set_num_threads(threads_);
  load(Loaded::evaluation);
  Attribution attribution(*space_, *recurrence_, evaluation_params_, groups, settings, threads_);
  Attributions out;
  for (std::size_t begin = 0; begin < windows.size(); begin += batch) {
    const auto part = windows.subspan(begin, std::min(batch, windows.size() - begin));
    space_->prepare(part);
    gather_.begin(part, {});
    attribution.add(gather_.rows(evaluation_params_), out);
  }
  return out;
}

}  // namespace sluice
