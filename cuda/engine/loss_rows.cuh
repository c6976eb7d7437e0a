// What the kernels of a loss share: rows of a range and their weights, and parts of a sum.
#pragma once

#include <cstdint>

#include "engine/head_kernels.hpp"

namespace sluice {

__device__ inline LossPart sum_of(LossPart a, const LossPart& b) {
  a.loss += b.loss;
  a.targets += b.targets;
  if (a.bad_row < 0 || (b.bad_row >= 0 && b.bad_row < a.bad_row)) a.bad_row = b.bad_row;
  return a;
}

/// From a row of a range to its window and its step of the series.
struct RowWalk {
  std::uint32_t N, window;  ///< of the range's first row
  int step;                 ///< of the recurrence, of the range's first row
};

inline RowWalk walk_of(const WindowRows& rows, const HeadRowRange& range) {
  return {static_cast<std::uint32_t>(rows.N), static_cast<std::uint32_t>(range.row % rows.N),
          range.first_step + static_cast<int>(range.row / rows.N)};
}

/// A row's window and its step t of the series.
struct RowPlace {
  std::int64_t n, t;
};

__device__ inline RowPlace place_of(const WindowRows& rows, const RowWalk& walk, std::uint32_t r) {
  const std::uint32_t at = walk.window + r;
  const std::int64_t n = at % walk.N;
  return {n, patch_end(rows.space, rows.windows[n], walk.step + static_cast<int>(at / walk.N))};
}

__device__ inline float weight_of(const WindowRows& rows, const RowWalk& walk, std::uint32_t r) {
  const RowPlace place = place_of(rows, walk, r);
  return row_weight(rows, place.n, place.t);
}

/// Rows come in chunks: what one holds fits 32 bits. Throws InternalError where it does not.
std::uint32_t size_of(std::int64_t rows, std::int64_t width);

}  // namespace sluice
