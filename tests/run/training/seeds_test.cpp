// Several seeds: side by side they are what they are one after another, through any stops.
#include "run/training/seeds.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "run/training/progress.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class SideBySide : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = test_folder() / (std::string("sluice_seeds_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    config_ = testing::quick_config();
    config_.training.steps = 40;
    config_.training.steps_per_epoch = 10;
    config_.training.seeds = 3;
    config_.engine.threads = 3;
    config_.network.dropout = 0.1;
    config_.network.layers = 2;
    config_.path.model = (folder_ / "model.safetensors").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  Model model(Config config, int jobs, const TrainWatch& watch = {}) const {
    config.training.parallel_seeds = jobs;
    return train(config, catalog_, {.end = {}, .save = false, .announce = false, .watch = watch})
        .model;
  }

  Catalog catalog_{testing::daily_parts(testing::weekly_series(5, 80))};
  Config config_;
  fs::path folder_;
};

TEST_F(SideBySide, SeedsAreTheSameBitsHoweverManyAreAtOnce) {
  for (const bool final_fit : {false, true}) {
    config_.training.final_fit = final_fit;
    const Model one_by_one = model(config_, 1);
    ASSERT_EQ(one_by_one.members.size(), 3u);
    EXPECT_NE(one_by_one.members[0], one_by_one.members[1]);
    for (const int jobs : {0, 2, 3}) {
      const Model together = model(config_, jobs);
      EXPECT_EQ(together.members, one_by_one.members) << jobs;
      EXPECT_EQ(together.valid_loss, one_by_one.valid_loss);
      EXPECT_EQ(together.steps, one_by_one.steps);
    }
    config_.engine.threads = 2;  // three in two turns
    EXPECT_EQ(model(config_, 0).members, one_by_one.members);
    config_.engine.threads = 3;
  }
}

// Its sums depend on the number of threads, which is one for each of three here and there.
TEST_F(SideBySide, SeedsOfOneDnnAreThoseOfAsManyThreadsOneAfterAnother) {
  config_.engine.recurrence = "onednn";
  const Model together = model(config_, 3);
  config_.engine.threads = 1;
  EXPECT_EQ(together.members, model(config_, 1).members);
}

TEST_F(SideBySide, TheWatchIsAskedByTheCallersThreadForEverySeed) {
  const auto caller = std::this_thread::get_id();
  std::set<std::string> labels;
  int steps = 0;
  model(config_, 3, [&](const TrainProgress& at) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    labels.emplace(at.label);
    steps += at.epoch_end ? 0 : 1;
    return true;
  });
  EXPECT_THAT(labels, ::testing::ElementsAre("seed 1/3", "seed 2/3", "seed 3/3"));
  EXPECT_EQ(steps, 120);
}

TEST_F(SideBySide, StoppedAnywhereTheyGoOnToTheSameBits) {
  for (const bool final_fit : {false, true}) {
    config_.mode.resume = false;
    config_.training.final_fit = final_fit;
    const Model whole = model(config_, 3);
    TrainOptions options{.end = {}, .announce = false};
    int stops = 0;
    for (;; config_.mode.resume = true) {
      config_.training.parallel_seeds = stops % 4;  // another number each time
      int left = 17;
      options.watch = [&](const TrainProgress&) { return --left > 0; };
      const TrainResult part = train(config_, catalog_, options);
      if (!part.interrupted) break;
      EXPECT_TRUE(part.state_saved);
      EXPECT_FALSE(part.model.members.empty());
      ASSERT_LT(++stops, 100);
    }
    EXPECT_GT(stops, 3);
    EXPECT_EQ(load_model(config_.path.model).members, whole.members);
    EXPECT_FALSE(fs::exists(state_path(config_.path.model)));
  }
}

// Nothing tells which of them are better.
TEST_F(SideBySide, StoppedWithoutAValidationAllOfThemAreInTheModel) {
  config_.data.valid = 0;
  std::set<std::string> labels;
  const Model part = model(config_, 3, [&](const TrainProgress& at) {
    labels.emplace(at.label);
    return labels.size() < 3 || at.step < 5;
  });
  EXPECT_EQ(part.members.size(), 3u);
}

// As after a kill: whatever checkpoint was the last one leads to the same weights.
TEST_F(SideBySide, EveryCheckpointLeadsToTheSameBits) {
  config_.training.checkpoint_seconds = 0;  // after every epoch
  const Model whole = model(config_, 3);
  const auto state = state_path(config_.path.model);
  std::vector<fs::path> kept;
  TrainOptions options{.end = {}, .announce = false};
  options.watch = [&](const TrainProgress& at) {
    if (fs::exists(state) && at.step % 7 == 0) {
      kept.push_back(folder_ / fmt::format("kept.{}", kept.size()));
      fs::copy_file(state, kept.back());
    }
    return true;
  };
  train(config_, catalog_, options);
  ASSERT_GT(kept.size(), 3u);
  config_.mode.resume = true;
  for (const fs::path& one : kept) {
    fs::copy_file(one, state);
    EXPECT_EQ(train(config_, catalog_, {.end = {}, .announce = false}).model.members,
              whole.members);
  }
}

