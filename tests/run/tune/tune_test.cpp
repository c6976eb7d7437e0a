// A search of real trainings, small ones; the whole program is in tests/app/tune_test.py.
#include "run/tune/tune.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "run/temporary_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"
#include "support/small_training.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Folds, GoBackByTheLengthOfTheValidationPartAndLeaveShortSeriesOut) {
  Split split;
  split.train_end = {80, 30};
  split.valid_end = {100, 50};
  split.test_end = {110, 60};
  const Split back = split_of_fold(split, 1);
  EXPECT_THAT(back.train_end, ElementsAre(60, 0));  // 10 steps do not train for 20
  EXPECT_THAT(back.valid_end, ElementsAre(80, 0));
  EXPECT_THAT(split_of_fold(split, 3).train_end, ElementsAre(20, 0));
  EXPECT_THAT(split_of_fold(split, 0).train_end, ElementsAre(80, 30));
}

TEST(Tune, FindsALearningRateThatTrainsAmongThoseThatDoNot) {
  Config config = testing::quick_config();
  config.training.steps = 60;
  config.training.choice = 0;
  config.training.learning_rate = 1e-6;  // as given nothing is learned
  config.tune.trials = 4;
  config.tune.method = "random";
  config.path.tuned = temporary("tune_rate.toml").string();
  std::filesystem::remove(config.path.tuned + ".journal");
  const Catalog catalog(testing::daily_parts(testing::weekly_series(5, 80)));
  const TuneSpace space =
      parse_space("[tune.space]\ntraining.learning_rate = [1e-7, 1e-5, 1e-2]\n", "s.toml");
  const TuneResult result = tune(config, space, catalog);
  EXPECT_FALSE(result.interrupted);
  EXPECT_GT(result.trial, 0);
  EXPECT_EQ(result.config.training.learning_rate, 1e-2);
  EXPECT_THAT(result.table, HasSubstr("seasonal naive (7)"));
  // What was written is those settings, and a training takes them.
  const Config written = load_config(config.path.tuned, {});
  EXPECT_EQ(written.training.learning_rate, 1e-2);
  EXPECT_EQ(written.training.steps, 60);
  EXPECT_EQ(written.network.predict_day, config.network.predict_day);
}

TEST(Tune, RefusesAValidationPartOfZerosBeforeAnyTraining) {
  Config config = testing::quick_config();
  config.training.choice = 0;
  config.path.tuned = temporary("tune_zeros.toml").string();
  std::filesystem::remove(config.path.tuned + ".journal");
  const Catalog catalog(testing::daily_parts({std::vector<float>(80), std::vector<float>(80)}));
  const TuneSpace space =
      parse_space("[tune.space]\ntraining.learning_rate = [1e-3, 1e-2]\n", "s.toml");
  for (const char* measure : {"auto", "wape", "wql"}) {
    config.tune.measure = measure;
    try {
      tune(config, space, catalog);
      FAIL() << measure;
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("are all 0")) << measure;
    }
  }
}

}  // namespace
}  // namespace sluice
