// Windows of training whose last values are drawn (Window::drawn): sample paths as path_rows.hpp
// walks them, each in its window's own slice (Slices::for_drawn_pasts()), from so many steps before
// the window's origin up to it.
#pragma once

#include <cstdint>
#include <span>

#include "engine/shared/model_space.hpp"
#include "engine/shared/path_rows.hpp"
#include "sluice/base/host_device.hpp"
#include "sluice/data/window.hpp"

namespace sluice {

/// The number of a past's one path: the last there is, so that no forecast shares its random
/// numbers.
inline constexpr std::int64_t kPastPath = (std::int64_t{1} << 28) - 1;

/// Names the random numbers of target m of M of window n of training step `step`; the same ones for
/// the members of an ensemble, whose engines have one seed.
inline std::uint64_t past_stream(std::int64_t step, std::int64_t n, int M, int m) {
  return static_cast<std::uint64_t>(step) << 32 | static_cast<std::uint64_t>(n * M + m);
}

/// The window at the last step before the drawn ones; before its series' start where nothing is
/// drawn.
SLUICE_HD inline Window before_drawn(Window window, int drawn_steps) {
  const bool draws = window.drawn && window.origin >= drawn_steps;
  window.origin = draws ? window.origin - drawn_steps : -1;
  return window;
}

/// For the drawn ones of the windows [N] of training step `step`: where their paths begin, and what
/// names their random numbers. states, streams [N,M]; those of other windows are left as they are.
/// The first of the windows is number `first` of the step.
void begin_pasts(const ModelSpace& space, std::span<const Window> windows, std::int64_t first,
                 std::int64_t step, int threads, std::span<StepState> states,
                 std::span<std::uint64_t> streams);

/// The numbers of such paths: all but pointers and rows.
PathRows past_rows(const ModelSpace& space, std::uint64_t seed);

}  // namespace sluice
