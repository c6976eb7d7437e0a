// What validation chooses on simulated data whose answer is known, and what it may not touch.
#include "sluice/run/choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "run/choice/choice_data.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"
#include "support/catalogs.hpp"

namespace sluice {
namespace {

using testing::gauss;
using testing::growing;
using testing::silent;
using testing::simulated;
using testing::small;
using testing::Values;

Choice chosen(const Config& config, const Values& values, const BesideForecasts& beside = {}) {
  const Catalog catalog{testing::daily_parts(values)};
  return choose(config, catalog, training_split(config, catalog, {}), silent(), beside);
}

Values around_zero() {
  return simulated(12, 160, [](std::mt19937& random, int, int) { return 3 * gauss(random); });
}

/// Counts of a few a day: last week says nothing that the mean does not.
Values counts() {
  return simulated(20, 160, [](std::mt19937& random, int s, int) {
    return std::poisson_distribution<int>(1 + 0.2 * s)(random);
  });
}

std::vector<ChoiceRow> rows_of(const Choice& choice, const std::string& what) {
  std::vector<ChoiceRow> out;
  std::ranges::copy_if(choice.rows, std::back_inserter(out),
                       [&](const ChoiceRow& row) { return row.what == what; });
  return out;
}

/// Lowest score of the trained candidates whose name begins so.
double best_of(const Choice& choice, const std::string& name) {
  double lowest = 1e9;
  for (const ChoiceRow& row : choice.rows) {
    if (row.steps > 0 && row.name.starts_with(name)) lowest = std::min(lowest, row.score);
  }
  return lowest;
}

TEST(Choice, TakesLogarithmsOfWhatGrowsInProportion) {
  const Choice choice = chosen(small(), growing());
  EXPECT_EQ(choice.config.network.space, "log");
  EXPECT_LT(best_of(choice, "log, "), 0.8 * best_of(choice, "linear, "));
}

/// Series that follow a column of the settings, on which they hang by `effect(t)`.
template <typename Effect>
Choice chosen_with_input(Config config, const Effect& effect) {
  constexpr int kLength = 160;
  std::mt19937 random(3);
  Values values;
  Channel channel{"deal", Role::future, {}};
  for (int s = 0; s < 12; ++s) {
    auto& series = values.emplace_back();
    for (int t = 0; t < kLength; ++t) {
      const bool deal = std::uniform_real_distribution<double>()(random) < 0.4;
      channel.values.push_back(deal ? 1.0f : 0.0f);
      series.push_back(static_cast<float>(
          std::exp(2 + 0.1 * s + (deal ? effect(t) : 0.0) + 0.05 * gauss(random))));
    }
  }
  CatalogParts parts = testing::daily_parts(values);
  parts.channels.push_back(channel);
  config.data.future = {"deal"};
  const Catalog catalog{std::move(parts)};
  return choose(config, catalog, training_split(config, catalog, {}), silent());
}

TEST(Choice, KeepsAKnownInputThatHelps) {
  const Choice choice = chosen_with_input(small(), [](int) { return 1.0; });
  ASSERT_EQ(rows_of(choice, "known inputs").size(), 2u);
  EXPECT_TRUE(rows_of(choice, "known inputs")[0].kept);
  EXPECT_EQ(choice.config.data.left_out, std::vector<std::string>());
}

TEST(Choice, LeavesOutAKnownInputThatMisleads) {
  // In the validation part, the last days before the test part, it does the opposite.
  const Choice choice = chosen_with_input(small(), [](int t) { return t < 130 ? 1.0 : -1.0; });
  EXPECT_EQ(rows_of(choice, "known inputs")[1].name, "none");
  EXPECT_TRUE(rows_of(choice, "known inputs")[1].kept);
  EXPECT_EQ(choice.config.data.left_out, std::vector<std::string>{"deal"});
}

TEST(Choice, LeavesKnownInputsAloneWhereTheSettingsSay) {
  Config config = small();
  config.data.left_out.emplace();
  const Choice choice = chosen_with_input(config, [](int t) { return t < 130 ? 1.0 : -1.0; });
  EXPECT_TRUE(rows_of(choice, "known inputs").empty());
  EXPECT_EQ(choice.config.data.left_out, std::vector<std::string>());
}

TEST(Choice, TakesNoLogarithmsOfNoiseAroundZero) {
  const Choice choice = chosen(small(), around_zero());
  EXPECT_TRUE(choice.config.network.space == "linear" || choice.config.network.space == "asinh");
  EXPECT_NE(choice.config.network.base, "seasonal");
  for (const ChoiceRow& row : choice.rows) EXPECT_EQ(row.name.find("log"), std::string::npos);
}

TEST(Choice, CorrectsNoSeasonOfNoisyCounts) {
  const Choice choice = chosen(small(), counts());
  EXPECT_EQ(choice.config.network.base, "none");
  const auto beside = rows_of(choice, "beside");
  ASSERT_EQ(beside.size(), 3u);
  const auto rows = rows_of(choice, "space, base");
  const auto best = std::ranges::min_element(rows, {}, &ChoiceRow::score);
  EXPECT_LT(best->score, 0.9 * beside[0].score);  // seasonal naive
}

/// Series without a season, each with a growth of its own that takes a long time to die down.
Values with_trends(int length = 60) {
  std::vector<double> level(40, 0.0);
  return simulated(40, length, [&](std::mt19937& random, int s, int t) {
    level[static_cast<std::size_t>(s)] += 0.004 * (s - 20) * std::pow(0.98, t);
    return 100 * std::exp(level[static_cast<std::size_t>(s)] + 0.003 * gauss(random));
  });
}

TEST(Choice, TakesATrendOfShortSeriesThatGrow) {
  const Choice choice = chosen(small(), with_trends());
  EXPECT_EQ(choice.config.network.base, "trend");
  const auto rows = rows_of(choice, "base");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2].name, "trend");
  EXPECT_LT(rows[2].score, 0.9 * rows[0].score);
}

