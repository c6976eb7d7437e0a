// training.sampled_pasts from the settings to the weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class SampledPasts : public ::testing::Test {
 protected:
  SampledPasts() {
    config_ = testing::quick_config();
    config_.network.decoding = "recursive";
    config_.network.predict_day = 5;
    config_.training.loss = "gaussian";
    config_.training.sampled_pasts = 0.5;
    config_.training.steps = 24;
    config_.training.steps_per_epoch = 8;
  }

  std::string refusal() const {
    TrainOptions options;
    options.announce = options.save = false;
    try {
      train(config_, catalog_, options);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }

  Catalog catalog_{testing::daily_parts(testing::weekly_series(4, 90))};
  Config config_;
};

TEST_F(SampledPasts, ResumeToTheSameBits) {
  const auto path = temporary("pasts.safetensors");
  config_.path.model = path.string();
  const Model whole = testing::quick_model(config_, catalog_);
  config_.training.checkpoint_seconds = 0;
  TrainOptions options;
  options.announce = false;
  options.watch = [](const TrainProgress& p) { return p.step < 11; };
  EXPECT_TRUE(train(config_, catalog_, options).interrupted);
  config_.mode.resume = true;
  options.watch = {};
  EXPECT_EQ(train(config_, catalog_, options).model.members, whole.members);
}

TEST_F(SampledPasts, ChangeWhatIsLearned) {
  const Model drawn = testing::quick_model(config_, catalog_);
  config_.training.sampled_pasts = 0;
  EXPECT_NE(testing::quick_model(config_, catalog_).members, drawn.members);
}

// The first step's share is 0 of whatever the last one's is.
TEST_F(SampledPasts, AreNoneInTheFirstStep) {
  config_.training.steps = 1;
  config_.training.sampled_pasts = 1;
  const Model drawn = testing::quick_model(config_, catalog_);
  config_.training.sampled_pasts = 0;
  EXPECT_EQ(testing::quick_model(config_, catalog_).members, drawn.members);
}

TEST_F(SampledPasts, AreTheSameForSeedsSideBySide) {
  config_.training.seeds = 2;
  config_.engine.threads = 2;
  config_.training.parallel_seeds = 1;
  const Model apart = testing::quick_model(config_, catalog_);
  config_.training.parallel_seeds = 2;
  const Model together = testing::quick_model(config_, catalog_);
  ASSERT_EQ(together.members.size(), apart.members.size());
  for (std::size_t i = 0; i < apart.members.size(); ++i) {
    ASSERT_EQ(together.members[i].size(), apart.members[i].size());
    for (std::size_t p = 0; p < apart.members[i].size(); ++p) {  // of one thread and of two
      ASSERT_NEAR(together.members[i][p], apart.members[i][p], 2e-3);
    }
  }
}

TEST_F(SampledPasts, AreRefusedWhereNothingIsFedBack) {
  config_.network.decoding = "direct";
  EXPECT_THAT(refusal(), HasSubstr("training.sampled_pasts = 0.5 trains on values that the model "
                                   "draws"));
  EXPECT_THAT(refusal(), HasSubstr("network.decoding to \"recursive\""));
}

TEST_F(SampledPasts, AreRefusedWhereAWindowTrainsItsLastStepAlone) {
  config_.network.forking = false;
  EXPECT_THAT(refusal(), HasSubstr("network.forking to true"));
  config_.network.forking = true;
  config_.network.time_step = 14;
  config_.network.warmup = 13;
  EXPECT_THAT(refusal(), HasSubstr("network.time_step 14, network.warmup 13"));
  EXPECT_THAT(refusal(), HasSubstr("network.warmup lower"));
  config_.network.warmup = 12;
  EXPECT_EQ(refusal(), "no error");
}

TEST_F(SampledPasts, NeedToKnowTheEndThatTheirShareRisesTo) {
  config_.training.steps = 0;
  config_.training.max_seconds = 60;
  EXPECT_THAT(refusal(), HasSubstr("training.sampled_pasts needs to know the end"));
}

}  // namespace
}  // namespace sluice
