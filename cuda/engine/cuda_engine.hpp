// The CUDA engine: the same parts as the CPU engine (host/engine/cpu_engine.cpp), on the device.
//
// A training step is one CUDA graph: gather, forward, head and loss, backward, clip, AdamW, average.
// The host sends it a list of windows and a few numbers, and nothing comes back before take_loss().
// What a graph holds are addresses, so everything that changes from step to step (windows, learning
// rate, the step's number) is read from device memory that stays where it is; there is a graph for
// each slot of the ring of batches (streamer.hpp) and number of windows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/graph.hpp"
#include "engine/device_context.hpp"
#include "engine/device_head.hpp"
#include "engine/device_optimizer.hpp"
#include "engine/gather.hpp"
#include "engine/model_space.hpp"
#include "engine/streamer.hpp"
#include "recurrence/device_recurrence.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"

namespace sluice {

class CudaEngine final : public Engine {
 public:
  explicit CudaEngine(const EngineSetup& setup);
  ~CudaEngine() override;

  std::string description() const override;
  std::string recurrence() const override;
  void set_state(const EngineState& state) override;
  EngineState state() const override;
  void set_evaluation_params(std::span<const float> params) override;
  void set_target_limit(std::span<const std::int64_t> limit) override;
  void train_step(std::span<const Window> windows, const StepSettings& settings) override;
  LossReport take_loss() override;
  LossReport validate(std::span<const Window> windows,
                      std::span<const std::int64_t> limit) override;
  void forecast(std::span<const Window> windows, std::span<const float> offsets,
                std::span<float> out) override;
  void residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                 std::span<float> out) override;
  /// Of the parts only `gather` is known: the host's time for putting batches together. The rest of a
  /// step is one graph.
  Seconds seconds() const override { return seconds_; }
  LevelStatistics level_statistics() const override {
    return {space_.level_mean(), space_.level_spread()};
  }

 private:
};

}  // namespace sluice
