// training.preset: defaults under whatever is set.
#include "run/config/preset.hpp"

#include <gtest/gtest.h>

#include "run/temporary_file.hpp"
#include "sluice/run/config.hpp"

namespace sluice {
namespace {

TEST(Preset, LiesUnderWhatIsSetByFileOrFlagWhateverTheirOrder) {
  const Config fast = load_config({}, {{"training.preset", "fast"}});
  EXPECT_EQ(fast.training.steps, 350);
  EXPECT_EQ(fast.training.choice, 1);
  EXPECT_EQ(fast.training.seeds, 1);
  const Config set = load_config({}, {{"training.steps", "1400"}, {"training.preset", "best"}});
  EXPECT_EQ(set.training.steps, 1400);  // also where it is the default
  EXPECT_EQ(set.training.seeds, 3);
  const auto file = temporary("preset.toml");
  write_bytes(file, "[training]\nseeds = 2\npreset = \"best\"\n");
  const Config config = load_config(file, {{"training.choice", "0"}});
  EXPECT_EQ(config.training.steps, 2800);
  EXPECT_EQ(config.training.seeds, 2);
  EXPECT_EQ(config.training.choice, 0);
  // A flag's preset goes before the file's.
  EXPECT_EQ(load_config(file, {{"training.preset", "fast"}}).training.steps, 350);
}

TEST(Preset, BalancedIsTheDefaults) {
  Config config;
  apply_preset(config);
  EXPECT_TRUE(config == Config{});
}

TEST(Preset, OfAModelIsNotAppliedAnew) {
  Config trained = load_config({}, {{"training.preset", "best"}, {"training.steps", "5"}});
  EXPECT_EQ(load_config({}, {}, trained).training.steps, 5);
  EXPECT_EQ(parse_config(to_toml(trained), "model").training.steps, 5);
}

}  // namespace
}  // namespace sluice
