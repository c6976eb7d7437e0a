// The CUDA engine: the same parts as the CPU engine (host/engine/cpu/cpu_engine.cpp), on the
// device.
//
// A training step is one CUDA graph (an inference another, without what is done with its results):
// gather, forward, head and loss, backward, clip, AdamW,
// average. The host sends it a list of windows and a few numbers, and nothing comes back before
// take_loss(). What a graph holds are addresses, so everything that changes from step to step
// (windows, learning rate, the step's number) is read from device memory that stays where it is;
// there is a graph for each slot of the ring of batches (streamer.hpp) and number of windows.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/graph.hpp"
#include "engine/context.hpp"
#include "engine/embedding_gradient.hpp"
#include "engine/gather.hpp"
#include "engine/gradient_exchange.hpp"
#include "engine/head.hpp"
#include "engine/optimizer.hpp"
#include "engine/pasts.hpp"
#include "engine/paths.hpp"
#include "engine/shared/model_space.hpp"
#include "engine/space.hpp"
#include "engine/step_gradient.hpp"
#include "engine/streamer.hpp"
#include "recurrence/device_recurrence.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"

namespace sluice {

class CudaEngine final : public Engine {
 public:
  /// `of`: the engine that this one is beside, whose catalogue on the device it reads; or null.
  CudaEngine(const EngineSetup& setup, std::shared_ptr<const ModelSpace> space,
             const CudaEngine* of);
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
  void sample(std::span<const Window> windows, const PathSettings& settings,
              std::span<float> out) override;
  void residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                 std::span<float> out) override;
  /// Throws ConfigError: there is no such pass here.
  Attributions attribute(std::span<const Window> windows, const InputGroups& groups,
                         const AttributionSettings& settings) override;
  /// Of the parts only `gather` is known: the host's time for putting batches together. The rest of
  /// a step is one graph.
  Seconds seconds() const override { return seconds_; }
  LevelStatistics level_statistics() const override {
    return {space_->level_mean(), space_->level_spread()};
  }
  /// In streams of its own; both count their memory in one account.
  std::unique_ptr<Engine> beside(int threads) const override;

 private:
  /// Of the recurrence's products, and of the head's where these are less exact.
  std::string precision() const;

  /// A batch that the device can see, and what of it the captured graphs depend on.
  using Batch = StagedBatch;

  void prepare(std::int64_t N, bool training);
  void make_carried(std::span<const Window> windows);
  /// A batch under way to the device. `params`: what embeddings are read from.
  Batch stage(std::span<const Window> windows, std::span<const std::int64_t> limit,
              const float* params, std::span<const std::byte> numbers);
  bool draws(std::span<const Window> windows) const;
  std::span<const std::byte> numbers_of(std::span<const Window> windows, bool drawn,
                                        const StepNumbers& numbers);
  template <typename Call>
  auto watched(Call call) const;
  void scale_windows(const WindowRows& rows);
  bool gathers_for_recurrence() const;
  void gather_for_training(const WindowRows& rows, DeviceSpan<float> x);
  /// A training step as it is captured: beside the batch, what its graph depends on.
  struct Step {
    bool drawn = false;  ///< values of some of its windows
    /// As StepSettings says them: dropout counts by them.
    std::int64_t first = 0, windows = 0;
    auto operator<=>(const Step&) const = default;
  };
  void enqueue_gradient(const Batch& batch, const Step& step);
  void enqueue_step(const Batch& batch, const Step& step);
  void update(const Batch& batch, DeviceSpan<const DeviceLossSums> sums);
  /// What of an inference runs: where the recurrence begins, and whether the head follows.
  enum class Walk { none, from_zero, from_before };
  enum class Output { none, alone, with_targets };
  struct Inference {
    Walk recurrence = Walk::none;
    Output head = Output::none;
    auto operator<=>(const Inference&) const = default;
  };
  void load_evaluation();
  void infer(const Batch& batch, Inference which);
  void enqueue_inference(const Batch& batch, Inference which);
  void enqueue_walk(const Batch& batch, Walk from);
  void infer_chain(std::span<const Window> windows);
  /// Buffers have moved: no graph that holds their addresses may run again.
  void drop_graphs();
  /// Calls use(first window, batch, u, target) after u and, if `targets`, target of a batch are
  /// enqueued.
  template <typename Use>
  void for_each_batch(std::span<const Window> windows, bool targets,
                      std::span<const std::int64_t> limit, Use use);

  /// Floats of the largest batch's results, `each` a window.
  std::int64_t most_results(std::size_t windows, std::int64_t each) const {
    return std::min<std::int64_t>(static_cast<std::int64_t>(windows), setup_.batch) * each;
  }

  EngineSetup setup_;  ///< without_data
  ModelSpec spec_;
  ParamLayout layout_;
  std::shared_ptr<const ModelSpace> space_;  ///< of all engines beside each other
  DeviceContext context_;
  RecurrenceSpec recurrence_spec_;
  std::unique_ptr<DeviceRecurrence> recurrence_;
  DeviceHead head_;
  DeviceOptimizer optimizer_;
  EmbeddingGradient embedding_gradient_;
  DeviceStepGradient step_gradient_;
  std::unique_ptr<DeviceSpace> own_space_;  ///< null: another engine's
  const DeviceSpace& device_space_;
  Streamer streamer_;
  ResultRing results_;
  std::unique_ptr<DeviceDrawnPasts> pasts_;  ///< where setup_.draws_pasts
  std::vector<std::byte> numbers_;           ///< StepNumbers of a step, and what pasts_ begins with
  std::int64_t step_ = 0;                    ///< training steps done
  std::unique_ptr<DevicePaths> paths_;       ///< of a recursive model, once asked for

  DeviceBuffer<float> params_, evaluation_, gradient_;
  bool has_params_ = false, has_evaluation_ = false;
  Seconds seconds_;

  // Workspace, for all sizes prepared so far.
  std::set<std::pair<std::int64_t, bool>> ready_;  ///< windows, and whether for training
  DeviceBuffer<float> x_, h_, dh_, dx_, dcontext_, last_h_, last_c_, u_, target_;
  DeviceBuffer<Affine> window_affine_;  ///< [batch,M] with window scaling
  std::vector<std::int64_t> limit_;     ///< [S] of training
  DeviceBuffer<DeviceLossSums> sums_;   ///< of a training step, of a validation
  PinnedBuffer<DeviceLossSums> host_sums_;
  DeviceBuffer<float> offsets_;
  std::int64_t carried_windows_ = 0;  ///< of the batch that left carried_*; 0: none
  DeviceBuffer<float> carried_h_, carried_c_;

  bool evaluation_loaded_ = false;  ///< whether the recurrence holds these weights, as they are now

  /// By slot and windows.
  std::map<std::tuple<int, std::int64_t, Step>, GraphExec> graphs_;
  /// Windows, and whether values of theirs are drawn, of which a step has run.
  std::set<std::pair<std::int64_t, bool>> warm_;
  std::map<std::tuple<int, std::int64_t, Inference>, GraphExec> inference_graphs_;
  std::set<std::pair<std::int64_t, Inference>> warm_inference_;

  std::unique_ptr<GradientExchange> exchange_;  ///< where processes share a step's windows
};

}  // namespace sluice
