#include "run/config/idle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/catalogs.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Case {
  const char* key;
  std::function<void(Config&)> write, need;  ///< the setting, and what gives it its effect
};

const Case kCases[] = {
    {"data.future_for_all", [](Config& c) { c.data.future_for_all = true; },
     [](Config& c) { c.path.future = {"known.csv"}; }},
    {"data.covariate_gaps", [](Config& c) { c.data.covariate_gaps = {"zero"}; },
     [](Config& c) { c.data.past = {"visitors"}; }},
    {"network.dropout", [](Config& c) { c.network.dropout = 0.1; },
     [](Config& c) { c.network.layers = 2; }},
    {"network.smoothing_alpha",
     [](Config& c) { c.network.smoothing_alpha = 0.5, c.training.choice = 0; },
     [](Config& c) { c.network.base = "smoothing"; }},
    // What validation may choose takes it.
    {"network.smoothing_alpha",
     [](Config& c) {
       c.network.smoothing_alpha = 0.5, c.network.base = "last", c.network.level = "mean";
     },
     [](Config& c) { c.network.level = "auto"; }},
    {"network.trend_damping",
     [](Config& c) { c.network.trend_damping = 0.8, c.network.base = "last"; },
     [](Config& c) { c.network.base = "trend"; }},
    {"network.embedding_width", [](Config& c) { c.network.embedding_width = 8; },
     [](Config& c) { c.data.future_categories = {"event"}; }},
    {"network.covariate_scaling", [](Config& c) { c.network.covariate_scaling = "none"; },
     [](Config& c) { c.data.future = {"price"}; }},
    {"training.channel_dropout", [](Config& c) { c.training.channel_dropout = 0.1; },
     [](Config& c) { c.data.future = {"price"}; }},
    {"training.huber_delta", [](Config& c) { c.training.huber_delta = 2; },
     [](Config& c) { c.training.loss = "huber"; }},
    {"training.parallel_seeds", [](Config& c) { c.training.parallel_seeds = 2; },
     [](Config& c) { c.training.seeds = 2; }},
    {"training.shuffle", [](Config& c) { c.training.shuffle = false; },
     [](Config& c) { c.training.sampling = "window"; }},
    {"evaluate.step", [](Config& c) { c.evaluate.step = 7; },
     [](Config& c) { c.evaluate.n_windows = 2; }},
    {"evaluate.show", [](Config& c) { c.evaluate.show = {"A"}; },
     [](Config& c) { c.path.html = "a.html"; }},
};

TEST(Idle, SettingsAreNamedUntilWhatTheyNeedIsThere) {
  EXPECT_THAT(idle_settings("evaluate", {}, {}), IsEmpty());
  for (const Case& one : kCases) {
    Config config;
    config.evaluate.refit = 1;  // evaluate trains: it uses every section
    one.write(config);
    EXPECT_THAT(idle_settings("evaluate", config, config),
                ElementsAre(HasSubstr(std::string(one.key) + " has no effect")));
    one.need(config);
    EXPECT_THAT(idle_settings("evaluate", config, config), IsEmpty()) << one.key;
  }
}

TEST(Idle, SettingsOfAnExplanationAreNamedWithoutItsFile) {
  Config config;
  config.explanation.points = 20;
  EXPECT_THAT(idle_settings("forecast", config, config),
              ElementsAre(HasSubstr("explanation.points has no effect without its file")));
  EXPECT_THAT(idle_settings("train", config, config), IsEmpty()) << "it is for a later forecast";
  config.path.explanation = "why.csv";
  EXPECT_THAT(idle_settings("forecast", config, config), IsEmpty());
}

TEST(Idle, SettingsThatAnotherSettingOverrulesAreNamed) {
  const auto idle = [](const std::function<void(Config&)>& write) {
    Config config;
    config.evaluate.refit = 1;
    write(config);
    return idle_settings("evaluate", config, config);
  };
  EXPECT_THAT(idle([](Config& c) { c.network.level_window = 7; }), IsEmpty());
  EXPECT_THAT(idle([](Config& c) { c.network.level_window = 7, c.network.level = "none"; }),
              ElementsAre("network.level_window has no effect but on network.level = \"mean\""));
  const auto season = [](Config& c) { c.network.base_season = 7, c.network.base = "last"; };
  EXPECT_THAT(idle(season), IsEmpty());  // the level's change is over a season, too
  EXPECT_THAT(idle([&](Config& c) { season(c), c.network.level_change = false; }),
              ElementsAre(HasSubstr("network.base_season")));
  EXPECT_THAT(idle([&](Config& c) { season(c), c.network.level = "none"; }),
              ElementsAre(HasSubstr("network.base_season")));
  EXPECT_THAT(idle([](Config& c) { c.network.warmup = 7, c.network.forking = false; }),
              ElementsAre("network.warmup has no effect without network.forking"));
  EXPECT_THAT(idle([](Config& c) {
                c.network.warmup = c.network.level_window = 7, c.network.scaling = "window_mean";
              }),
              ElementsAre(HasSubstr("network.level_window"), HasSubstr("network.warmup")));
  EXPECT_THAT(idle([](Config& c) { c.training.patience = 3, c.data.valid = 0; }),
              ElementsAre(HasSubstr("training.patience")));
  EXPECT_THAT(idle([](Config& c) { c.training.schedule = "plateau", c.data.valid = 0; }),
              ElementsAre(HasSubstr("training.schedule")));
  EXPECT_THAT(idle([](Config& c) { c.forecast.ended = true, c.data.ended_after = 0; }),
              ElementsAre(HasSubstr("forecast.ended")));
  EXPECT_THAT(idle([](Config& c) {
                c.data.decimal = ",", c.path.data = {"a.parquet"}, c.path.statics = {"s.arrow"};
              }),
              ElementsAre("data.decimal has no effect on files that are no CSV"));
  EXPECT_THAT(idle([](Config& c) {
                c.data.decimal = ",", c.path.data = {"a.parquet"}, c.path.statics = {"s.csv"};
              }),
              IsEmpty());
}

