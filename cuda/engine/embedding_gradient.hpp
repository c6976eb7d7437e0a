// The gradient of the embeddings of series: rows of a table that many windows of a batch share. No
// atomics: the windows are sorted by their row, and one thread adds those of one row and column in
// the order of the windows, as the CPU engine does. The same sums give the same bits as there.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/reduce.hpp"
#include "engine/shared/step_gradient.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class EmbeddingGradient {
 public:
  /// The context outlives it.
  EmbeddingGradient(const ModelSpec& spec, DeviceContext& context);

  /// Makes ready for batches of up to N windows: the only place that allocates. Throws DeviceError.
  void prepare(std::int64_t N);

  /// The part of run() that needs no gradients, before it: sorts, and zeros these embeddings' part
  /// of the flat gradient [P]. Asynchronous on the context's stream, can be captured. Throws
  /// DeviceError.
  void begin(const WindowRows& rows, DeviceSpan<float> gradient);
  /// After begin(): these embeddings' part of the flat gradient [P]; nothing without embeddings.
  ///   dx        [patches,N,C] of the recurrence's input
  ///   dcontext  [rows,E] of the embeddings' columns of the head's context, E together, for the
  ///             steps from spec.first_head_step() on, time-major
  /// Asynchronous on the context's stream, can be captured. Throws DeviceError.
  void run(const WindowRows& rows, DeviceSpan<const float> dx, DeviceSpan<const float> dcontext,
           DeviceSpan<float> gradient);

 private:
  DeviceContext& context_;
  std::int64_t begin_ = 0, size_ = 0;  ///< these embeddings in the flat parameters
  int count_ = 0, widest_ = 0, key_bits_ = 0;
  EmbeddingColumns columns_;
  PairSort sort_;
  DeviceBuffer<std::uint64_t> places_, sorted_places_;  ///< [N,count]
  DeviceBuffer<std::int32_t> pairs_, sorted_pairs_;     ///< [N,count]
  DeviceBuffer<float> window_sums_;                     ///< [N,columns_.series]
};

}  // namespace sluice
