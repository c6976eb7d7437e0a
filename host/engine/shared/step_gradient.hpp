// The gradient of the tables of steps' categories. A window reads T + K steps of such a table:
// those of the recurrence, and those of the horizon after the last one. What it reads of one step
// is summed over x and all rows of the head that see that step; these sums are added, row by row of
// the table, in runs of kRun in the order of windows and steps. CPU and GPU add in this order: the
// same bits. Tables of series have a sum of their own (Gather::embedding_gradient, on the GPU
// EmbeddingGradient): a window reads one of their rows at all its steps, so that one number a
// window is added, in float; made by runs, every training with categories of series had other bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/shared/window_rows.hpp"

namespace sluice {

/// Sums that are added to each other before a sum of them goes on: a word that most steps have is
/// added by many threads of a GPU.
inline constexpr std::int64_t kRun = 128;

/// Columns of embeddings, the last ones of x and of the head's context (ModelSpec).
struct EmbeddingColumns {
  int series = 0;  ///< of tables of series, the first of them in both
  int steps = 0;   ///< of tables of steps, in x for each step of a patch
  int patch = 0;   ///< likewise, for the whole patch
  int head = 0;    ///< of all in the context
};
inline EmbeddingColumns embedding_columns(const ModelSpec& spec) {
  EmbeddingColumns columns;
  for (const auto& e : spec.embeddings) columns.series += e.width;
  for (const auto& e : spec.step_embeddings) columns.steps += e.width;
  columns.patch = spec.patch * columns.steps;
  columns.head = spec.head_embeddings();
  return columns;
}

/// The first step of the recurrence over window w at which its series has begun.
SLUICE_HD inline std::int64_t first_begun(const SpaceView& space, const Window& w) {
  const std::int64_t before = -patch_end(space, w, 0);  // steps from there to the series' start
  return before <= 0 ? 0 : (before + space.patch - 1) / space.patch;
}

/// Steps of a window that read a row of a table of steps.
SLUICE_HD inline std::int64_t read_steps(const SpaceView& space) {
  return std::int64_t{space.T} + space.K;
}

/// The place of the row of table e that window n reads at step j of read_steps(); -1: none.
SLUICE_HD inline std::int64_t read_place(const WindowRows& rows, std::int64_t n, std::int64_t j,
                                         int e) {
  const SpaceView& space = rows.space;
  const std::int64_t t = rows.windows[n].origin - space.T + 1 + j;
  if (t < 0 || (j >= space.T && e < space.past_step_embeddings)) return -1;
  return step_embedding_place(space, rows.windows[n].series, t, e);
}

/// The gradient of number `column` (of columns.steps) of what window n reads at step j.
///   dx        [patches,N,C] of the recurrence's input
///   dcontext  [patches - first_head_step, N, columns.head]
SLUICE_HD inline float read_gradient(const WindowRows& rows, const EmbeddingColumns& columns,
                                     std::int64_t n, std::int64_t j, int column, const float* dx,
                                     const float* dcontext) {
  const SpaceView& space = rows.space;
  if (rows.windows[n].origin - space.T + 1 + j < 0) return 0;  // x was zero there
  const int* widths = space.embedding_width + space.embedding_count;
  int e = 0, first = 0, first_future = 0;  // the column's table, and where columns of tables begin
  for (; column >= first + widths[e]; ++e) {
    first += widths[e];
    if (e < space.past_step_embeddings) first_future = first;
  }
  const std::int64_t T = space.T, K = space.K, N = rows.N, p = space.patch;
  double sum = 0;
  if (j < T) {
    const std::int64_t in_patch = j % p * columns.steps + column;
    sum += static_cast<double>(dx[(j / p * N + n) * space.C + space.C - columns.patch + in_patch]);
  }
  if (e < space.past_step_embeddings) return static_cast<float>(sum);
  const std::int64_t at = columns.series + K * (first - first_future) + (column - first);
  // Row r of the head is at the end of patch `first_head_step + r`, and sees the K steps after it.
  const std::int64_t after = j - (space.first_head_step + 1) * p;  // that of row 0
  const std::int64_t first_row = after < K ? 0 : (after - K) / p + 1;
  const std::int64_t rows_of_head = patches(space) - space.first_head_step;
  const std::int64_t end =
      after < 0 ? 0 : (after / p < rows_of_head ? after / p + 1 : rows_of_head);
  for (std::int64_t r = first_row; r < end; ++r) {
    const std::int64_t k = after - r * p;
    sum += static_cast<double>(dcontext[(r * N + n) * columns.head + at + k * widths[e]]);
  }
  return static_cast<float>(sum);
}

/// The CPU's sums over a batch.
class StepGradient {
 public:
  explicit StepGradient(const ModelSpec& spec);

  /// Adds to the flat gradient; dx and dcontext as of read_gradient(). Allocates only for a batch
  /// larger than any before.
  void add(const WindowRows& rows, std::span<const float> dx, std::span<const float> dcontext,
           std::span<float> gradient);

 private:
  EmbeddingColumns columns_;
  std::int64_t begin_ = 0;                 ///< of the tables in the flat parameters
  std::vector<float> reads_;               ///< [N, read_steps, columns_.steps]
  std::vector<double> total_, run_;        ///< of each number of the tables
  std::vector<std::int64_t> rows_in_run_;  ///< likewise; of a row's first number
};

}  // namespace sluice
