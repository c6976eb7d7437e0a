#include "sluice/run/resolve.hpp"
#include "support/catalogs.hpp"

#include <gtest/gtest.h>

#include <string>

#include "sluice/base/error.hpp"
#include "sluice/data/window.hpp"

namespace sluice {
namespace {

/// Series of these lengths, day by day.
Catalog daily(const std::vector<std::int64_t>& lengths) {
  CatalogParts parts;
  parts.axis.frequency = parse_frequency("D");
  parts.offsets = {0};
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    parts.ids.push_back("S" + std::to_string(s));
    parts.first.push_back(0);
    parts.offsets.push_back(parts.offsets.back() + lengths[s]);
  }
  Channel y{"y", Role::target, {}};
  y.values.assign(static_cast<std::size_t>(parts.offsets.back()), 1.0f);
  parts.channels = {y};
  return Catalog(std::move(parts));
}

std::vector<std::int64_t> test_steps(const Config& config, const Catalog& catalog) {
  const Split split = split_by_time(catalog, split_spec(config, catalog));
  std::vector<std::int64_t> steps;
  for (std::size_t s = 0; s < split.test_end.size(); ++s) {
    steps.push_back(split.test_end[s] - split.valid_end[s]);
  }
  return steps;
}

using Steps = std::vector<std::int64_t>;

TEST(LevelQuantiles, RefusesLevelsOfOneName) {
  EXPECT_EQ(level_quantiles({80, 90}), (std::vector<double>{0.05, 0.1, 0.5, 0.9, 0.95}));
  EXPECT_THROW(level_quantiles({80, 80}), ConfigError);
  EXPECT_THROW(level_quantiles({99.99999, 99.99998}), ConfigError);
}

TEST(HorizonSteps, SuitTheFrequency) {
  const auto horizon = [](const char* name) { return horizon_steps({}, parse_frequency(name)); };
  EXPECT_EQ(horizon("30min"), 48);  // a day
  EXPECT_EQ(horizon("15min"), 96);
  EXPECT_EQ(horizon("10min"), 144);
  EXPECT_EQ(horizon("5min"), 72);  // six hours
  EXPECT_EQ(horizon("1min"), 60);  // an hour
  EXPECT_EQ(horizon("h"), 48);
  EXPECT_EQ(horizon("2h"), 24);
  EXPECT_EQ(horizon("12h"), 14);
  EXPECT_EQ(horizon("D"), 14);
  EXPECT_EQ(horizon("W-SUN"), 13);
  EXPECT_EQ(horizon("MS"), 12);
  Config config;
  config.network.predict_day = 5;
  EXPECT_EQ(horizon_steps(config, parse_frequency("D")), 5);
}

TEST(SplitSpec, HoldsOutAtLeastWhatEvaluateScoresWhereHistoriesHoldTwiceThat) {
  EXPECT_EQ(test_steps({}, daily({100})), Steps{14});
  EXPECT_EQ(test_steps({}, daily({28})), Steps{14});
  EXPECT_EQ(test_steps({}, daily({1000})), Steps{100});
  EXPECT_EQ(test_steps({}, daily({27})), Steps{3});  // a tenth: training goes before
  Config config;
  config.evaluate.n_windows = 3;
  config.evaluate.step = 7;
  EXPECT_EQ(test_steps(config, daily({100})), Steps{28});
}

TEST(SplitSpec, HoldsItOutOfEverySeriesThatIsLongerWhereMostAreLongEnough) {
  EXPECT_EQ(test_steps({}, daily({100, 100, 20, 14})), (Steps{14, 14, 14, 1}));
  EXPECT_EQ(test_steps({}, daily({100, 20, 20, 20})), (Steps{10, 2, 2, 2}));
}

TEST(SplitSpec, KeepsWhatIsGivenAndWhatARefitDoesNotNeed) {
  Config config;
  config.data.test = 0;
  EXPECT_EQ(test_steps(config, daily({100})), Steps{0});
  config.data.test = 0.1;
  EXPECT_EQ(test_steps(config, daily({100})), Steps{10});
  config.data.test.reset();
  config.evaluate.refit = 1;
  EXPECT_EQ(test_steps(config, daily({100})), Steps{10});
}

TEST(Resolve, SeriesWithoutAHistoryDecideNothing) {
  std::vector<std::vector<float>> series = testing::weekly_series(2, 200);
  const Config config;
  const Catalog known(testing::daily_parts(series));
  for (int i = 0; i < 5; ++i) series.push_back({testing::kMissing});
  const Catalog with_new(testing::daily_parts(series));
  const std::vector<std::int64_t> ends = {180, 180, 0, 0, 0, 0, 0};
  EXPECT_EQ(resolve_model(config, with_new, ends).T,
            resolve_model(config, known, std::span(ends).first(2)).T);
  EXPECT_EQ(resolve_model(config, with_new, ends).T, 56);
  EXPECT_EQ(split_spec(config, with_new).test_at_least, 14);
}

TEST(Resolve, AWindowHoldsWholePatches) {
  const Catalog catalog(testing::daily_parts(testing::weekly_series(2, 200)));
  const std::vector<std::int64_t> ends = {180, 180};
  Config config;
  for (const auto& [patch, T] : {std::pair(1, 56), {7, 56}, {5, 60}, {60, 60}}) {
    config.network.patch = patch;
    EXPECT_EQ(resolve_model(config, catalog, ends).T, T) << patch;
  }
  config.network.patch = 5, config.network.time_step = 56;
  try {
    resolve_model(config, catalog, ends);
    FAIL() << "a window was cut";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "network.time_step is 56, which is no multiple of network.patch = 5; set it to 55 "
                 "or 60");
  }
  config.network.time_step = 55;
  EXPECT_EQ(resolve_model(config, catalog, ends).patches(), 11);
}

