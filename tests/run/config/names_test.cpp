#include "run/config/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& name, const std::string& value) {
  try {
    override_of_name(name, value);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Names, OfOtherToolsMeanKeysThatThereAre) {
  const std::vector<std::string> keys = config_keys();
  for (const char* name : {"h",
                           "horizon",
                           "prediction_length",
                           "freq",
                           "input_size",
                           "context_length",
                           "id_column",
                           "timestamp_column",
                           "known_covariates_names",
                           "futr_exog_list",
                           "hist_exog_list",
                           "n_windows",
                           "step_size",
                           "max_steps",
                           "val_size",
                           "time_limit",
                           "random_seed",
                           "batch",
                           "lr",
                           "epochs",
                           "level",
                           "quantile_levels"}) {
    const std::string_view key = key_of_name(name);
    EXPECT_NE(std::find(keys.begin(), keys.end(), key), keys.end()) << name << ": " << key;
  }
  EXPECT_EQ(key_of_name("prediction-length"), "network.predict_day");
  EXPECT_EQ(key_of_name("hidden_size"), "network.hidden_size");
  EXPECT_EQ(key_of_name("nothing_like_it"), "");
}

TEST(Names, WithSeveralKeysOrNoneSayWhatToWrite) {
  EXPECT_EQ(error_of("stat_exog_list", "a"),
            "--stat_exog_list: name its columns of numbers in --data.static_reals, those of words "
            "in --data.static_categories");
  EXPECT_THAT(error_of("future", "a"), HasSubstr("--path.future FILE"));
  EXPECT_THAT(error_of("figures", "a"), HasSubstr("--mode.figures, --path.figures: write which"));
  EXPECT_THAT(error_of("horizn", "3"), HasSubstr("did you mean --horizon?"));
}

TEST(Names, QuantilesInPairsAreLevelsInPercent) {
  EXPECT_EQ(override_of_name("quantile_levels", "0.1,0.5,0.9"),
            (Override{"forecast.levels", "80"}));
  EXPECT_EQ(override_of_name("quantiles", "0.05,0.25,0.75,0.95"),
            (Override{"forecast.levels", "90,50"}));
  EXPECT_THAT(error_of("quantiles", "0.1,0.5"), HasSubstr("no list of quantiles"));
  EXPECT_THAT(error_of("quantiles", "10,90"), HasSubstr("no list of quantiles"));
}

TEST(Names, AreKeptForMessagesWhereTheValueIsTheOneWritten) {
  EXPECT_EQ(override_of_name("horizon", "3"), (Override{"network.predict_day", "3", "horizon"}));
  EXPECT_EQ(override_of_name("accelerator", "gpu"), (Override{"engine.device", "cuda"}));
  try {
    load_config("", {override_of_name("horizon", "x")});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("--horizon must be an integer"));
  }
}

TEST(Names, BooleanKeysNeedNoValue) {
  EXPECT_TRUE(is_boolean_key("mode.resume"));
  EXPECT_TRUE(is_boolean_key("network.forking"));
  EXPECT_FALSE(is_boolean_key("training.steps"));
}

}  // namespace
}  // namespace sluice
