// A training that was stopped, at any step and in any phase, goes on to what it would have been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <thread>

#include "base/path_lock.hpp"
#include "run/engine_setup.hpp"
#include "run/training/interrupt.hpp"
#include "run/training/loop.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// An engine that raises SIGINT after its n-th training step.
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
    if (--left_ == 0) std::raise(SIGINT);
  }
  LossReport take_loss() override { return engine_->take_loss(); }
  LossReport validate(std::span<const Window> windows,
                      std::span<const std::int64_t> limit) override {
    ++validations;
    return engine_->validate(windows, limit);
  }
  void forecast(std::span<const Window> windows, std::span<const float> offsets,
                std::span<float> out) override {
    engine_->forecast(windows, offsets, out);
  }
  void residuals(std::span<const Window> windows, std::span<const std::int64_t> limit,
                 std::span<float> out) override {
    engine_->residuals(windows, limit, out);
  }
  Seconds seconds() const override { return engine_->seconds(); }
  LevelStatistics level_statistics() const override { return engine_->level_statistics(); }

  int validations = 0;

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

  TrainingState fresh() const {
    TrainingState state;
    state.engine.params.resize(static_cast<std::size_t>(ParamLayout(spec_).size()));
    init_params(spec_, 42, state.engine.params);
    return state;
  }

  /// Runs from `state` until the end or a signal after `stop_after` steps (0: none); `last_saved`
  /// becomes what a kill would leave.
  LoopResult run(TrainingState state, int stop_after, TrainingState* last_saved) {
    const InterruptGuard guard;
    EngineSetup setup;
    setup.catalog = &catalog_;
    setup.spec = &spec_;
    setup.scaling = &scaling_;
    setup.batch = 8;
    setup.threads = 1;
    StoppingEngine engine(make_cpu_engine(setup), stop_after);
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
    loop.steps = 5;
    loop.announce = false;
    if (last_saved != nullptr) {
      loop.save = [&](const TrainingState& saved) {
        *last_saved = saved;
        ++saves;
      };
    }
    const LoopResult result = run_loop(loop, state);
    validations = engine.validations;
    return result;
  }

  int validations = 0, saves = 0;

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
      TrainingState state;
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
  TrainingState last;
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
  TrainingState state;
  EXPECT_TRUE(std::isnan(loops.run(loops.fresh(), 1, &state).loss));
  EXPECT_FALSE(std::isnan(loops.run(loops.fresh(), 3, &state).loss));
}

