// Training on drawn pasts on the device, as host/engine/cpu/pasts.hpp on the host: before a batch
// is gathered, sample paths take the place of the last values in the slices of its drawn windows.
//
// What would surprise: all windows of the batch are walked, whether drawn or not, so that a graph
// fits every batch of its size; those that are not drawn stand still before their series' start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/row_walk.hpp"
#include "engine/shared/drawn_pasts.hpp"
#include "engine/shared/model_space.hpp"
#include "recurrence/device_recurrence.hpp"

namespace sluice {

class DeviceDrawnPasts {
 public:
  /// All outlive it. `seed`: of the draws. `threads` begin the paths on the host.
  DeviceDrawnPasts(const ModelSpace& space, DeviceRecurrence& recurrence, Precision head,
                   std::uint64_t seed, DeviceContext& context, int threads);

  /// Bytes that a batch of N windows takes with it.
  std::int64_t bytes(std::int64_t N) const;
  /// Writes them, [bytes(N)], for the windows [N] of training step `step`, of whose windows they
  /// are those from `first` on.
  void begin(std::span<const Window> windows, std::int64_t first, std::int64_t step,
             std::span<std::byte> out) const;

  /// Makes ready for batches of N windows: the only place that allocates. Buffers of the recurrence
  /// may move. Throws DeviceError.
  void prepare(std::int64_t N);
  /// Draws, with the weights that the recurrence was given; params [P]. Asynchronous.
  ///   rows   a batch of slices (Slices::for_drawn_pasts()); in, out: values, levels, bases
  ///   begun  what begin() wrote, in device memory; overwritten
  void enqueue(const WindowRows& rows, std::byte* begun, DeviceSpan<const float> params);

 private:
  const ModelSpace& space_;
  DeviceRecurrence& recurrence_;
  DeviceContext& context_;
  int threads_;
  PathRows numbers_;
  DeviceRowWalk walk_;
  DeviceBuffer<float> x_;         ///< [T - drawn steps,N,C]
  DeviceBuffer<Window> windows_;  ///< [N]
};

}  // namespace sluice
