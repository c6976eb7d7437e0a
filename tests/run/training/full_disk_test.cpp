// A training whose model finds no room: it is told of before, or not lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <utility>

#include "run/training/places.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"
#include "support/test_folder.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// Files end at so many bytes, as on a full disk.
void limit_files(rlim_t bytes) {
  struct rlimit limit {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = std::min(bytes, limit.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
}

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = test_folder() / (std::string("sluice_full_disk_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    config_ = testing::quick_config();
    config_.training.steps = 20;
    config_.path.model = (folder_ / "model.safetensors").string();
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  void TearDown() override {
    limit_files(RLIM_INFINITY);
    std::signal(SIGXFSZ, handler_);
    fs::remove_all(folder_);
  }
  /// Trains, while files end at `bytes` from the first step on; counts the steps.
  TrainResult trained(rlim_t bytes = RLIM_INFINITY) {
    steps_ = 0;
    TrainOptions options;
    options.announce = false;
    options.watch = [&](const TrainProgress& at) {
      if (!at.epoch_end) ++steps_;
      limit_files(bytes);
      return true;
    };
    return train(config_, catalog_, options);
  }
  std::string error_of(rlim_t bytes) {
    std::string what = "no error";
    try {
      trained(bytes);
    } catch (const DataError& e) {
      what = e.what();
    }
    limit_files(RLIM_INFINITY);
    return what;
  }

  /// Ids so long that the model is longer than the state of its training.
  static Catalog long_names() {
    CatalogParts parts = testing::daily_parts(testing::weekly_series(5, 80));
    for (std::string& id : parts.ids) id.append(kLongName, '_');
    return Catalog(std::move(parts));
  }
  static constexpr std::size_t kLongName = 100'000;
  Catalog catalog_ = long_names();
  Config config_;
  fs::path folder_;
  int steps_ = 0;
  void (*handler_)(int) = nullptr;
};

TEST_F(FullDisk, ResumedATrainingWithoutRoomForItsModelWritesItWithoutTrainingAgain) {
  for (const bool final_fit : {false, true}) {
    for (const int seeds : {1, 2}) {
      config_.training.final_fit = final_fit;
      config_.training.seeds = seeds;
      config_.mode.resume = false;
      const Model whole = trained().model;
      EXPECT_GT(steps_, 0);
      fs::remove(config_.path.model);
      EXPECT_THAT(error_of(kLongName), HasSubstr("with --mode.resume true, which writes the model "
                                                 "without training again"));
      ASSERT_FALSE(fs::exists(config_.path.model));
      config_.mode.resume = true;
      EXPECT_EQ(trained().model.members, whole.members);
      EXPECT_EQ(steps_, 0);
      EXPECT_EQ(load_model(config_.path.model).members, whole.members);
      EXPECT_EQ(load_model(config_.path.model).scaling.scale, whole.scaling.scale);
      EXPECT_FALSE(fs::exists(state_path(config_.path.model)));
    }
  }
}

TEST_F(FullDisk, AnEarlierModelThatIsKeptIsWrittenByTheResumedTrainingToo) {
  const Model earlier = trained().model;
  config_.training.init_from = (folder_ / "earlier.safetensors").string();
  fs::rename(config_.path.model, config_.training.init_from);
  config_.training.steps = 1;
  config_.training.learning_rate = 10;  // makes it worse
  EXPECT_THAT(error_of(kLongName), HasSubstr("without training again"));
  config_.mode.resume = true;
  EXPECT_TRUE(trained().kept_older);
  EXPECT_EQ(steps_, 0);
  EXPECT_EQ(load_model(config_.path.model).members, earlier.members);
}

TEST_F(FullDisk, WhatIsLostIsSaidToBe) {
  const std::string what = error_of(100);
  EXPECT_THAT(what, HasSubstr("File too large"));
  EXPECT_THAT(what, HasSubstr("The state of the training could not be written either"));
}

TEST_F(FullDisk, TheRoomThatIsKeptForAModelIsEnoughAndNotMuchMore) {
  config_.training.seeds = 3;
  config_.training.calibration = "auto";
  config_.training.partners = {"seasonal_naive", "ets"};
  const Model model = trained().model;
  const auto bytes = fs::file_size(config_.path.model);
  EXPECT_GE(room_of(model, 3), bytes);
  EXPECT_LT(room_of(model, 3), 3 * bytes);  // each id may be escaped
}

}  // namespace
}  // namespace sluice
