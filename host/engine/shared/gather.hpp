// From windows to numbers: the inputs of the recurrence, and what the head sees beside h_t. Windows
// are never materialised beyond the batch at hand; the head's context only for the rows of one
// chunk.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/recurrence.hpp"
#include "engine/shared/model_space.hpp"
#include "engine/shared/step_gradient.hpp"
#include "sluice/data/window.hpp"

namespace sluice {

/// Rows of the head: row r belongs to step first + r / N of the recurrence over window r % N;
/// time-major, `first` being spec.first_head_step() in training.
struct HeadRows {
  float* context;               ///< [rows, F]
  std::int64_t context_stride;  ///< >= F, floats from one row's context to the next
  float* base;                  ///< [rows, K, M]
  float* target;                ///< [rows, K, M], NaN where there is none; null: not wanted
};

class WindowInputs final : public InputRows {
 public:
  explicit WindowInputs(const WindowRows& rows) : rows_(rows) {}
  void write(int t, int steps, std::int64_t first, std::int64_t count, float* out,
             std::int64_t out_step) const override;

 private:
  WindowRows rows_;
};

class Gather {
 public:
  explicit Gather(const ModelSpace& space);
  /// Of a view over memory that outlives it, for the network `spec` whose T is the view's.
  Gather(const SpaceView& space, const ModelSpec& spec);

  /// Takes the windows of a batch (kept until the next call). Targets at or after limit[series] are
  /// missing; empty limit: all that exist are used.
  void begin(std::span<const Window> windows, std::span<const std::int64_t> limit);
  std::span<const Window> windows() const { return windows_; }
  /// The batch as the functions of window_rows.hpp take it. `params`: the flat buffer (embeddings).
  WindowRows rows(std::span<const float> params = {}) const;

  /// x of the batch, as the recurrence asks for it; for as long as the batch. Steps before a
  /// series' start are zero.
  WindowInputs inputs(std::span<const float> params) const;

  /// Rows [row, row + count) counted from step `first_step` of the recurrence, one thread.
  void head(int first_step, std::int64_t row, std::int64_t count, std::span<const float> params,
            const HeadRows& out) const;

  /// Adds embedding gradients. dx [patches,N,C] of the recurrence's input; dcontext: the embedding
  /// columns of the head's context, [rows, head_embeddings], rows as in head().
  void embedding_gradient(std::span<const float> dx, std::int64_t rows,
                          std::span<const float> dcontext, std::span<float> gradient);

 private:
  void fit_windows();

  SpaceView space_;
  WindowScaling scaling_;
  int F_;  ///< width of the head's context
  EmbeddingColumns columns_;
  StepGradient step_gradient_;
  std::vector<Window> windows_;
  std::vector<std::int64_t> limit_;    ///< [N], or empty
  std::vector<Affine> window_affine_;  ///< [N, M] with window scaling
};

}  // namespace sluice