TEST(ValidationPart, HoldsAHorizonWhereAsMuchIsLeftToTrainOn) {
  Config config;
  config.data.test = 0;
  config.network.predict_day = 14;
  const Catalog catalog = daily({300, 100, 28, 27, 10});
  const auto valid = [&] {
    const Split split = training_split(config, catalog, {});
    Steps steps;
    for (std::size_t s = 0; s < split.valid_end.size(); ++s) {
      steps.push_back(split.valid_end[s] - split.train_end[s]);
    }
    return steps;
  };
  EXPECT_EQ(valid(), (Steps{30, 14, 14, 3, 1}));
  config.data.valid = 0.1;  // as it is said
  EXPECT_EQ(valid(), (Steps{30, 10, 3, 3, 1}));
}

TEST(CalendarTerms, OfTheYearComeWithTwoYears) {
  const auto terms = [](const Config& config, std::int64_t days) {
    const Catalog catalog = daily({days, days + 5, 3});
    return resolve_model(config, catalog, Steps{days, days + 5, 3}).calendar;
  };
  Config config;
  EXPECT_EQ(terms(config, 500), 6);  // weekdays
  EXPECT_EQ(terms(config, 800), 8);
  config.network.calendar_year = true;
  EXPECT_EQ(terms(config, 500), 8);
  config.network.calendar_year = false;
  EXPECT_EQ(terms(config, 800), 6);
  config.network.calendar = false, config.network.calendar_year = true;
  EXPECT_EQ(terms(config, 800), 0);
}

TEST(LevelWindow, OfPathsIsTwoLongSeasonsOrAsManyAsTheHorizonReachesInto) {
  const Catalog catalog = daily({500});
  const auto window = [&](const std::string& decoding, int horizon) {
    Config config;
    config.network.decoding = decoding;
    config.network.predict_day = horizon;
    return resolve_model(config, catalog, Steps{500}).level_window;
  };
  EXPECT_EQ(window("direct", 90), 28);
  EXPECT_EQ(window("recursive", 14), 56);
  EXPECT_EQ(window("recursive", 56), 56);
  EXPECT_EQ(window("recursive", 57), 84);
  EXPECT_EQ(window("recursive", 90), 112);
}

}  // namespace
}  // namespace sluice
