// What [tune.space] may say, and what is said of what it may not.
#include "run/config/space.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

#include "run/tune/trials.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/config.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(const std::string& toml) {
  try {
    static_cast<void>(parse_space(toml, "s.toml"));
    return "taken";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

std::string no_misfit(const Config&) { return {}; }

TEST(TuneSpace, TakesChoicesAndRangesUnderSectionsAndAsWholeNames) {
  const TuneSpace space = parse_space(
      "[tune.space]\n"
      "training.learning_rate = {min = 1e-4, max = 1e-2, log = true}\n"
      "\"network.hidden_size\" = {min = 16, max = 64, step = 16}\n"
      "[tune.space.network]\nlags = [[7], [7, 28]]\n",
      "s.toml");
  ASSERT_EQ(space.keys.size(), 3u);
  EXPECT_EQ(space_text(space),
            "network.hidden_size {min = 16, max = 64, step = 16}; network.lags [[7], [7, 28]]; "
            "training.learning_rate {min = 0.0001, max = 0.01, log = true}");
  EXPECT_EQ(toml_of(space.keys[1].value(0.9)), "[7, 28]");
}

TEST(TuneSpace, NamesWhatIsWrongWithLineKeyAndRemedy) {
  const std::pair<const char*, const char*> cases[] = {
      {"training.learning_rat = [1e-3]",
       "s.toml:2: unknown key 'training.learning_rat'; did you mean 'training.learning_rate'?"},
      {"learning_rate = [1e-3]",
       "s.toml:2: unknown key 'learning_rate'; did you mean 'training.learning_rate'?"},
      {"training.learning_rate = 1e-3",
       "s.toml:2: training.learning_rate has one value in [tune.space]; list those to try, [..], "
       "give a range, {min = .., max = ..}, or set it under [training]"},
      {"training.learning_rate = []",
       "s.toml:2: training.learning_rate: the list is empty; name the values to try"},
      {"training.learning_rate = [1e-3, \"fast\"]",
       "s.toml:2: training.learning_rate must be a number above 0 up to 10, got \"fast\""},
      {"training.learning_rate = [1e-3, 1e-3]",
       "s.toml:2: training.learning_rate: 0.001 stands twice in the list; name it once"},
      {"training.learning_rate = {min = 1e-3, max = 20}",
       "s.toml:2: training.learning_rate: max must be a number above 0 up to 10, got 20"},
      {"training.learning_rate = {min = 1e-2, max = 1e-3}",
       "s.toml:2: training.learning_rate: min (0.01) must be below max (0.001)"},
      {"training.learning_rate = {min = 1e-3}",
       "s.toml:2: training.learning_rate: a range needs min and max, and 'max' is missing"},
      {"training.learning_rate = {min = 1e-3, max = 1e-2, logarithmic = true}",
       "s.toml:2: training.learning_rate: a range has min, max, log, step, not 'logarithmic'"},
      {"training.learning_rate = {min = 1e-3, max = 1e-2, log = 1}",
       "s.toml:2: training.learning_rate: log must be true or false"},
      {"training.weight_decay = {min = 0, max = 0.1, log = true}",
       "s.toml:2: training.weight_decay: min (0) has no logarithm; give one above 0, or leave out "
       "log"},
      {"training.learning_rate = {min = 1e-3, max = 1e-2, step = 1}",
       "s.toml:2: training.learning_rate: step must be a number above 0 and at most max - min "
       "(0.009000000000000001)"},
      {"network.hidden_size = {min = 8, max = 64, log = true, step = 8}",
       "s.toml:2: network.hidden_size: log and step exclude each other; list the values instead: "
       "[..]"},
      {"network.hidden_size = {min = 8.5, max = 64}",
       "s.toml:2: network.hidden_size: min must be an integer from 1 to 4096, got 8.5"},
      {"network.hidden_size = {min = 8, max = 64, step = 0.5}",
       "s.toml:2: network.hidden_size: step must be a whole number above 0 and at most max - min "
       "(56)"},
      {"network.space = [\"log\", \"lin\"]",
       "s.toml:2: network.space must be one of auto, linear, log, asinh, got \"lin\""},
      {"network.space = {min = 1, max = 2}",
       "s.toml:2: network.space takes one of auto, linear, log, asinh, which has no range; list "
       "the "
       "values to try: [..]"},
      {"network.predict_day = [7, 14]",
       "s.toml:2: 'network.predict_day' cannot be searched: trials of different horizons cannot be "
       "compared"},
      {"training.seed = [1, 2]",
       "s.toml:2: 'training.seed' cannot be searched: it would choose chance; trials share one "
       "seed"},
      {"data.valid = [0.1, 0.2]",
       "s.toml:2: 'data.valid' cannot be searched: trials differ in keys of [network] and "
       "[training]; set it under [data]"},
      {"training.batch_size = [32]\n\"training.batch_size\" = [64]",
       "s.toml: 'training.batch_size' stands twice in [tune.space]; write it once"},
      {"", "s.toml: [tune.space] is empty; name a key and its values"},
  };
  for (const auto& [line, message] : cases) {
    EXPECT_THAT(refusal(std::string("[tune.space]\n") + line + "\n"), HasSubstr(message)) << line;
  }
  EXPECT_THAT(refusal("[tune]\ntrials = 3\n"), HasSubstr("s.toml: it has no [tune.space]"));
}

TEST(TuneSpace, IsOfNoMeaningToOtherCommandsAndNoOtherTableIsTaken) {
  const Config config = parse_config("[tune]\ntrials = 3\n[tune.space]\nx = 1\n", "s.toml");
  EXPECT_EQ(config.tune.trials, 3);
  EXPECT_THROW(parse_config("[tune.spice]\nx = [1]\n", "s.toml"), ConfigError);
}

TEST(TuneSpace, ValuesStayInTheirRangeAndReachItsEnds) {
  const TuneSpace space = parse_space(
      "[tune.space]\ntraining.learning_rate = {min = 1e-4, max = 1e-2, log = true}\n"
      "network.hidden_size = {min = 1, max = 4, log = true}\n"
      "training.batch_size = {min = 10, max = 35, step = 10}\n"
      "training.stride = {min = 1, max = 3}\n",
      "s.toml");
  const auto& [size, batch, rate, stride] =
      std::tie(space.keys[0], space.keys[1], space.keys[2], space.keys[3]);
  std::set<std::string> sizes, batches, strides;
  int below = 0, ones = 0;
  constexpr int kDraws = 1000;
  for (int i = 0; i < kDraws; ++i) {
    const double at = (i + 0.5) / kDraws;
    sizes.insert(toml_of(size.value(at)));
    ones += toml_of(size.value(at)) == "1";
    batches.insert(toml_of(batch.value(at)));
    strides.insert(toml_of(stride.value(at)));
    const double value = std::get<double>(rate.value(at).data);
    EXPECT_GE(value, 1e-4);
    EXPECT_LE(value, 1e-2);
    below += value < 1e-3;
  }
  EXPECT_THAT(sizes, ElementsAre("1", "2", "3", "4"));
  // Of 0.5..4.5 in the logarithm what rounds to 1 is half: log(1.5 / 0.5) / log(4.5 / 0.5).
  EXPECT_NEAR(ones, kDraws / 2, 5);
  EXPECT_THAT(batches, ElementsAre("10", "20", "30"));
  EXPECT_THAT(strides, ElementsAre("1", "2", "3"));
  // In the logarithm the middle of 1e-4..1e-2 is 1e-3.
  EXPECT_NEAR(below, kDraws / 2, 5);
  EXPECT_EQ(toml_of(rate.value(0)), "0.0001");
  EXPECT_EQ(toml_of(rate.value(0.25)), "0.000316");  // three digits
}

TEST(Trials, AreTheSameForTheSameSeedAndThoseOfAShorterSearchComeFirst) {
  const TuneSpace space = parse_space(
      "[tune.space]\ntraining.learning_rate = {min = 1e-4, max = 1e-2, log = true}\n", "s.toml");
  Config given;
  const DrawnTrials few = draw_trials(given, space, 3, no_misfit);
  const DrawnTrials many = draw_trials(given, space, 8, no_misfit);
  ASSERT_EQ(many.trials.size(), 9u);
  for (std::size_t i = 0; i < few.trials.size(); ++i) {
    EXPECT_EQ(few.trials[i].settings, many.trials[i].settings) << i;
  }
  EXPECT_TRUE(few.trials[0].settings.empty());
  EXPECT_TRUE(few.trials[0].config == given);
  given.training.seed = 43;
  EXPECT_NE(draw_trials(given, space, 1, no_misfit).trials[1].settings, many.trials[1].settings);
}

TEST(Trials, OfAFiniteSpaceAreAllOfItOnceAndNotTheGivenOne) {
  const TuneSpace space = parse_space(
      "[tune.space]\nnetwork.layers = [1, 2]\nnetwork.hidden_size = [8, 64]\n", "s.toml");
  const DrawnTrials drawn = draw_trials(Config{}, space, 10, no_misfit);  // given: 1 layer of 64
  EXPECT_TRUE(drawn.exhausted);
  std::set<TrialSettings> settings;
  for (std::size_t i = 1; i < drawn.trials.size(); ++i) settings.insert(drawn.trials[i].settings);
  EXPECT_EQ(settings.size(), 3u);
  EXPECT_FALSE(settings.contains({{"network.hidden_size", "64"}, {"network.layers", "1"}}));
}

TEST(Trials, WhoseSettingsDoNotGoTogetherAreLeftOutAndCounted) {
  const TuneSpace space = parse_space("[tune.space]\nnetwork.layers = [2, 3, 4]\n", "s.toml");
  const Misfit odd = [](const Config& c) {
    return std::string(c.network.layers == 3 ? "three do not go" : "");
  };
  const DrawnTrials drawn = draw_trials(Config{}, space, 3, odd);
  EXPECT_EQ(drawn.trials.size(), 3u);
  EXPECT_EQ(drawn.misfits, 1);
  EXPECT_EQ(drawn.misfit, "three do not go");
  const Misfit all = [](const Config& c) {
    return std::string(c.network.layers > 1 ? "one layer alone" : "");
  };
  EXPECT_THROW(draw_trials(Config{}, space, 3, all), ConfigError);
}

}  // namespace
}  // namespace sluice
