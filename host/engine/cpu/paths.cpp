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

PathRowWalk::PathRowWalk(const ModelSpace& space, Recurrence& recurrence, int threads)
    : spec_(of_one_step(space.spec())),
      threads_(threads),
      recurrence_(recurrence),
      head_(spec_, threads) {}

void PathRowWalk::prepare(std::int64_t R) {
  h_.resize(static_cast<std::size_t>(spec_.L * R * spec_.H));
  c_.resize(h_.size());
  u_.resize(static_cast<std::size_t>(R * spec_.outputs()));
  recurrence_.prepare(1, static_cast<int>(R), false);
  head_.prepare(R, false);
}

void PathRowWalk::walk(const PathRows& paths, std::span<const Window> windows,
                       std::span<const float> params) {
  const std::int64_t R = paths.rows.N, outputs = spec_.outputs();
  const auto top = static_cast<std::size_t>((spec_.L - 1) * R * spec_.H);
  Gather gather(paths.rows.space, spec_);
  for (int k = 0; k < paths.horizon; ++k) {
    gather.begin(windows, {});
    if (k > 0) {
      recurrence_.infer(1, static_cast<int>(R), gather.inputs(params), {h_, c_}, {}, {h_, c_});
    }
    head_.infer(gather, params, std::span(h_).subspan(top), u_, {});
    with_distribution(spec_.loss, [&](auto loss) {
#pragma omp parallel for schedule(static) num_threads(threads_)
      for (std::int64_t r = 0; r < R; ++r) {
        extend_path<decltype(loss)::value>(paths, r, k, u_.data() + r * outputs);
      }
    });
  }
}

PathWalk::PathWalk(const ModelSpace& space, Recurrence& recurrence, int threads)
    : L_(space.spec().L),
      H_(space.spec().H),
      KM_(std::int64_t{space.horizon()} * space.spec().M),
      batch_(space, threads, kLimits),
      rows_(space, recurrence, threads) {}

void PathWalk::walk(std::span<const Window> windows, const PathSettings& settings,
                    std::span<const float> params, StateIn last, std::span<float> out) {
  const auto N = static_cast<std::int64_t>(windows.size());
  for (const PathPart& part : batch_.parts(N, settings.count)) {
    batch_.begin(windows, settings, part);
    start(part, N, last);
    rows_.walk(batch_.path_rows(params, out_), batch_.rows(), params);
    for (std::int64_t w = 0; w < part.windows; ++w) {
      const std::int64_t to = (part.first_window + w) * settings.count + part.first_path;
      std::copy_n(out_.data() + w * part.paths * KM_, part.paths * KM_, out.data() + to * KM_);
    }
  }
}

// Every path begins with the state of its window.
void PathWalk::start(const PathPart& part, std::int64_t N, StateIn last) {
  const std::int64_t R = part.rows();
  rows_.prepare(R);
  out_.resize(static_cast<std::size_t>(R * KM_));
  for (std::int64_t l = 0; l < L_; ++l) {
    for (std::int64_t r = 0; r < R; ++r) {
      const std::int64_t from = (l * N + part.first_window + r / part.paths) * H_;
      std::copy_n(last.h.data() + from, H_, rows_.h().data() + (l * R + r) * H_);
      std::copy_n(last.c.data() + from, H_, rows_.c().data() + (l * R + r) * H_);
    }
  }
}

}  // namespace sluice
