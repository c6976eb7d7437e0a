// A training from settings to a model: the choice by validation, then, if wanted, the final fit of
// every seed on all data up to the forecast origin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "run/training/decided.hpp"
#include "run/training/lessons.hpp"
#include "run/training/model_of.hpp"
#include "run/training/phase.hpp"
#include "run/training/places.hpp"
#include "run/training/seeds.hpp"
#include "run/training/vocabularies.hpp"
#include "sluice/base/log.hpp"
#include "sluice/data/catalog.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

class Training {
 public:
  /// `given`: the settings before anything was chosen, by which a state is known again. All outlive
  /// the training.
  Training(const Config& given, const Decided& decided, const Catalog& catalog,
           const TrainOptions& options);

  /// `reserve` is called with the bytes that the model takes before there is anything to lose.
  TrainResult run(const std::function<void(std::size_t)>& reserve = {});
  /// For a model that could not be written: a state that a resumed training makes it from.
  Kept keep(const TrainResult& result);
  /// Whether path.model is what `result` would write there.
  bool is_output(const TrainResult& result) const { return result.kept_older && start_is_output_; }

 private:
  void load_state();
  bool ended_with_start(const TrainingState& state) const;
  Phase phase_before(std::span<const std::int64_t> end) const;
  void replace(Phase& phase, std::span<const std::int64_t> end) const;
  EngineState start_state(int member) const;
  void save_state(const MemberState& member);
  TrainResult interrupted_result(Phase& phase, const SeedsResult& made);
  TrainResult kept_older() const;
  TrainResult result_of(const Phase& phase) const;
  SeedsResult run_members(const Phase& phase, bool final_phase);
  void take(int member, const LoopResult& loop, bool final_phase);
  void select(const LoopResult& loop);
  double seconds_left(double now, bool final_phase) const;
  std::vector<int> members_to_train(int count) const;
  std::vector<std::vector<float>> finished() const;
  TrainResult out_of_time_result(Phase& phase);
  void back_to_choice(Phase& phase);
  void learn(const Phase& phase);
  ModelParts parts() const;
  Model make_model(const Phase& phase) const;
  void announce(const std::string& message) const {
    if (options_.announce) log_info(message);
  }

  const Config& given_;
  const Decided& decided_;
  const Config& config_;
  const Catalog& catalog_;
  const TrainOptions& options_;
  Split split_;
  bool has_valid_ = false, final_fit_ = false;
  ModelSpec spec_;
  Vocabularies vocabularies_;
  int season_ = 1;
  std::vector<Window> validation_;
  std::unique_ptr<Model> start_;  ///< the earlier model, or null
  bool start_is_output_ = false;  ///< and path.model: what it still is must not be lost
  double start_loss_ =
      std::numeric_limits<double>::quiet_NaN();  ///< its loss on the validation range
  TrainingState state_;
  bool resumed_ = false, ended_before_ = false, state_saved_ = false, save_failed_ = false;
  bool chosen_before_ = false;  ///< by the training that is resumed: what no seed is in training of
  bool is_of_choice_ = false;   ///< the result: its final fit did not end
  Sharing sharing_;
  std::int64_t windows_ = 0;
  double seconds_ = 0;        ///< of all members and what lay between them, those of the state too
  double seconds_here_ = 0;   ///< of members, without those of the state
  double members_began_ = 0;  ///< when those that train now began, by steady_seconds
  std::optional<Lessons> lessons_;
};

}  // namespace sluice
