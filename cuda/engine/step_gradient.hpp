// The gradient of the tables of steps' categories: rows that steps of many windows share, and one
// of them, of the word that most days have, nearly all. No atomics: the steps that are read are
// sorted by their row, many threads add them in runs, and one thread a row and column adds its
// runs; the order, and so the bits, are those of host/engine/shared/step_gradient.hpp.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/reduce.hpp"
#include "engine/shared/step_gradient.hpp"
#include "sluice/model/spec.hpp"

namespace sluice {

class DeviceStepGradient {
 public:
  /// The context outlives it.
  DeviceStepGradient(const ModelSpec& spec, DeviceContext& context);

  /// Makes ready for batches of up to N windows: the only place that allocates. Throws DeviceError.
  void prepare(std::int64_t N);

  /// The part of run() that needs no gradients, before it: sorts, and zeros the tables' part of the
  /// flat gradient [P]. Asynchronous on the context's stream, can be captured. Throws DeviceError.
  void begin(const WindowRows& rows, DeviceSpan<float> gradient);
  /// After begin(): the tables' part of the flat gradient [P]; nothing without them.
  ///   dx        [patches,N,C] of the recurrence's input
  ///   dcontext  [rows,E] of the columns of embeddings of the head's context, E together, for the
  ///             steps from spec.first_head_step() on, time-major
  /// Asynchronous on the context's stream, can be captured. Throws DeviceError.
  void run(const WindowRows& rows, DeviceSpan<const float> dx, DeviceSpan<const float> dcontext,
           DeviceSpan<float> gradient);

 private:
  /// The place of what is read of no table: behind them.
  std::uint64_t none() const { return static_cast<std::uint64_t>(begin_ + size_); }

  DeviceContext& context_;
  EmbeddingColumns columns_;
  std::int64_t begin_ = 0, size_ = 0;  ///< the tables in the flat parameters
  std::int64_t steps_ = 0;             ///< read_steps()
  int count_ = 0, widest_ = 0, key_bits_ = 0;
  PairSort sort_;
  DeviceBuffer<std::uint64_t> places_, sorted_places_;  ///< [N,steps,count]
  DeviceBuffer<std::int32_t> reads_, sorted_reads_;     ///< [N,steps,count]
  DeviceBuffer<float> sums_;                            ///< [N,steps,columns_.steps]
  DeviceBuffer<float> runs_;                            ///< [N,steps,count,widest]
};

}  // namespace sluice
