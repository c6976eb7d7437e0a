// The windows that an attribution starts from (engine/attribution.hpp): a copy of the slices that
// the windows read, made plain, so that window_rows.hpp gives the baseline's numbers as it gives
// any other's - also where a kind of input is added to it later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/shared/slices.hpp"
#include "engine/shared/window_rows.hpp"

namespace sluice {

class Baseline {
 public:
  /// `space` outlives it.
  Baseline(const ModelSpace& space, int threads);

  /// The plain windows of a batch, [N] as it has them. `batch`: with its window_affine; `params`:
  /// the flat parameters. What it points to is good until the next call.
  WindowRows rows(const WindowRows& batch, std::span<const float> params);

 private:
  void make_plain(const WindowRows& batch, const SpaceView& plain, std::int64_t n) const;

  int threads_;
  SpaceView space_;
  Slices slices_;
  std::vector<std::int64_t> table_rows_;  ///< of the tables of series
  std::vector<std::byte> block_;
  std::vector<Window> slots_;
  std::vector<float> params_;    ///< with the mean row of each table of series as its first one
  std::vector<float> calendar_;  ///< zeros
};

}  // namespace sluice
