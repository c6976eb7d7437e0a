// AdamW on the device: norm, decision and update of a training step, all from device memory, so
// that a captured graph replays with other numbers. What it decides is what CpuEngine::train_step
// decides.
#pragma once

#include <cstdint>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "engine/loss_sums.hpp"
#include "engine/shared/window_rows.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {

/// What the host sends with each step, as it lies in device memory.
using StepNumbers = StepSettings;

/// Lives in device memory from step to step.
struct TrainingStatus {
  std::int64_t step = 0;  ///< training steps done
  double norm = 0;        ///< of the last step's mean gradient, before clipping
  DeviceLossSums sums;    ///< since they were last taken
  std::int64_t windows = 0;
  bool averaging = false;  ///< the moving average has begun
};

/// What was decided about a step, for the kernel that updates.
struct StepDecision {
  AdamWSettings adamw;
  AdamWStep correction;
  float mean = 0;   ///< from sums to means: 1 / targets
  float clip = 1;   ///< clip_factor()
  float decay = 0;  ///< of the moving average
  bool update = false;
  bool averaging = false;
  bool first_average = false;  ///< the average starts from the parameters before this step
};

class DeviceOptimizer {
 public:
  /// For P parameters: allocates all that it needs, moments zero, step 0. The context outlives it.
  /// Throws DeviceError. Blocks.
  DeviceOptimizer(std::int64_t P, DeviceContext& context);

  /// One step: means from sums, clip, AdamW, moving average.
  ///   rows      the batch (for its size, and the series to name where the norm is not finite);
  ///             may be empty where processes share a step's windows
  ///   params    [P]  in, out
  ///   gradient  [P]  in: sums over the targets
  ///   sums      [R]  in: of this step, one of each process that shares it, in their order
  ///   numbers   in device memory
  /// Without a valid target the step counts and nothing is updated; with a loss or norm that is not
  /// finite it does not count either, and the status names a series.
  void update(const WindowRows& rows, DeviceSpan<float> params, DeviceSpan<const float> gradient,
              DeviceSpan<const DeviceLossSums> sums, const StepNumbers* numbers);

  /// Training steps done, in device memory: what dropout reads.
  const std::int64_t* step() const { return &status_.data()->step; }

  /// Takes m, v, average and step of `state` (empty: zero, or none yet); the loss that was summed
  /// stays. Blocks. Throws InternalError if sizes do not fit.
  void set(const EngineState& state);
  /// Fills m, v, average and step of `state`. Blocks.
  void get(EngineState& state) const;
  /// The status now; sums and windows begin again. Blocks.
  TrainingStatus take_status();

 private:
  TrainingStatus read_status() const;
  void write_status();

  std::int64_t P_;
  DeviceContext& context_;
  DeviceBuffer<float> m_, v_, average_;
  DeviceBuffer<TrainingStatus> status_, before_;  ///< now, and before the last step
  DeviceBuffer<double> squares_;                  ///< of each block
  PinnedBuffer<TrainingStatus> host_status_;
};

}  // namespace sluice