TEST_F(SideBySide, OneThatFailsEndsAllWithItsError) {
  auto series = testing::weekly_series(3, 80);
  series[2][40] = 3e38f;
  catalog_ = Catalog(testing::daily_parts(series));
  config_.network.space = "linear";
  config_.network.scaling = "none";
  config_.network.level = "none";
  config_.training.loss = "mse";
  config_.training.steps = 1'000'000;
  try {
    model(config_, 3);
    FAIL() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the loss is not finite"));
  }
}

TEST_F(SideBySide, AWatchThatThrowsEndsAllWithWhatItThrew) {
  config_.training.steps = 1'000'000;
  int left = 30;
  EXPECT_THROW(model(config_, 3,
                     [&](const TrainProgress&) {
                       if (--left == 0) throw std::runtime_error("enough");
                       return true;
                     }),
               std::runtime_error);
}

TEST_F(SideBySide, SecondsEndAllOfThem) {
  config_.training.steps = 0;
  config_.training.max_seconds = 0.3;
  for (const bool final_fit : {false, true}) {
    config_.training.final_fit = final_fit;
    const Model timed = model(config_, 3);
    EXPECT_GE(timed.members.size(), 1u);
    EXPECT_GT(timed.steps, 0);
  }
}

TEST(Sharing, SeedsLeftOverBeginWithTheFirstRound) {
  Config config;
  config.engine.device = "cpu";
  struct Row {
    int seeds, jobs, all, at_once, turns, threads;
  };
  for (const Row& row : {Row{1, 0, 8, 1, 1, 0}, Row{2, 0, 8, 2, 2, 4}, Row{3, 0, 8, 3, 3, 2},
                         Row{3, 0, 2, 3, 2, 1}, Row{5, 0, 2, 3, 2, 1}, Row{4, 0, 2, 2, 2, 1},
                         Row{3, 0, 1, 1, 1, 0}, Row{1000, 0, 16, 24, 16, 1}, Row{3, 1, 8, 1, 1, 0},
                         Row{3, 2, 8, 2, 2, 4}, Row{3, 9, 8, 3, 3, 2}, Row{3, 3, 1, 3, 1, 1}}) {
    config.training.seeds = row.seeds;
    config.training.parallel_seeds = row.jobs;
    config.engine.threads = row.all;
    const Sharing sharing = sharing_of(config);
    EXPECT_EQ(sharing.at_once, row.at_once) << row.seeds << " of " << row.all;
    EXPECT_EQ(sharing.turns, row.turns) << row.seeds << " of " << row.all;
    EXPECT_EQ(sharing.threads, row.threads) << row.seeds << " of " << row.all;
  }
}

// The final fit of training.max_seconds, if threads were of use in full.
TEST(Sharing, WorkIsThatOfAllSeedsWithAllThreads) {
  EXPECT_EQ((Sharing{.at_once = 1, .turns = 1, .threads = 0, .all_threads = 4}).work(3), 3);
  EXPECT_EQ((Sharing{.at_once = 3, .turns = 2, .threads = 1, .all_threads = 2}).work(3), 3);
  EXPECT_EQ((Sharing{.at_once = 3, .turns = 3, .threads = 1, .all_threads = 4}).work(3), 4);
}

TEST(JointProgress, IsOneLineOfAllAndALineForEachEnd) {
  std::vector<std::string> lines;
  open_log({.screen = true, .file = {}, .receiver = [&](LogLevel, std::string_view text) {
              lines.emplace_back(text);
            }});
  const double none = std::numeric_limits<double>::quiet_NaN();
  {
    JointProgress joint("4 seeds final", 4, 1, true);
    ProgressView &a = joint.part("seed 2/4 final"), &b = joint.part("seed 3/4 final");
    a.end_epoch({.step = 100,
                  .total_steps = 1000,
                  .fraction = 0.4,
                  .seconds = 100,
                  .windows_per_second = 60'000,
                  .train_loss = 0.5,
                  .valid_loss = none});
    ASSERT_EQ(lines.size(), 1u);
    // One done, one at 40 %; 100 s of an earlier run.
    EXPECT_THAT(lines[0], HasSubstr("4 seeds final [####--------]  35 %  60.0k win/s  ETA 3:06"));
    b.end_epoch({.step = 100,
                  .total_steps = 1000,
                  .fraction = 0.6,
                  .seconds = 100,
                  .windows_per_second = 60'000,
                  .train_loss = 0.25,
                  .valid_loss = 0.125});
    b.finish({.step = 1000,
               .total_steps = 1000,
               .fraction = 1,
               .seconds = 160,
               .windows_per_second = 60'000,
               .train_loss = 0.25,
               .valid_loss = 0.125});
  }
  open_log({});
  ASSERT_EQ(lines.size(), 2u);  // lines without a terminal come less and less often
  EXPECT_THAT(lines[1], HasSubstr("seed 3/4 final [############] 100 %  60.0k win/s  2:40  train"));
  for (const std::string& line : lines) EXPECT_LE(line.size(), 80u);
}

}  // namespace
}  // namespace sluice
