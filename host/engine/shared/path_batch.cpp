#include "engine/shared/path_batch.hpp"

#include <algorithm>

namespace sluice {

PathArrays path_arrays(const SpaceView& view, Window* windows) {
  const auto writable = [](const float* from) { return const_cast<float*>(from); };
  return {.v = writable(view.v),
          .s = writable(view.s),
          .o = writable(view.o),
          .smoothed = writable(view.smoothed),
          .drift = writable(view.drift),
          .windows = windows};
}

PathRows path_numbers(const ModelSpace& space) {
  const ModelSpec& spec = space.spec();
  PathRows numbers;
  numbers.horizon = space.horizon();
  numbers.rule = step_rule(spec);
  numbers.loss = spec.loss;
  numbers.power = static_cast<double>(spec.tweedie_power);
  return numbers;
}

PathBatch::PathBatch(const ModelSpace& space, int threads, const PathLimits& limits)
    : space_(space),
      threads_(threads),
      slices_(Slices::for_paths(space, threads)),
      numbers_(path_numbers(space)) {
  most_rows_ = std::clamp<std::int64_t>(limits.bytes / slices_.shape(1).bytes(), 1, limits.rows);
}

std::vector<PathPart> PathBatch::parts(std::int64_t windows, std::int64_t paths) const {
  std::vector<PathPart> parts;
  if (windows == 0 || paths == 0) return parts;
  const std::int64_t together = std::max<std::int64_t>(1, most_rows_ / paths);
  const std::int64_t pieces = (paths + most_rows_ - 1) / most_rows_;
  for (std::int64_t w = 0; w < windows; w += together) {
    for (std::int64_t i = 0; i < pieces; ++i) {
      const std::int64_t first = paths * i / pieces;
      parts.push_back({.first_window = w,
                       .windows = std::min(together, windows - w),
                       .first_path = first,
                       .paths = paths * (i + 1) / pieces - first});
    }
  }
  return parts;
}

void PathBatch::begin(std::span<const Window> windows, const PathSettings& settings,
                      const PathPart& part) {
  const std::int64_t R = part.rows(), M = space_.spec().M;
  repeated_.clear();
  states_.resize(static_cast<std::size_t>(R * M));
  slots_.resize(static_cast<std::size_t>(R));
  for (std::int64_t w = 0; w < part.windows; ++w) {
    const Window& window = windows[static_cast<std::size_t>(part.first_window + w)];
    repeated_.insert(repeated_.end(), static_cast<std::size_t>(part.paths), window);
  }
#pragma omp parallel for schedule(static) num_threads(threads_)
  for (std::int64_t w = 0; w < part.windows; ++w) {
    const Window& window = windows[static_cast<std::size_t>(part.first_window + w)];
    for (std::int64_t m = 0; m < M; ++m) {
      const StepState state = space_.state_at(static_cast<int>(m), window.series, window.origin);
      for (std::int64_t p = 0; p < part.paths; ++p) {
        states_[static_cast<std::size_t>((w * part.paths + p) * M + m)] = state;
      }
    }
  }
  const std::span streams = settings.streams.subspan(
      static_cast<std::size_t>(part.first_window * M), static_cast<std::size_t>(part.windows * M));
  streams_.assign(streams.begin(), streams.end());
  shape_ = slices_.shape(R);
  block_.reserve(shape_.bytes());
  slices_.pack(repeated_, shape_, block_.data(), slots_);
  numbers_.seed = settings.seed;
  numbers_.paths = part.paths;
  numbers_.first_path = settings.first + part.first_path;
}

PathRows PathBatch::path_rows(std::span<const float> params, std::span<float> out) {
  PathRows paths = numbers_;
  paths.rows.space = slices_.view(shape_, space_.view(), block_.data());
  paths.rows.windows = slots_.data();
  paths.rows.N = static_cast<std::int64_t>(slots_.size());
  paths.rows.params = params.data();
  paths.arrays = path_arrays(paths.rows.space, slots_.data());
  paths.states = states_.data();
  paths.streams = streams_.data();
  paths.out = out.data();
  return paths;
}

}  // namespace sluice
