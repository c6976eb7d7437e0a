// What is chosen once is chosen once: resumed, incremental, stopped and repeated trainings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "run/choice/choice_data.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using testing::growing;
using testing::small;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Trainings into a folder, and the labels of what they did.
class ChoiceOnce : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Config into(const char* name) const {
    Config c = small();
    c.training.steps = 300;
    c.path.model = (folder_ / name).string();
    return c;
  }
  /// Stops at step `last` of the first training.
  TrainResult trained(const Config& config, std::int64_t last = 1'000'000) {
    labels_.clear();
    TrainOptions options;
    options.announce = false;
    options.watch = [&](const TrainProgress& at) {
      labels_.insert(std::string(at.label));
      return !at.label.empty() || at.step < last;
    };
    return train(config, catalog_, options);
  }
  bool has_chosen() const {
    return std::ranges::any_of(labels_,
                               [](const std::string& l) { return l.starts_with("choice"); });
  }

  const std::filesystem::path folder_ =
      test_folder() /
      (std::string("sluice_choice_") +
       ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const Catalog catalog_{testing::daily_parts(growing())};
  std::set<std::string> labels_;
};

TEST_F(ChoiceOnce, AResumeGoesOnWithItAndEndsTheSame) {
  const Model whole = trained(into("whole.safetensors")).model;
  EXPECT_TRUE(has_chosen());
  Config c = into("stopped.safetensors");
  EXPECT_TRUE(trained(c, 40).state_saved);
  c.mode.resume = true;
  const Model resumed = trained(c).model;
  EXPECT_FALSE(has_chosen());
  EXPECT_EQ(resumed.members, whole.members);
  EXPECT_EQ(resumed.choice.size(), whole.choice.size());
  EXPECT_FALSE(leaves_choices(resumed.config));
  EXPECT_EQ(resumed.config.network, whole.config.network);
  EXPECT_EQ(resumed.config.mode, whole.config.mode);  // its settings begin a training anew
}

TEST_F(ChoiceOnce, PartnersThatCannotBeAreRefusedBeforeIt) {
  Config c = into("none.safetensors");
  c.training.partners = {"none", "ets"};
  EXPECT_THROW(trained(c), ConfigError);
  EXPECT_TRUE(labels_.empty());
}

TEST_F(ChoiceOnce, AnIncrementalTrainingTakesItFromTheEarlierModel) {
  const Model first = trained(into("first.safetensors")).model;
  Config c = into("second.safetensors");
  c.training.init_from = (folder_ / "first.safetensors").string();
  c.training.choice = 0.5;  // nothing is chosen, whatever the budget
  const Model second = trained(c).model;
  EXPECT_FALSE(has_chosen());
  EXPECT_EQ(second.spec, first.spec);
}

TEST_F(ChoiceOnce, EndedWhileItChoosesLeavesTheEarlierModelAndNothingElse) {
  const Config c = into("kept.safetensors");
  trained(c);
  const std::string before = contents(c.path.model);
  TrainOptions options;
  options.announce = false;
  options.watch = [](const TrainProgress& at) { return !at.label.starts_with("choice 2/"); };
  try {
    train(c, catalog_, options);
    ADD_FAILURE() << "a training without a model";
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 130);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("nothing was written"));
  }
  EXPECT_EQ(contents(c.path.model), before);
  EXPECT_FALSE(std::filesystem::exists(c.path.model + ".state"));
}

// A model file of before the key, whose data are too short for what the rule now asks for.
TEST_F(ChoiceOnce, AnEarlierModelsNetworkSaysWhatItsSettingsLeaveOpen) {
  Config c = into("first.safetensors");
  c.training.choice = 0;
  c.network.calendar_year = true;
  Model first = trained(c).model;
  first.config.network.calendar_year.reset();
  save_model(folder_ / "first.safetensors", first);
  c = into("second.safetensors");
  c.training.init_from = (folder_ / "first.safetensors").string();
  EXPECT_EQ(trained(c).model.spec, first.spec);
}

TEST_F(ChoiceOnce, TheFirstRefitOfAnEvaluationChoosesForAll) {
  Config c = into("none.safetensors");
  c.evaluate.refit = 1;
  c.evaluate.n_windows = 2;
  std::set<std::pair<int, bool>> seen;
  BacktestOptions options;
  options.watch = [&](const TrainProgress& at) {
    seen.emplace(at.refit, at.label.starts_with("choice"));
    return true;
  };
  backtest(c, catalog_, nullptr, options);
  EXPECT_TRUE(seen.contains({1, true}));
  EXPECT_FALSE(seen.contains({2, true}));
  EXPECT_TRUE(seen.contains({2, false}));
}

}  // namespace
}  // namespace sluice
