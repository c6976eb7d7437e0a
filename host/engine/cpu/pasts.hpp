// Training on drawn pasts on the CPU: a batch whose windows lie in slices of their own, in which
// sample paths take the place of what came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/cpu/paths.hpp"
#include "engine/recurrence.hpp"
#include "engine/shared/aligned_array.hpp"
#include "engine/shared/gather.hpp"
#include "engine/shared/model_space.hpp"
#include "engine/shared/slices.hpp"

namespace sluice {

class DrawnPasts {
 public:
  /// `space` and `recurrence` outlive it. `seed`: of the draws.
  DrawnPasts(const ModelSpace& space, Recurrence& recurrence, std::uint64_t seed, int threads);

  /// Draws the pasts of the batch of training step `step`, with the weights that the recurrence was
  /// given. The batch as it is then, whose window n is of series n, until the next call; targets at
  /// or after limit[series] are missing. Throws DeviceError, std::bad_alloc.
  Gather& draw(std::span<const Window> windows, std::span<const std::int64_t> limit,
               std::int64_t first, std::int64_t step, std::span<const float> params);

 private:
  void place(std::span<const Window> windows, std::span<const std::int64_t> limit);
  void choose_rows(std::span<const Window> windows, std::int64_t first, std::int64_t step);
  void walk(std::span<const float> params);

  const ModelSpace& space_;
  Recurrence& recurrence_;
  int threads_;
  Slices slices_;
  Slices::Shape shape_;
  AlignedArray<std::byte> block_;
  std::vector<Window> slots_;        ///< [N], of the batch in its slices
  std::vector<std::int64_t> limit_;  ///< [N]
  std::optional<Gather> gather_;     ///< of the slices
  std::vector<Window> rows_;         ///< [R], of those that are drawn
  std::vector<StepState> states_;    ///< [N,M], then [R,M]
  std::vector<std::uint64_t> streams_;
  PathRows numbers_;
  PathRowWalk walk_;
};

}  // namespace sluice
