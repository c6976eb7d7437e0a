// A training that was stopped, at any step and in any phase, goes on to what it would have been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

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
#include "sluice/base/error.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

Catalog weekly() { return Catalog(testing::daily_parts(testing::weekly_series(5, 80))); }

class Resume : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = test_folder() / (std::string("sluice_resume_") + info->name());
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

TEST_F(Resume, WhatWasLearnedOfItsForecastsIsThatOfATrainingWithoutAStop) {
  config_.training.steps = 300;
  config_.training.final_fit = true;
  config_.training.calibration = "auto";
  config_.training.partners = {"seasonal_naive", "ets"};
  const Model whole = train(config_, catalog_, saved()).model;
  ASSERT_FALSE(whole.learned.empty());
  for (const bool final_phase : {false, true}) {
    config_.mode.resume = false;
    const TrainResult part = stopped(config_, [&](const TrainingState& state) {
      return state.final_phase == final_phase && state.running[0].engine.step > 0;
    });
    ASSERT_TRUE(part.interrupted);
    config_.mode.resume = true;
    const Model rest = train(config_, catalog_, saved()).model;
    EXPECT_EQ(rest.learned, whole.learned);
    ASSERT_EQ(rest.partners.size(), whole.partners.size());
    EXPECT_EQ(rest.stretch.factors, whole.stretch.factors);
  }
}