TEST(Choice, TriesNoTrendWhereATrainingSeesOnlyPartOfTheWindows) {
  Config c = small();
  c.training.batch_size = 1;
  const Choice choice = chosen(c, with_trends(120));
  EXPECT_EQ(rows_of(choice, "base").size(), 2u);
  c.training.batch_size = 8;
  EXPECT_EQ(rows_of(chosen(c, with_trends(120)), "base").size(), 3u);
}

TEST(Choice, TriesNoTrendThatByItselfIsBehindSeasonalNaive) {
  const Choice choice = chosen(small(), counts());
  EXPECT_FALSE(rows_of(choice, "base").empty());
  for (const ChoiceRow& row : choice.rows) EXPECT_NE(row.name, "trend");
}

// A negative binomial's median is 0 where few are sold, and so is its trend's: ahead of seasonal
// naive in absolute errors, for no reason that has to do with growth.
TEST(Choice, TriesNoTrendThatIsAheadByTheMedianOfCountsAlone) {
  Config c = small();
  c.training.loss = "negative_binomial";
  const Choice choice = chosen(c, simulated(20, 160, [](std::mt19937& random, int s, int) {
                                 return std::poisson_distribution<int>(0.2 + 0.02 * s)(random);
                               }));
  EXPECT_FALSE(rows_of(choice, "base").empty());
  for (const ChoiceRow& row : choice.rows) EXPECT_NE(row.name, "trend");
}

TEST(Choice, ADistributionTakesATrendOfCountsThatGrow) {
  Config c = small();
  c.training.loss = "negative_binomial";
  Values values = with_trends();
  for (auto& series : values) {
    for (float& y : series) y = std::round(y);
  }
  const auto rows = rows_of(chosen(c, values), "base");
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows.back().name, "trend");
}

TEST(Choice, ForecastsMadeBeforeAreShownBesideAndDecideNothing) {
  const Config c = small();
  const Values values = growing();
  const Catalog catalog{testing::daily_parts(values)};
  const Split split = training_split(c, catalog, {});
  std::vector<Window> windows;
  std::vector<double> points;  // of two methods; the first one knows
  for (std::int32_t s = 0; s < 12; s += 2) {
    const auto at = static_cast<std::size_t>(s);
    windows.push_back({.origin = split.train_end[at] - 1, .series = s});
    for (int method = 0; method < 2; ++method) {
      for (std::int64_t k = 0; k < 7; ++k) {
        const auto t = static_cast<std::size_t>(split.train_end[at] + k);
        points.push_back(method == 0 ? static_cast<double>(values[at][t]) : 0);
      }
    }
  }
  const Choice with = chosen(c, values, {{"oracle", ""}, windows, points});
  const Choice without = chosen(c, values);
  EXPECT_EQ(with.config, without.config);
  const auto beside = rows_of(with, "beside");
  ASSERT_EQ(beside.size(), 4u);
  EXPECT_EQ(beside[3].name, "oracle");
  EXPECT_EQ(beside[3].score, 0);
  EXPECT_EQ(beside[3].windows, 6);
  EXPECT_GT(with.windows, 6);
  EXPECT_THAT(choice_lines(with).back(), ::testing::HasSubstr(" (oracle: of 6)"));
}

