// One loop of steps: what ends it, and that stopped after any step it goes on to the same weights.
#include "run/training/loop.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <memory>
#include <optional>

#include "run/engine_setup.hpp"
#include "run/interrupt.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/resolve.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

double clock_seconds = 0;  ///< of the clock that a loop looks at

/// An engine that raises SIGINT after its n-th training step, and whose steps take a second.
class StoppingEngine final : public Engine {
 public:
  StoppingEngine(std::unique_ptr<Engine> engine, int stop_after)
      : engine_(std::move(engine)), left_(stop_after) {}

  std::string description() const override { return engine_->description(); }
  std::string recurrence() const override { return engine_->recurrence(); }
  void set_state(const EngineState& state) override { engine_->set_state(state); }
  EngineState state() const override { return engine_->state(); }
  void set_evaluation_params(std::span<const float> p) override {
    engine_->set_evaluation_params(p);
  }
  void set_target_limit(std::span<const std::int64_t> limit) override {
    engine_->set_target_limit(limit);
  }
  void train_step(std::span<const Window> windows, const StepSettings& settings) override {
    engine_->train_step(windows, settings);
    clock_seconds += 1;
    if (--left_ == 0) std::raise(SIGINT);
  }
  LossReport take_loss() override { return engine_->take_loss(); }
  LossReport validate(std::span<const Window> windows,
                      std::span<const std::int64_t> limit) override {
    ++validations;
    clock_seconds += validation_seconds;
    return engine_->validate(windows, limit);
  }
  void forecast(std::span<const Window> windows, std::span<const float> offsets,
                std::span<float> out) override {
    engine_->forecast(windows, offsets, out);
  }
  void sample(std::span<const Window> windows, const PathSettings& settings,
              std::span<float> out) override {
    engine_->sample(windows, settings, out);
  }
  void residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                 std::span<float> out) override {
    engine_->residuals(windows, limit, out);
  }
  Attributions attribute(std::span<const Window> windows, const InputGroups& groups,
                         const AttributionSettings& settings) override {
    return engine_->attribute(windows, groups, settings);
  }
  std::unique_ptr<Engine> beside(int threads) const override { return engine_->beside(threads); }
  Seconds seconds() const override { return engine_->seconds(); }
  LevelStatistics level_statistics() const override { return engine_->level_statistics(); }

  int validations = 0;
  double validation_seconds = 0;

 private:
  std::unique_ptr<Engine> engine_;
  int left_;
};

Catalog weekly() { return Catalog(testing::daily_parts(testing::weekly_series(5, 80))); }

/// One loop over a small catalogue: epochs of two steps, five steps in all.
class Loops {
 public:
  explicit Loops(const std::string& sampling) : end_(5, 68), valid_(5, 74) {
    config_.network.hidden_size = 4;
    config_.network.predict_day = 3;
    config_.network.time_step = 14;
    config_.training.batch_size = 8;
    config_.training.steps_per_epoch = 2;
    config_.training.sampling = sampling;
    config_.training.patience = 2;
    config_.training.schedule = "plateau";
    config_.training.checkpoint_seconds = 0;
    spec_ = resolve_model(config_, catalog_, end_);
    scaling_ = fit_scaling(catalog_, target_scaling(config_, spec_), Scaling::standard, end_);
    plan_.emplace(catalog_, end_, PlanSpec{.T = spec_.T, .K = spec_.K});
    for (std::int32_t s = 0; s < 5; ++s) validation_.push_back({.origin = 67, .series = s});
  }

  MemberState fresh() const {
    MemberState state;
    state.engine.params.resize(static_cast<std::size_t>(ParamLayout(spec_).size()));
    init_params(spec_, 42, state.engine.params);
    return state;
  }

  /// Runs from `state` until the end or a signal after `stop_after` steps (0: none); `last_saved`
  /// becomes what a kill would leave.
  LoopResult run(MemberState state, int stop_after, MemberState* last_saved) {
    const InterruptGuard guard;
    EngineSetup setup;
    setup.catalog = &catalog_;
    setup.spec = &spec_;
    setup.scaling = &scaling_;
    setup.batch = 8;
    setup.threads = 1;
    StoppingEngine engine(make_cpu_engine(setup), stop_after);
    engine.validation_seconds = validation_seconds;
    engine.set_target_limit(end_);
    engine.set_state(state.engine);
    LoopSetup loop;
    loop.engine = &engine;
    loop.catalog = &catalog_;
    loop.plan = &*plan_;
    loop.training = &config_.training;
    loop.seed = 42;
    loop.validation = validation_;
    loop.valid_limit = valid_;
    loop.steps = steps;
    loop.max_seconds = max_seconds;
    loop.passes_after = passes_after;
    clock_seconds = 0;
    loop.now = [] { return clock_seconds; };
    loop.announce = false;
    if (last_saved != nullptr) {
      loop.save = [&](const MemberState& saved) {
        *last_saved = saved;
        ++saves;
      };
    }
    const LoopResult result = run_loop(loop, state);
    validations = engine.validations;
    return result;
  }

  /// Windows that end before their first target.
  void validate_nothing() {
    for (Window& window : validation_) window.origin = 76;
  }