// Its settings are without the keys that came later, whose defaults are what was before.
TEST_F(Resume, AStateOfAnOlderProgramGoesOnWhereItsSettingsAreTheSame) {
  const Model whole = testing::quick_model(config_, catalog_);
  config_.training.checkpoint_seconds = 0;
  TrainOptions options = saved();
  options.watch = [](const TrainProgress& p) { return p.step < 12; };
  EXPECT_TRUE(train(config_, catalog_, options).interrupted);
  const auto path = state_path(config_.path.model);
  TrainingState state = load_training_state(path);
  for (std::string* text : {&state.config, &state.chosen}) {
    for (const char* key : {"\npatch = ", "\nsampled_pasts = "}) {
      if (text->empty()) continue;
      const std::size_t at = text->find(key);
      ASSERT_NE(at, std::string::npos);
      text->erase(at, text->find('\n', at + 1) - at);
    }
  }
  save_training_state(path, state);
  config_.mode.resume = true;
  config_.network.patch = 7;
  const auto refusal = [&] {
    try {
      train(config_, catalog_, saved());
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(refusal(), HasSubstr("other settings: network.patch was 1 and is 7; give these"));
  config_.network.patch = 1;
  TrainingState newer = state;
  newer.config += "\n[of_tomorrow]\nkey = 1\n";
  save_training_state(path, newer);
  EXPECT_THAT(refusal(), HasSubstr("saved by another version of this program ("));
  save_training_state(path, state);
  options.watch = {};
  EXPECT_EQ(train(config_, catalog_, options).model.members, whole.members);
}

TEST_F(Resume, ATrainingOfPatchesGivesTheBitsOfOneWithoutAStop) {
  config_.network.patch = 7;
  const Model whole = testing::quick_model(config_, catalog_);
  ASSERT_EQ(whole.spec.patch, 7);
  config_.training.checkpoint_seconds = 0;
  TrainOptions options = saved();
  options.watch = [](const TrainProgress& p) { return p.step < 12; };
  EXPECT_TRUE(train(config_, catalog_, options).interrupted);
  config_.mode.resume = true;
  options.watch = {};
  EXPECT_EQ(train(config_, catalog_, options).model.members, whole.members);
}

// The states say that their seconds are used up, as on a machine that became slow.
TEST_F(Resume, AFinalFitThatTrainingsSecondsEndLeavesTheModelOfTheChoice) {
  config_.training.steps = 300;
  config_.training.max_seconds = 1000;
  const Model choice = train(config_, catalog_, saved()).model;
  config_.training.final_fit = true;
  config_.training.seeds = 2;
  const auto path = state_path(config_.path.model);
  for (const int finished : {0, 1}) {
    config_.mode.resume = false;
    const TrainResult part = stopped(config_, [&](const TrainingState& state) {
      return state.final_phase && state.running[0].member == finished;
    });
    ASSERT_TRUE(part.interrupted);
    TrainingState state = load_training_state(path);
    EXPECT_GT(state.seconds, 0);
    ASSERT_LT(state.seconds, 1000);
    state.seconds = 1000;
    save_training_state(path, state);
    config_.mode.resume = true;
    const TrainResult rest = train(config_, catalog_, saved());
    EXPECT_FALSE(rest.interrupted);
    EXPECT_GE(rest.model.train_seconds, 1000);
    EXPECT_EQ(rest.model.members, finished == 0 ? choice.members : state.done_members);
    EXPECT_EQ(rest.model.scaling.scale == choice.scaling.scale, finished == 0);
    EXPECT_FALSE(fs::exists(path));
  }
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

TEST_F(Resume, StoppedWithAPointLossItHasTheIntervalsThatTheSameWeightsWouldHaveHad) {
  catalog_ = Catalog(testing::daily_parts(testing::weekly_series(20, 100)));
  config_.training.loss = "mae";
  config_.training.steps = 100000;
  const TrainResult part =
      stopped(config_, [](const TrainingState& state) { return state.running[0].epoch > 1; });
  ASSERT_TRUE(part.interrupted);
  config_.training.steps = part.model.steps;
  const Model whole = train(config_, catalog_, {.end = {}, .save = false, .announce = false}).model;
  ASSERT_EQ(part.model.members, whole.members);
  ASSERT_FALSE(whole.residual_quantiles.empty());
  EXPECT_EQ(part.model.residual_quantiles, whole.residual_quantiles);
  const Model stored = load_model(config_.path.model);
  const auto from = cutoffs_from(catalog_, "");
  const Forecasts is = Forecaster(stored, catalog_, {80}, config_.engine).at(from);
  EXPECT_EQ(is.values, Forecaster(whole, catalog_, {80}, config_.engine).at(from).values);
  EXPECT_LT(is.values[0], is.values[2]);
}

TEST_F(Resume, AStoppedIncrementalTrainingLeavesTheEarlierModelInItsPlace) {
  train(config_, catalog_, saved());
  const std::string before = bytes_of(config_.path.model);
  config_.mode.incremental = true;
  config_.training.steps = 100000;
  const TrainResult part = stopped(
      config_, [](const TrainingState& state) { return state.running[0].engine.step > 20; });
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
                return state.running[0].engine.step > 5;
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

TEST_F(Resume, KilledBetweenItsModelAndItsStatesRemovalItHasEnded) {
  config_.training.steps = 30;
  train(config_, catalog_, saved());
  const double earlier = load_model(config_.path.model).valid_loss;
  config_.mode.incremental = true;
  config_.training.steps = 600;
  config_.training.learning_rate = 1e-3;
  ASSERT_TRUE(stopped(config_, [](const TrainingState& state) {
                return state.running[0].engine.step > 5;
              }).interrupted);
  const std::string state = bytes_of(state_path(config_.path.model));
  config_.mode.resume = true;
  ASSERT_LT(train(config_, catalog_, saved()).model.valid_loss, earlier);
  const std::string model = bytes_of(config_.path.model);
  std::ofstream(state_path(config_.path.model), std::ios::binary) << state;
  train(config_, catalog_, saved());
  EXPECT_EQ(bytes_of(config_.path.model), model);
  EXPECT_FALSE(fs::exists(state_path(config_.path.model)));
  // A model of other settings that began there too is not what this state leads to.
  std::ofstream(state_path(config_.path.model), std::ios::binary) << state;
  Model other = load_model(config_.path.model);
  other.config.training.steps = 601;
  save_model(config_.path.model, other);
  EXPECT_THROW(train(config_, catalog_, saved()), DataError);
}

TEST_F(Resume, AStateOfOtherDataIsRefused) {
  config_.training.steps = 100000;
  ASSERT_TRUE(stopped(config_, [](const TrainingState& state) {
                return state.running[0].engine.step > 5;
              }).interrupted);
  config_.mode.resume = true;
  const auto refused = [&](CatalogParts parts) {
    try {
      train(config_, Catalog(std::move(parts)), saved());
      return std::string("no error");
    } catch (const DataError& e) {
      return std::string(e.what());
    }
  };
  const CatalogParts same = testing::daily_parts(testing::weekly_series(5, 80));
  CatalogParts other = same;
  other.channels[0].values[17] += 1;
  EXPECT_THAT(refused(other), HasSubstr("saved with other data"));
  other = same;
  other.ids[3] = "another";
  EXPECT_THAT(refused(other), HasSubstr("saved with other data"));
  other = same;
  other.first[3] += 7;
  EXPECT_THAT(refused(other), HasSubstr("saved with other data"));
  EXPECT_THAT(refused(testing::daily_parts(testing::weekly_series(5, 81))),
              HasSubstr("saved with other data"));
}

TEST_F(Resume, WhereTheModelCannotBeWrittenTheStateIsNamed) {
  config_.training.steps = 3000;
  ASSERT_TRUE(stopped(config_, [](const TrainingState& state) {
                return state.running[0].engine.step > 5;
              }).interrupted);
  config_.mode.resume = true;
  // From its first step on files end at 1 KB, as on a full disk; the lock has room.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 1000, before.rlim_max };
  TrainOptions options = saved();
  options.watch = [&](const TrainProgress&) { return ::setrlimit(RLIMIT_FSIZE, &small) == 0; };
  std::string what = "no error";
  try {
    train(config_, catalog_, options);
  } catch (const DataError& e) {
    what = e.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(what, HasSubstr("File too large"));
  EXPECT_THAT(what, HasSubstr("its state is in " + state_path(config_.path.model).string()));
  EXPECT_THAT(what, HasSubstr("--mode.resume true"));
  EXPECT_FALSE(train(config_, catalog_, saved()).interrupted);
}

TEST_F(Resume, APipeInTheStatesPlaceIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo(state_path(config_.path.model).c_str(), 0600), 0);
  for (const bool resume : {false, true}) {
    config_.mode.resume = resume;
    try {
      train(config_, catalog_, saved());
      FAIL();
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("model.safetensors.state: is a pipe"));
    }
  }
  EXPECT_THROW(load_training_state(state_path(config_.path.model)), DataError);
}

TEST_F(Resume, ADamagedStateIsRefusedWithWhatIsWrong) {
  config_.training.steps = 100000;
  ASSERT_TRUE(stopped(config_, [](const TrainingState& state) {
                return state.running[0].engine.step > 25;
              }).interrupted);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  using State = TrainingState;
  EXPECT_THAT(error_with([](State& s) { s.running[0].engine.v.push_back(0); }),
              HasSubstr("'engine.v' has"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].engine.v.clear(); }),
              HasSubstr("'engine.v' has 0"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].engine.average.resize(3); }),
              HasSubstr("average' has 3"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].engine.m.resize(7); }),
              HasSubstr("'engine.m' has 7"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].engine.params.clear(); }),
              HasSubstr("params' has 0"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].best_params.resize(1); }),
              HasSubstr("best_params' has"));
  EXPECT_THAT(error_with([=](State& s) { s.running[0].engine.params[5] = kNan; }),
              HasSubstr("not finite"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].engine.v[0] = -1; }), HasSubstr("negative"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].engine.carried_h.resize(8); }),
              HasSubstr("carried"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].batch = 11; }), HasSubstr("batch 11 of 10"));
  EXPECT_THAT(error_with([](State& s) { s.final_phase = true; }), HasSubstr("selected_params"));
  EXPECT_THAT(error_with([](State& s) {
                s.final_phase = true;
                s.selected_params = s.running[0].best_params;
              }),
              HasSubstr("a final fit without a choice"));
  EXPECT_THAT(error_with([](State& s) {
                s.final_phase = true;
                s.selected_params = s.running[0].best_params;
                s.selected_step = 1ll << 40;
              }),
              HasSubstr("it chose step 1099511627776 of 100000"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].member = 3; }), HasSubstr("member 3 of 1"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].closed_step = s.running[0].engine.step + 1; }),
              HasSubstr("not made"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].plateau_factor = 0; }),
              HasSubstr("impossible"));
  EXPECT_THAT(error_with([](State& s) { s.running[0].seconds = -1; }), HasSubstr("impossible"));
  EXPECT_THAT(error_with([](State& s) { s.seconds = -1; }), HasSubstr("impossible"));
  EXPECT_THAT(error_with([](State& s) { s.running.clear(); }), HasSubstr("no seed in training"));
  EXPECT_THAT(error_with([](State& s) { s.running.push_back(s.running[0]); }),
              HasSubstr("member 0 of 1, or twice"));
  EXPECT_THAT(error_with([](State& s) { s.done_members = {s.running[0].engine.params}; }),
              HasSubstr("member 0 of 1, or twice"));
  EXPECT_THAT(error_with([](State& s) { s.done_members.resize(2); }),
              HasSubstr("2 finished members of 1"));
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
  for (const char* ended : {".model.safetensors.0123456789abcdef.tmp",
                            ".model.safetensors.state.0123456789abcdef.tmp"}) {
    std::ofstream(folder_ / ended) << "of a killed process";
  }
  train(config_, catalog_, saved());
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_))
    names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, ::testing::ElementsAre("model.safetensors"));
}

}  // namespace
}  // namespace sluice
