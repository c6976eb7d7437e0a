// Trainings that go on from an earlier model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/training/training_fixture.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

class Incremental : public TrainingTest {};

TEST_F(Incremental, NeverReplacesABetterModelByAWorse) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.steps = 200;
  const TrainResult good = train(c, catalog, silent(true));
  c.training.init_from = c.path.model;
  c.training.learning_rate = 0.5;  // ruins it
  c.training.average_decay = 0;
  c.training.steps = 10;
  const TrainResult worse = train(c, catalog, silent(true));
  EXPECT_TRUE(worse.kept_older);
  EXPECT_EQ(load_model(c.path.model).members, good.model.members);
  c.training.learning_rate = 1e-3;
  c.training.steps = 100;
  const TrainResult better = train(c, catalog, silent(true));
  EXPECT_FALSE(better.kept_older);
  EXPECT_LT(load_model(c.path.model).valid_loss, good.model.valid_loss);
  c.network.hidden_size = 9;
  EXPECT_THROW(train(c, catalog, silent()), ConfigError);
}

TEST_F(Incremental, WhereTheEarlierModelIsBetterItIsWrittenOverAThirdOne) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.steps = 200;
  const Model earlier = train(c, catalog, silent()).model;
  c.training.init_from = (directory_ / "earlier.safetensors").string();
  save_model(c.training.init_from, earlier);
  Model third = earlier;
  third.members[0][0] += 1;
  save_model(c.path.model, third);
  c.training.learning_rate = 0.5;  // ruins it
  c.training.average_decay = 0;
  c.training.steps = 10;
  EXPECT_TRUE(train(c, catalog, silent(true)).kept_older);
  EXPECT_EQ(load_model(c.path.model).members, earlier.members);
}

TEST_F(Incremental, HasSeenWhatTheEarlierModelHad) {
  const Catalog catalog = weekly();
  Config c = small();
  c.training.steps = 5;
  c.data.test = 1;
  train(c, catalog, silent(true));
  c.training.init_from = c.path.model;
  c.training.steps = 100;
  c.data.test = 6;
  const TrainResult after = train(c, catalog, silent());
  ASSERT_FALSE(after.kept_older);
  EXPECT_EQ(after.model.seen_until, (std::vector<std::int64_t>(5, 79)));
}

// Its parameters belong to inputs that were standardised as they were then.
TEST_F(Incremental, KeepsWhatInputsMean) {
  const auto shops = [](float area, float factor) {
    auto series = testing::weekly_series(5, 80);
    for (auto& values : series) {
      for (float& y : values) y *= factor;
    }
    CatalogParts parts = testing::daily_parts(series);
    parts.static_reals.push_back({"area", {area, area + 1, area + 2, area + 3, area + 4}});
    return Catalog(std::move(parts));
  };
  Config c = small();
  c.network.space = "linear";  // so that the level is an input
  c.training.steps = 5;
  const TrainResult before = train(c, shops(1, 1), silent(true));
  EXPECT_THAT(before.model.scaling.static_offset, ::testing::ElementsAre(3));
  c.training.init_from = c.path.model;
  c.training.steps = 100;
  const TrainResult after = train(c, shops(11, 10), silent());
  ASSERT_FALSE(after.kept_older);
  EXPECT_EQ(after.model.scaling.static_offset, before.model.scaling.static_offset);
  EXPECT_EQ(after.model.scaling.static_scale, before.model.scaling.static_scale);
  ASSERT_GT(before.model.level_spread, 0);
  EXPECT_EQ(after.model.level_mean, before.model.level_mean);
  EXPECT_EQ(after.model.level_spread, before.model.level_spread);
}

}  // namespace
}  // namespace sluice
