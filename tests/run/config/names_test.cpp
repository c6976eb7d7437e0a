#include "run/config/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "run/config/carried.hpp"
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
  EXPECT_EQ(override_of_name("quantile_levels", "0.1,0.5,0.9"), Override("forecast.levels", "80"));
  EXPECT_EQ(override_of_name("quantiles", "0.05,0.25,0.75,0.95"),
            Override("forecast.levels", "90,50"));
  EXPECT_THAT(error_of("quantiles", "0.1,0.5"), HasSubstr("no list of quantiles"));
  EXPECT_THAT(error_of("quantiles", "10,90"), HasSubstr("no list of quantiles"));
}

TEST(Names, BooleanKeysNeedNoValue) {
  EXPECT_TRUE(is_boolean_key("mode.resume"));
  EXPECT_TRUE(is_boolean_key("network.forking"));
  EXPECT_FALSE(is_boolean_key("training.steps"));
}

TEST(CarriedSettings, AreHowDataAreReadAndNotWhereResultsGo) {
  Config trained;
  trained.data.id = {"shop"};
  trained.path.data = {"a.csv"};
  trained.path.future = {"known.csv"};
  trained.path.forecast = "/etc/passwd";
  trained.path.log = "elsewhere.jsonl";
  trained.forecast.levels = {50, 90};
  trained.forecast.from = "2024-01-01";
  trained.evaluate.n_windows = 4;
  trained.evaluate.refit = 1;
  trained.engine.device = "cuda:3";
  trained.mode.resume = true;
  const Config carried = carried_settings(trained, false);
  EXPECT_TRUE(carried.data == trained.data);
  EXPECT_EQ(carried.path.data, trained.path.data);
  EXPECT_THAT(carried.path.future, testing::ElementsAre("known.csv"));
  EXPECT_EQ(carried.path.forecast, Config{}.path.forecast);
  EXPECT_EQ(carried.path.log, Config{}.path.log);
  EXPECT_EQ(carried.forecast.levels, trained.forecast.levels);
  EXPECT_EQ(carried.forecast.from, "");
  EXPECT_EQ(carried.evaluate.n_windows, 4);
  EXPECT_EQ(carried.evaluate.refit, 0);
  EXPECT_TRUE(carried.engine == Config{}.engine);
  EXPECT_FALSE(carried.mode.resume);
}

TEST(CarriedSettings, WhatHoldsForOneFileOnlyIsNotCarriedToAnother) {
  Config trained;
  trained.data.format = "parquet";
  trained.data.end = "2024-06-30";
  trained.data.start = "2011-01-29";
  EXPECT_EQ(carried_settings(trained, false).data.end, "2024-06-30");
  const Config carried = carried_settings(trained, true);
  EXPECT_EQ(carried.data.format, "auto");
  EXPECT_EQ(carried.data.end, "auto");
  EXPECT_EQ(carried.data.start, "2011-01-29");
  trained.data.end = "common";
  EXPECT_EQ(carried_settings(trained, true).data.end, "common");
}

}  // namespace
}  // namespace sluice
