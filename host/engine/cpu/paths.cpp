#include "engine/cpu/paths.hpp"

#include <algorithm>

namespace sluice {
namespace {

/// Rows whose products fill oneDNN's and the recurrence's blocks, in arrays that caches hold.
constexpr PathLimits kLimits = {.rows = 2048, .bytes = 64 << 20};

ModelSpec of_one_step(ModelSpec spec) {
  spec.T = 1, spec.forking = false, spec.warmup = 0;
  return spec;
}

}  // namespace

PathWalk::PathWalk(const ModelSpace& space, Recurrence& recurrence, int threads)
    : spec_(of_one_step(space.spec())),
      horizon_(space.horizon()),
      threads_(threads),
      recurrence_(recurrence),
      batch_(space, threads, kLimits),
      head_(spec_, threads) {}

void PathWalk::walk(std::span<const Window> windows, const PathSettings& settings,
                    std::span<const float> params, StateIn last, std::span<float> out) {
  const auto N = static_cast<std::int64_t>(windows.size());
  const std::int64_t KM = std::int64_t{horizon_} * spec_.M;
  for (const PathPart& part : batch_.parts(N, settings.count)) {
    batch_.begin(windows, settings, part);
    start(part, N, last);
    walk_part(params);
    for (std::int64_t w = 0; w < part.windows; ++w) {
      const std::int64_t to = (part.first_window + w) * settings.count + part.first_path;
      std::copy_n(out_.data() + w * part.paths * KM, part.paths * KM, out.data() + to * KM);
    }
  }
}

// Every path begins with the state of its window.
void PathWalk::start(const PathPart& part, std::int64_t N, StateIn last) {
  const std::int64_t R = part.rows(), H = spec_.H;
  h_.resize(static_cast<std::size_t>(spec_.L * R * H));
  c_.resize(h_.size());
  u_.resize(static_cast<std::size_t>(R * spec_.outputs()));
  out_.resize(static_cast<std::size_t>(R * horizon_ * spec_.M));
  for (std::int64_t l = 0; l < spec_.L; ++l) {
    for (std::int64_t r = 0; r < R; ++r) {
      const std::int64_t from = (l * N + part.first_window + r / part.paths) * H;
      std::copy_n(last.h.data() + from, H, h_.data() + (l * R + r) * H);
      std::copy_n(last.c.data() + from, H, c_.data() + (l * R + r) * H);
    }
  }
  recurrence_.prepare(1, static_cast<int>(R), false);
  head_.prepare(R, false);
}

void PathWalk::walk_part(std::span<const float> params) {
  const PathRows paths = batch_.path_rows(params, out_);
  const std::int64_t R = paths.rows.N, states = R * spec_.H, outputs = spec_.outputs();
  Gather gather(paths.rows.space, spec_);
  for (int k = 0; k < horizon_; ++k) {
    gather.begin(batch_.rows(), {});
    if (k > 0) {
      recurrence_.infer(1, static_cast<int>(R), gather.inputs(params), {h_, c_}, {}, {h_, c_});
    }
    head_.infer(gather, params,
                std::span(h_).subspan(static_cast<std::size_t>((spec_.L - 1) * states)), u_, {});
    with_distribution(spec_.loss, [&](auto loss) {
#pragma omp parallel for schedule(static) num_threads(threads_)
      for (std::int64_t r = 0; r < R; ++r) {
        extend_path<decltype(loss)::value>(paths, r, k, u_.data() + r * outputs);
      }
    });
  }
}

}  // namespace sluice