TEST(Choice, OneZeroInOneSeriesDoesNotDecide) {
  Values values = growing();
  values[3][40] = 0;
  const Choice after = chosen(small(), values);
  EXPECT_EQ(after.config.network.space, "asinh");
  EXPECT_LT(best_of(after, "asinh, "), 0.9 * best_of(after, "linear, "));
}

// Two series, or a validation part of one horizon, are no evidence: what is kept is the rule.
TEST(Choice, WhatMayBeChanceLeavesTheRules) {
  Values few = counts();
  few.resize(1);
  Config c = small();
  c.data.valid = 14;  // two horizons
  const Choice choice = chosen(c, few);
  ASSERT_FALSE(choice.rows.empty());
  for (const char* what : {"space, base", "level", "base"}) {
    const auto rows = rows_of(choice, what);
    EXPECT_TRUE(rows.empty() || rows[0].kept) << what;
  }
}

TEST(Choice, AYearOfDataHasNoYearlyTerms) {
  const Choice short_one = chosen(small(), growing());
  EXPECT_EQ(short_one.config.network.calendar_year, false);
  EXPECT_TRUE(rows_of(short_one, "yearly terms").empty());
  Config c = small();
  c.network.space = "linear", c.network.base = "none", c.network.level = "mean";
  c.training.series_weight = 0;
  const Values long_ones =
      simulated(4, 900, [](std::mt19937& random, int, int) { return 10 + gauss(random); });
  EXPECT_EQ(rows_of(chosen(c, long_ones), "yearly terms").size(), 2u);
}

TEST(Choice, KeepsItsBudget) {
  Config c = small();
  c.training.choice = 0.5;
  const Choice choice = chosen(c, growing());
  std::int64_t steps = 0;
  std::int64_t kinds = 0;
  std::string before;
  for (const ChoiceRow& row : choice.rows) {
    if (row.steps == 0) continue;
    // The first of every kind but one is the best so far, which is not trained again.
    if (row.what == before || kinds++ == 0) steps += row.steps;
    before = row.what;
  }
  EXPECT_GT(steps, 250);
  EXPECT_LE(steps, 500);
}

TEST(Choice, TooFewStepsOrNoneLeaveTheRules) {
  Config c = small();
  c.training.steps = 60;
  EXPECT_EQ(chosen(c, growing()).config, c);
  const Choice choice = chosen(c, growing());
  EXPECT_TRUE(choice.rows.empty());
  EXPECT_THAT(choice_lines(choice),
              ::testing::ElementsAre("nothing chosen by validation: too few steps (training.steps, "
                                     "training.choice)"));
  c = small();
  c.training.choice = 0;
  EXPECT_EQ(chosen(c, growing()).config, c);
  EXPECT_THAT(choice_lines(chosen(c, growing())), ::testing::IsEmpty()) << "nothing was asked for";
}

// Its outputs are parameters; what is scored are the quantiles of the values.
TEST(Choice, DistributionsAreScoredByTheirQuantiles) {
  for (const char* loss : {"gaussian", "student_t", "negative_binomial", "poisson", "tweedie"}) {
    Config c = small();
    c.training.loss = loss;
    const Choice choice = chosen(c, counts());
    const auto beside = rows_of(choice, "beside");
    ASSERT_EQ(beside.size(), 3u) << loss;
    // Parameters taken for values would be beside every scale. Seasonal naive has the noise twice.
    EXPECT_LT(best_of(choice, choice.config.network.space), 0.9 * beside[0].score) << loss;
    for (const ChoiceRow& row : choice.rows) {
      if (row.steps == 0) continue;
      EXPECT_GT(row.wql, 0.05) << loss << ' ' << row.name;
      EXPECT_LT(row.wql, 1) << loss << ' ' << row.name;
    }
  }
}

TEST(Choice, ADistributionTakesLogarithmsOfWhatGrowsInProportion) {
  Config c = small();
  c.training.loss = "gaussian";
  const Choice choice = chosen(c, growing());
  EXPECT_EQ(choice.config.network.space, "log");
  EXPECT_LT(best_of(choice, "log, "), 0.8 * best_of(choice, "linear, "));
}

TEST(Choice, SecondsThatCompareNothingLeaveTheRules) {
  Config c = small();
  c.training.max_seconds = 1e-6;
  const Choice choice = chosen(c, growing());
  EXPECT_EQ(choice.config, c);
  EXPECT_TRUE(choice.rows.empty());
  EXPECT_THAT(choice_lines(choice),
              ::testing::ElementsAre(
                  "nothing chosen by validation: too little time (training.max_seconds)"));
}

