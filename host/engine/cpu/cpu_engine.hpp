// The CPU engine: recurrence (which gathers its inputs as it walks), head with loss, backward,
// clip, AdamW - one function each. Training is in cpu_engine.cpp, forecasting in inference.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/cpu/head.hpp"
#include "engine/cpu/pasts.hpp"
#include "engine/cpu/paths.hpp"
#include "engine/recurrence.hpp"
#include "engine/shared/gather.hpp"
#include "engine/shared/model_space.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/params.hpp"
#include "sluice/model/precision.hpp"

namespace sluice {

class CpuEngine final : public Engine {
 public:
  CpuEngine(const EngineSetup& setup, std::shared_ptr<const ModelSpace> space);

  std::string description() const override;
  std::string recurrence() const override;

  void set_state(const EngineState& state) override;
  EngineState state() const override { return state_; }
  void set_evaluation_params(std::span<const float> params) override;
  void set_target_limit(std::span<const std::int64_t> limit) override {
    limit_.assign(limit.begin(), limit.end());
  }
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
  Attributions attribute(std::span<const Window> windows, const InputGroups& groups,
                         const AttributionSettings& settings) override;
  Seconds seconds() const override { return seconds_; }
  LevelStatistics level_statistics() const override {
    return {space_->level_mean(), space_->level_spread()};
  }
  std::unique_ptr<Engine> beside(int threads) const override;

 private:
  Gather& gather_batch(std::span<const Window> windows, std::int64_t first);
  LossSums add_gradients(std::span<const Window> windows, const StepSettings& settings);
  enum class Loaded { nothing, training, evaluation };
  void load(Loaded which);
  void prepare(std::int64_t N, bool training);
  StateIn carried_in(std::span<const Window> windows);
  double scale_and_norm(float factor);
  void update(const StepSettings& settings, double norm);
  void infer_batch(std::span<const Window> windows, std::span<const std::int64_t> limit);
  void infer_chain(std::span<const Window> windows, std::span<const std::int64_t> limit);
  /// Calls use(first window, windows of the batch) after u_ and targets_ of that batch are there.
  template <typename Use>
  void for_each_batch(std::span<const Window> windows, bool targets,
                      std::span<const std::int64_t> limit, Use use);

  EngineSetup setup_;  ///< without_data
  ModelSpec spec_;
  Precision precision_;
  int threads_;
  ParamLayout layout_;
  std::shared_ptr<const ModelSpace> space_;  ///< of all engines beside each other
  Gather gather_;
  Head head_;
  std::unique_ptr<Recurrence> recurrence_;
  std::unique_ptr<PathWalk> paths_;    ///< of a recursive model, once asked for
  std::unique_ptr<DrawnPasts> pasts_;  ///< once asked for
  Loaded loaded_ = Loaded::nothing;

  EngineState state_;
  std::vector<float> evaluation_params_;
  std::vector<std::int64_t> limit_;
  LossSums sums_;
  std::int64_t windows_seen_ = 0;
  double last_norm_ = 0;
  Seconds seconds_;

  // Workspace.
  std::vector<float> h_, dh_, dx_, dcontext_, gradient_, u_, target_;
  std::vector<float> last_h_, last_c_;  ///< [L,N,H] of inference
  std::vector<double> norm_blocks_;
};

}  // namespace sluice