class Resume : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / (std::string("sluice_resume_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    config_ = testing::quick_config();
    config_.training.steps = 40;
    config_.training.steps_per_epoch = 10;
    config_.path.model = (folder_ / "model.safetensors").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  static TrainOptions saved() {
    TrainOptions options;
    options.announce = false;
    return options;
  }
  static std::string bytes_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  /// Trains until `when` says of the state on disk that it is time for SIGINT.
  TrainResult stopped(const Config& config,
                      const std::function<bool(const TrainingState&)>& when) const {
    Config c = config;
    c.training.checkpoint_seconds = 0.002;
    std::atomic<bool> done = false;
    std::jthread watcher([&] {
      while (!done) {
        try {
          if (when(load_training_state(state_path(c.path.model)))) break;
        } catch (const DataError&) {
          // Not there yet.
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      if (!done) std::raise(SIGINT);
    });
    std::signal(SIGINT, SIG_IGN);
    TrainResult result = train(c, catalog_, saved());
    done = true;
    watcher.join();
    std::signal(SIGINT, SIG_DFL);
    return result;
  }
  std::string error_with(const std::function<void(TrainingState&)>& damage) const {
    const auto path = state_path(config_.path.model);
    TrainingState state = load_training_state(path);
    const std::string good = bytes_of(path);
    damage(state);
    save_training_state(path, state);
    Config c = config_;
    c.mode.resume = true;
    std::string what = "no error";
    try {
      train(c, catalog_, saved());
    } catch (const DataError& e) {
      what = e.what();
    }
    std::ofstream(path, std::ios::binary) << good;
    return what;
  }

  Catalog catalog_ = weekly();
  Config config_;
  fs::path folder_;
};

TEST_F(Resume, AnIncrementalTrainingStoppedInItsFinalFitKeepsItsPromise) {
  config_.training.steps = 30;
  train(config_, catalog_, saved());
  const Model earlier = load_model(config_.path.model);
  config_.training.init_from = (folder_ / "earlier.safetensors").string();
  fs::rename(config_.path.model, config_.training.init_from);
  config_.training.steps = 600;
  config_.training.learning_rate = 1e-3;
  config_.training.final_fit = true;
  const Model whole = train(config_, catalog_, saved()).model;
  ASSERT_LT(whole.valid_loss, earlier.valid_loss);
  const TrainResult part =
      stopped(config_, [](const TrainingState& state) { return state.final_phase; });
  ASSERT_TRUE(part.interrupted);
  // What the choice found, not half a final fit.
  EXPECT_EQ(part.model.valid_loss, whole.valid_loss);
  EXPECT_EQ(load_model(config_.path.model).members, part.model.members);
  config_.mode.resume = true;
  const TrainResult rest = train(config_, catalog_, saved());
  EXPECT_FALSE(rest.kept_older);
  EXPECT_EQ(rest.model.members, whole.members);
  EXPECT_EQ(load_model(config_.path.model).members, whole.members);
}

/// weekly() with a category of steps: feasts are one day in five, and all days of the validation.
Catalog with_feasts() {
  CatalogParts parts = testing::daily_parts(testing::weekly_series(5, 80));
  CategoryChannel day{"day", Role::past, {"unknown", "plain", "feast"}, {}};
  for (int s = 0; s < 5; ++s) {
    for (int t = 0; t < 80; ++t) day.codes.push_back(t % 5 == 0 || (t >= 68 && t < 74) ? 2 : 1);
  }
  parts.categories.push_back(std::move(day));
  return Catalog(std::move(parts));
}

// The choice has not seen the validation days, and what is unknown to it is the mean of the others.
TEST_F(Resume, StoppedInItsFinalFitItLeavesTheModelOfTheChoiceToTheLastWord) {
  catalog_ = with_feasts();
  config_.training.steps = 600;
  const Model choice = train(config_, catalog_, saved()).model;
  config_.training.final_fit = true;
  const TrainResult part =
      stopped(config_, [](const TrainingState& state) { return state.final_phase; });
  ASSERT_TRUE(part.interrupted);
  EXPECT_EQ(part.model.members, choice.members);
  config_.mode.resume = true;
  const Model rest = train(config_, catalog_, saved()).model;
  const auto at =
      static_cast<std::size_t>(ParamLayout(rest.spec).block("step_embedding.0.weight").offset);
  const auto width = static_cast<std::size_t>(rest.spec.step_embeddings[0].width);
  const auto expect_mean = [&](const std::vector<float>& params, float plain, float feasts) {
    for (std::size_t i = 0; i < width; ++i) {
      const float* row = params.data() + at + i;
      EXPECT_FLOAT_EQ(row[0], (plain * row[width] + feasts * row[2 * width]) / (plain + feasts));
    }
  };
  expect_mean(choice.members[0], 54, 14);  // of 68 days 0, 5, ... 65
  expect_mean(rest.members[0], 54, 20);
}

TEST_F(Resume, AStoppedIncrementalTrainingLeavesTheEarlierModelInItsPlace) {
  train(config_, catalog_, saved());
  const std::string before = bytes_of(config_.path.model);
  config_.mode.incremental = true;
  config_.training.steps = 100000;
  const TrainResult part =
      stopped(config_, [](const TrainingState& state) { return state.engine.step > 20; });
  ASSERT_TRUE(part.interrupted);
  EXPECT_TRUE(part.kept_older);
  EXPECT_EQ(bytes_of(config_.path.model), before);
  EXPECT_TRUE(part.state_saved);
  EXPECT_TRUE(fs::exists(state_path(config_.path.model)));
}

TEST_F(Resume, AnotherEarlierModelThanTheStateBeganFromIsRefused) {
  train(config_, catalog_, saved());
  config_.mode.incremental = true;
  config_.training.steps = 100000;
  ASSERT_TRUE(stopped(config_, [](const TrainingState& state) {
                return state.engine.step > 5;
              }).interrupted);
  Model other = load_model(config_.path.model);
  other.members[0][0] += 1;
  save_model(config_.path.model, other);
  config_.mode.resume = true;
  try {
    train(config_, catalog_, saved());
    FAIL();
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("began from another earlier model"));
  }
}

TEST_F(Resume, ADamagedStateIsRefusedWithWhatIsWrong) {
  config_.training.steps = 100000;
  ASSERT_TRUE(stopped(config_, [](const TrainingState& state) {
                return state.engine.step > 25;
              }).interrupted);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  using State = TrainingState;
  EXPECT_THAT(error_with([](State& s) { s.engine.v.push_back(0); }), HasSubstr("'engine.v' has"));
  EXPECT_THAT(error_with([](State& s) { s.engine.v.clear(); }), HasSubstr("'engine.v' has 0"));
  EXPECT_THAT(error_with([](State& s) { s.engine.average.resize(3); }),
              HasSubstr("average' has 3"));
  EXPECT_THAT(error_with([](State& s) { s.engine.m.resize(7); }), HasSubstr("'engine.m' has 7"));
  EXPECT_THAT(error_with([](State& s) { s.engine.params.clear(); }), HasSubstr("params' has 0"));
  EXPECT_THAT(error_with([](State& s) { s.best_params.resize(1); }), HasSubstr("best_params' has"));
  EXPECT_THAT(error_with([=](State& s) { s.engine.params[5] = kNan; }), HasSubstr("not finite"));
  EXPECT_THAT(error_with([](State& s) { s.engine.v[0] = -1; }), HasSubstr("negative"));
  EXPECT_THAT(error_with([](State& s) { s.engine.carried_h.resize(8); }), HasSubstr("carried"));
  EXPECT_THAT(error_with([](State& s) { s.batch = 11; }), HasSubstr("batch 11 of 10"));
  EXPECT_THAT(error_with([](State& s) { s.final_phase = true; }), HasSubstr("selected_params"));
  EXPECT_THAT(error_with([](State& s) {
                s.final_phase = true;
                s.selected_params = s.best_params;
              }),
              HasSubstr("a final fit without a choice"));
  EXPECT_THAT(error_with([](State& s) { s.member = 3; }), HasSubstr("member 3 of 1"));
  EXPECT_THAT(error_with([](State& s) { s.closed_step = s.engine.step + 1; }),
              HasSubstr("not made"));
  EXPECT_THAT(error_with([](State& s) { s.plateau_factor = 0; }), HasSubstr("impossible"));
  EXPECT_THAT(error_with([](State& s) { s.seconds = -1; }), HasSubstr("impossible"));
}

TEST_F(Resume, AStateThatCannotBeWrittenIsAWarningAndTheTrainingGoesOn) {
  config_.training.checkpoint_seconds = 0;
  const Model whole = train(config_, catalog_, saved()).model;
  fs::create_directories(state_path(config_.path.model));  // no file can have this name
  const TrainResult result = train(config_, catalog_, saved());
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(load_model(config_.path.model).members, whole.members);
  EXPECT_TRUE(fs::is_directory(state_path(config_.path.model)));
}

TEST_F(Resume, AModelThatCannotBeWrittenIsFoundBeforeTheTraining) {
  config_.training.steps = 1'000'000'000;  // would never end
  fs::create_directories(config_.path.model);
  EXPECT_THROW(train(config_, catalog_, saved()), DataError);
  fs::remove(config_.path.model);
  const PathLock other(config_.path.model);
  EXPECT_THROW(train(config_, catalog_, saved()), DataError);
}

TEST_F(Resume, ATrainingLeavesNothingBesideItsModel) {
  config_.training.checkpoint_seconds = 1e-9;
  config_.training.steps = 10;
  train(config_, catalog_, saved());
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    names.push_back(entry.path().filename().string());
  }
  EXPECT_THAT(names, ::testing::ElementsAre("model.safetensors"));
}

}  // namespace
}  // namespace sluice
