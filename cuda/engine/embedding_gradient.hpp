// Gradients of the embeddings: what reaches the embedding columns of x and of the head's context,
// summed over steps and over the windows of each code, without atomics: windows are sorted by code,
// and each (code, column) is summed by one thread in the order of the windows, as on the CPU.
#pragma once

#include <cstdint>

#include "engine/device_context.hpp"
#include "engine/reduce.hpp"
#include "engine/window_rows.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class EmbeddingGradient {
 public:
  /// The context outlives it.
  EmbeddingGradient(const ModelSpec& spec, DeviceContext& context);

  /// Makes ready for batches of up to N windows: the only place that allocates. Throws DeviceError.
  void prepare(std::int64_t N);
  /// Overwrites the embeddings' part of `gradient` [P]. dx [T,N,C]; dcontext [rows,E], rows as in
  /// gather_head() from spec.first_head_step(); E = spec.embedding_width() > 0.
  void run(const WindowRows& rows, DeviceSpan<const float> dx, DeviceSpan<const float> dcontext,
           DeviceSpan<float> gradient);

 private:
  const ModelSpec spec_;
  DeviceContext& context_;
  std::int64_t first_ = 0;  ///< where the embeddings begin in the flat buffer
  PairSort sort_;
  DeviceBuffer<float> window_sums_;                                         ///< [N,E]
  DeviceBuffer<std::int32_t> keys_, places_, sorted_keys_, sorted_places_;  ///< [N]
};

}  // namespace sluice