TEST(Choice, KindsThatTheStepsDoNotReachAreNamed) {
  Config c = small();
  c.training.steps = 400, c.training.choice = 1;
  const Choice choice = chosen(c, growing());
  EXPECT_FALSE(choice.rows.empty());
  EXPECT_TRUE(rows_of(choice, "level").empty());
  EXPECT_THAT(choice_lines(choice).back(), ::testing::MatchesRegex("no steps \\(training.choice\\) "
                                                                   "for .*level.*"));
  c.training.steps = 4000;
  EXPECT_EQ(chosen(c, growing()).unchosen, "");
}

TEST(Choice, WhatIsSetStays) {
  Config c = small();
  c.network.space = "linear";
  c.training.series_weight = 0.25;
  const Choice choice = chosen(c, growing());
  EXPECT_EQ(choice.config.network.space, "linear");
  EXPECT_EQ(choice.config.training.series_weight, 0.25);
  EXPECT_TRUE(rows_of(choice, "series weight").empty());
  for (const ChoiceRow& row : rows_of(choice, "space, base")) {
    EXPECT_TRUE(row.name.starts_with("linear, ")) << row.name;
  }
  EXPECT_FALSE(leaves_choices(chosen(small(), growing()).config));
}

TEST(Choice, IsTheSameForTheSameSeed) {
  const Choice a = chosen(small(), growing()), b = chosen(small(), growing());
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].name, b.rows[i].name);
    EXPECT_EQ(a.rows[i].score, b.rows[i].score);
  }
}

TEST(Choice, DoesNotDependOnThreads) {
  Config c = small();
  c.training.steps = 300;
  const Choice one = chosen(c, growing());
  c.engine.threads = 2;
  Choice two = chosen(c, growing());
  two.config.engine.threads = 1;
  EXPECT_EQ(two.config, one.config);
}

TEST(Choice, SeesNothingOfTheTestPart) {
  Values values = growing();
  const Choice before = chosen(small(), values);
  for (auto& series : values) {
    for (std::size_t t = series.size() - 14; t < series.size(); ++t) series[t] = 0;
  }
  const Choice after = chosen(small(), values);
  EXPECT_EQ(after.config, before.config);
  EXPECT_EQ(choice_event(after, 0).substr(0, 20), choice_event(before, 0).substr(0, 20));
  for (std::size_t i = 0; i < before.rows.size(); ++i) {
    EXPECT_EQ(after.rows[i].score, before.rows[i].score);
  }
}

TEST(Choice, TheTableFitsATerminalAndTheModelKeepsIt) {
  const Catalog catalog{testing::daily_parts(growing())};
  Config c = small();
  c.training.steps = 500;
  const Model model = train(c, catalog, silent()).model;
  ASSERT_GT(model.choice.size(), 8u);
  for (const std::string& line : model.choice) EXPECT_LE(line.size(), 80u) << line;
  EXPECT_FALSE(leaves_choices(model.config));
  EXPECT_EQ(model.spec.space, Space::log);
  // A training by its settings chooses nothing and is the same.
  const Model again = train(model.config, catalog, silent()).model;
  EXPECT_TRUE(again.choice.empty());
  EXPECT_EQ(again.members, model.members);
}

/// The first number of the line that has this name and one more.
std::string score_in(const std::vector<std::string>& lines, const std::string& name) {
  for (const std::string& line : lines) {
    const std::size_t at = line.find(name + "  ");
    if (at == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(' ', at + name.size());
    return line.substr(begin, line.find(' ', begin) - begin);
  }
  return "no line has " + name;
}

// Fitted once: the same forecasts stand beside the candidates and are what partners are chosen by.
TEST(Choice, ATrainingShowsItsPartnersBeside) {
  const Catalog catalog{testing::daily_parts(growing())};
  Config c = small();
  c.training.steps = 300;
  const Model model = train(c, catalog, silent()).model;
  EXPECT_EQ(score_in(model.choice, "ETS + Theta"), score_in(model.learned, "ETS + Theta"));
  for (const char* part : {"ETS", "Theta"}) {
    EXPECT_THAT(score_in(model.choice, part), ::testing::ContainsRegex("^[0-9]+\\.[0-9]+$"));
  }
  // No second row of it.
  const auto naive = [](const std::string& line) {
    return line.find("seasonal naive") != std::string::npos;
  };
  EXPECT_EQ(std::ranges::count_if(model.choice, naive), 1);
  c.training.partners = {"none"};
  for (const std::string& line : train(c, catalog, silent()).model.choice) {
    EXPECT_EQ(line.find("Theta"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace sluice