  /// Epochs of `steps_per_epoch` steps of a second, and validations of so many, until
  /// `max_seconds`.
  void only_time_ends_it(double max, double validation, int steps_per_epoch) {
    steps = 0;
    max_seconds = max;
    validation_seconds = validation;
    config_.training.patience = 0;
    config_.training.steps_per_epoch = steps_per_epoch;
  }
  /// 90 windows instead of 5.
  void validate_more() {
    const std::vector<Window> once = validation_;
    for (int i = 1; i < 18; ++i) validation_.insert(validation_.end(), once.begin(), once.end());
  }

  int validations = 0, saves = 0;
  std::int64_t steps = 5;
  double max_seconds = 0, validation_seconds = 0;
  int passes_after = 0;

 private:
  Catalog catalog_ = weekly();
  Config config_;
  std::vector<std::int64_t> end_, valid_;
  ModelSpec spec_;
  SeriesScaling scaling_;
  std::optional<TrainingPlan> plan_;
  std::vector<Window> validation_;
};

TEST(Loop, StoppedAfterAnyStepItGoesOnToTheSameWeightsAndValidations) {
  for (const char* sampling : {"series", "window"}) {
    Loops loops(sampling);
    const LoopResult whole = loops.run(loops.fresh(), 0, nullptr);
    ASSERT_EQ(loops.validations, 3);  // after steps 2, 4 and 5
    for (int stop = 1; stop <= 5; ++stop) {
      MemberState state;
      const LoopResult part = loops.run(loops.fresh(), stop, &state);
      ASSERT_TRUE(part.interrupted) << stop;
      const int before = loops.validations;
      const LoopResult rest = loops.run(state, 0, nullptr);
      EXPECT_FALSE(rest.interrupted);
      EXPECT_EQ(rest.params, whole.params) << sampling << " stopped after " << stop;
      EXPECT_EQ(rest.loss, whole.loss) << stop;
      EXPECT_EQ(rest.step, whole.step) << stop;
      EXPECT_EQ(before + loops.validations, 3) << stop;
    }
  }
}

TEST(Loop, WithoutSecondsBetweenThemStatesAreSavedAfterEveryEpochAndGoOnTheSame) {
  Loops loops("series");
  const LoopResult whole = loops.run(loops.fresh(), 0, nullptr);
  MemberState last;
  loops.saves = 0;
  loops.run(loops.fresh(), 0, &last);
  EXPECT_EQ(loops.saves, 2);  // the last epoch's end is the end
  EXPECT_EQ(last.engine.step, 4);
  const LoopResult rest = loops.run(last, 0, nullptr);
  EXPECT_EQ(rest.params, whole.params);
  EXPECT_EQ(rest.loss, whole.loss);
}

TEST(Loop, StoppedBeforeAnyValidationItClaimsNoLoss) {
  Loops loops("series");
  MemberState state;
  EXPECT_TRUE(std::isnan(loops.run(loops.fresh(), 1, &state).loss));
  EXPECT_FALSE(std::isnan(loops.run(loops.fresh(), 3, &state).loss));
}

TEST(Loop, ItsLastValidationAndWhatFollowsEndWithinItsSeconds) {
  Loops loops("series");
  loops.only_time_ends_it(21, 3, 2);
  LoopResult result = loops.run(loops.fresh(), 0, nullptr);
  EXPECT_EQ(result.seconds, 20);  // 8 steps and 4 validations: a step more needs a validation more
  EXPECT_EQ(loops.validations, 4);
  loops.passes_after = 1;
  result = loops.run(loops.fresh(), 0, nullptr);
  EXPECT_EQ(result.seconds, 15);  // 6 steps and 3 validations: a pass of 3 s follows
}

TEST(Loop, InALongFirstEpochTheValidationIsReckonedFromTheSteps) {
  Loops loops("series");
  loops.validate_more();
  loops.only_time_ends_it(10.3, 3.75, 100);  // 90 of 8 windows a second, in a third of the time
  LoopResult result = loops.run(loops.fresh(), 0, nullptr);
  EXPECT_EQ(result.seconds, 7 + 3.75);    // over it by less than a step
  loops.only_time_ends_it(5, 3.75, 100);  // at least half of it is for steps
  result = loops.run(loops.fresh(), 0, nullptr);
  EXPECT_EQ(result.seconds, 3 + 3.75);
}

TEST(Loop, TimeThatEndsItBeforeItsStepsIsTold) {
  Loops loops("series");
  EXPECT_FALSE(loops.run(loops.fresh(), 0, nullptr).out_of_time);
  loops.max_seconds = 3;
  EXPECT_TRUE(loops.run(loops.fresh(), 0, nullptr).out_of_time);
  loops.max_seconds = 5;
  EXPECT_FALSE(loops.run(loops.fresh(), 0, nullptr).out_of_time);  // the last second, the last step
}

TEST(Loop, WithoutAFiniteValidationTheLastWeightsAreTheResult) {
  Loops loops("series");
  loops.validate_nothing();
  const LoopResult result = loops.run(loops.fresh(), 0, nullptr);
  EXPECT_EQ(result.step, 4);  // its patience is two epochs of two steps
  EXPECT_TRUE(std::isnan(result.loss));
  EXPECT_EQ(result.params.size(), loops.fresh().engine.params.size());
}

}  // namespace
}  // namespace sluice