TEST(Idle, ACommandNamesOnlySettingsThatItUses) {
  Config config;
  config.network.dropout = 0.1;
  config.evaluate.step = 7;
  config.data.future_for_all = true;
  EXPECT_THAT(idle_settings("train", config, config),
              ElementsAre(HasSubstr("data.future_for_all"), HasSubstr("network.dropout")));
  EXPECT_THAT(idle_settings("forecast", config, config),
              ElementsAre(HasSubstr("data.future_for_all")));
  EXPECT_THAT(idle_settings("evaluate", config, config),
              ElementsAre(HasSubstr("data.future_for_all"), HasSubstr("evaluate.step")));
}

// What a model brings along was said when it was trained; what it has may give an effect.
TEST(Idle, OfASearchOnlyItsOwnKeysAreNamedWhoseTrialsMayHaveWhatOthersNeed) {
  Config config;
  config.network.dropout = 0.1;  // a trial may have two layers
  config.tune.rungs = 2;
  EXPECT_THAT(idle_settings("tune", config, config), IsEmpty());
  config.tune.method = "random";
  EXPECT_THAT(idle_settings("tune", config, config),
              ElementsAre("tune.rungs has no effect with tune.method = \"random\""));
  EXPECT_THAT(idle_settings("train", config, config), ::testing::SizeIs(1));
}

TEST(Idle, OnlyWhatTheCommandSaysIsNamed) {
  Config written, used;
  used.data.future_for_all = true;
  EXPECT_THAT(idle_settings("forecast", written, used), IsEmpty());
  written.data.future_for_all = true;
  used.path.future = {"known.csv"};
  EXPECT_THAT(idle_settings("forecast", written, used), IsEmpty());
}

TEST(Idle, OnDataAreZonesOfDaysAndStartsOfFilesWithTimes) {
  CatalogParts parts = testing::daily_parts({{1, 2, 3}});
  const Catalog days(parts);
  parts.axis.clock = {{0, 3600}};  // of times with an offset: the zone says which day they are
  const Catalog zoned_days(parts);
  parts.axis.frequency = parse_frequency("h");
  const Catalog hours(std::move(parts));
  CatalogNotes notes;
  notes.layout = "long";
  Config config;
  config.data.time_zone = "Europe/Berlin";
  EXPECT_THAT(idle_on_data(config, hours, notes), IsEmpty());
  EXPECT_THAT(idle_on_data(config, zoned_days, notes), IsEmpty());
  EXPECT_THAT(idle_on_data(config, days, notes),
              ElementsAre("data.time_zone has no effect on steps of D: they keep the date that is "
                          "written"));
  config.data.time_zone = "";
  config.data.start = "2024-01-01";
  EXPECT_THAT(idle_on_data(config, days, notes),
              ElementsAre("data.start has no effect in layout long: it is of files where a row is "
                          "a series (data.layout = \"rows\")"));
  notes.layout = "rows";
  EXPECT_THAT(idle_on_data(config, days, notes), IsEmpty());
  notes.columns = {{.name = "begin", .role = "start", .reason = ""}};
  EXPECT_THAT(idle_on_data(config, days, notes),
              ElementsAre("data.start has no effect: the column 'begin' says when each series "
                          "begins"));
}

TEST(Idle, WhatReachesBackBeyondEverySeriesIsNamed) {
  const std::vector<float> year(365, 1), month(30, 1);
  const Catalog catalog(testing::daily_parts({month, year}));
  const auto said = [&](const std::function<void(Config&)>& write, bool trains = true) {
    Config config;
    write(config);
    return beyond_series(config, catalog, trains);
  };
  const std::string where =
      " back beyond the begin of every series, where nothing is: the longest has 365 steps";
  EXPECT_EQ(said([](Config&) {}), "");
  EXPECT_EQ(said([](Config& c) {
              c.network.time_step = c.network.patch = 365;
              c.network.lags = {7, 364};
              c.network.level_window = c.network.context = 365;
              c.network.base_season = c.network.seasonal_context = c.evaluate.season = 364;
            }),
            "");
  EXPECT_EQ(said([](Config& c) {
              c.network.lags = {7, 365};
            }),
            "network.lags = 365 reaches" + where);
  const auto all = [](Config& c) {
    c.network.time_step = c.network.patch = 366;
    c.network.lags = {365};
    c.network.level_window = c.network.context = 366;
    c.network.base_season = c.network.seasonal_context = c.evaluate.season = 365;
  };
  EXPECT_EQ(said(all),
            "network.time_step = 366, network.patch = 366, network.level_window = 366, "
            "network.base_season = 365, network.lags = 365, network.context = 366, "
            "network.seasonal_context = 365, evaluate.season = 365 reach" +
                where);
  EXPECT_EQ(said(all, false), "evaluate.season = 365 reaches" + where);
}

}  // namespace
}  // namespace sluice
