#include "engine/shared/drawn_pasts.hpp"

#include "engine/shared/path_batch.hpp"

namespace sluice {

void begin_pasts(const ModelSpace& space, std::span<const Window> windows, std::int64_t first,
                 std::int64_t step, int threads, std::span<StepState> states,
                 std::span<std::uint64_t> streams) {
  const auto N = static_cast<std::int64_t>(windows.size());
  const int M = space.spec().M;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::int64_t n = 0; n < N; ++n) {
    const Window from = before_drawn(windows[static_cast<std::size_t>(n)], space.drawn_steps());
    for (int m = 0; m < M && from.origin >= 0; ++m) {
      const auto at = static_cast<std::size_t>(n * M + m);
      states[at] = space.state_at(m, from.series, from.origin);
      streams[at] = past_stream(step, first + n, M, m);
    }
  }
}

PathRows past_rows(const ModelSpace& space, std::uint64_t seed) {
  PathRows paths = path_numbers(space);
  paths.horizon = space.drawn_steps();
  paths.seed = seed;
  paths.first_path = kPastPath;
  return paths;
}

}  // namespace sluice
