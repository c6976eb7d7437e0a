// Halving and the search on made-up objectives: no training is in these tests.
#include "run/tune/search.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

#include "run/config/space.hpp"
#include "run/temporary_file.hpp"
#include "run/tune/show.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Runs a whole plan; the score of a trial is a function of it and of the rung.
template <typename Score>
std::map<TrialRun, double> halved(const HalvingPlan& plan, Score&& score) {
  std::map<TrialRun, double> scores;
  for (;;) {
    const std::vector<TrialRun> runs = next_runs(plan, scores);
    if (runs.empty()) return scores;
    for (const TrialRun& run : runs) {
      EXPECT_TRUE(scores.emplace(run, score(run.trial, run.rung)).second) << "made twice";
    }
  }
}

std::set<std::int64_t> on_rung(const std::map<TrialRun, double>& scores, int rung) {
  std::set<std::int64_t> trials;
  for (const auto& [run, score] : scores) {
    if (run.rung == rung && run.trial > 0) trials.insert(run.trial);
  }
  return trials;
}

TEST(Halving, PromotesTheBestOfEachRung) {
  // 27 trials whose score is their distance from trial 20.
  const auto scores = halved({.trials = 27, .rungs = 3, .factor = 3}, [](std::int64_t trial, int) {
    return std::abs(static_cast<double>(trial) - 20.25);
  });
  EXPECT_EQ(on_rung(scores, 0).size(), 27u);
  // Three of the first nine went on before the others came.
  EXPECT_EQ(on_rung(scores, 1), (std::set<std::int64_t>{7, 8, 9, 16, 17, 18, 19, 20, 21}));
  EXPECT_EQ(on_rung(scores, 2), (std::set<std::int64_t>{9, 18, 20}));
  EXPECT_TRUE(scores.contains({.trial = 0, .rung = 2}));
  EXPECT_FALSE(scores.contains({.trial = 0, .rung = 0}));
}

TEST(Halving, RanksByTheScoreOfTheRungThatIsLeft) {
  // What looks good early is bad late: 1 leads on the first rung and stops on the second.
  const auto scores = halved({.trials = 9, .rungs = 3, .factor = 3}, [](std::int64_t t, int rung) {
    return rung == 0 ? static_cast<double>(t) : -static_cast<double>(t);
  });
  EXPECT_EQ(on_rung(scores, 1), (std::set<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(on_rung(scores, 2), (std::set<std::int64_t>{3}));
}

TEST(Halving, NeverPromotesWhatHasNoScoreAndPromotesOneOfFew) {
  const auto few = halved({.trials = 2, .rungs = 3, .factor = 3},
                          [](std::int64_t t, int) { return t == 1 ? kNone : 5.0; });
  EXPECT_EQ(on_rung(few, 2), (std::set<std::int64_t>{2}));
  const auto none =
      halved({.trials = 4, .rungs = 2, .factor = 2}, [](std::int64_t, int) { return kNone; });
  EXPECT_TRUE(on_rung(none, 1).empty());
}

TEST(Halving, OfOneRungIsRandomSearchAllAtOnce) {
  const HalvingPlan plan{.trials = 5, .rungs = 1, .factor = 3};
  EXPECT_EQ(next_runs(plan, {}).size(), 6u);
  EXPECT_EQ(cost_of(plan), 6);
  EXPECT_EQ(share_of_rung(plan, 0), 1);
}

TEST(Halving, CostsWhatItsSharesAddUpTo) {
  const HalvingPlan plan{.trials = 27, .rungs = 3, .factor = 3};
  EXPECT_DOUBLE_EQ(share_of_rung(plan, 0), 1.0 / 9);
  EXPECT_DOUBLE_EQ(cost_of(plan), 1 + 27.0 / 9 + 9.0 / 3 + 3);
}

/// A search of learning rates whose score has its least value at 1e-3.
class Search : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = temporary(std::string(info->name()) + ".journal");
    std::filesystem::remove(path_);
    identity_.space = {{"training.learning_rate", "{min = 0.0001, max = 0.01, log = true}"}};
    identity_.settings = {{"network.hidden_size", "64"}};
    identity_.data = 7;
    const TuneSpace space = parse_space(
        "[tune.space]\ntraining.learning_rate = {min = 1e-4, max = 1e-2, log = true}\n", "s.toml");
    trials_ = draw_trials(Config{}, space, 14, [](const Config&) { return std::string(); }).trials;
  }

  static double score(const Config& config, double share) {
    return std::abs(std::log(config.training.learning_rate / 1e-3)) + share;  // short looks better
  }

  /// Runs until `stop_after` runs have ended.
  SearchEnd run(int jobs = 1, int stop_after = 1 << 30) {
    Journal journal(path_, identity_);
    if (!journal.has_begun())
      journal.begin({.chosen = "",
                     .choice = {},
                     .measure = "MASE",
                     .windows = 3,
                     .beside = {{"naive", 1.5}}});
    SearchSetup setup;
    setup.plan = {.trials = std::ssize(trials_) - 1, .rungs = 3, .factor = 2};
    setup.jobs = jobs;
    setup.threads = jobs;
    int ended = 0;
    setup.objective = [&](const Config& config, double share, int,
                          const std::function<bool(double)>& goes_on) -> Measured {
      ++calls_;
      if (!goes_on(0.5)) return {.steps = 0, .score = 0, .wql = 0, .stopped = true};
      return {.steps = static_cast<std::int64_t>(100 * share),
              .score = score(config, share),
              .wql = kNone};
    };
    setup.watch = [&](double) { return ended < stop_after; };
    setup.ended = [&](const FinishedRun&) { ++ended; };
    const SearchEnd end = search(setup, trials_, journal);
    finished_ = journal.finished();
    std::ranges::sort(finished_, {}, &FinishedRun::run);
    return end;
  }

  std::string text() const {
    std::string out;
    for (const FinishedRun& f : finished_) {
      out += fmt::format("{}/{} {} {}\n", f.run.trial, f.run.rung, f.steps, f.score);
    }
    return out;
  }

  std::string refusal() {
    try {
      const Journal journal(path_, identity_);
      return "taken";
    } catch (const Error& error) {
      return error.what();
    }
  }

  std::filesystem::path path_;
  SearchIdentity identity_;
  std::vector<Trial> trials_;
  std::vector<FinishedRun> finished_;
  std::atomic<int> calls_ = 0;
};

TEST_F(Search, FindsTheBestOfItsTrials) {
  EXPECT_EQ(run(), SearchEnd::complete);
  const FinishedRun* best = best_of(finished_);
  ASSERT_NE(best, nullptr);
  EXPECT_EQ(best->run.rung, 2);
  for (const Trial& trial : trials_) {
    EXPECT_LE(best->score, score(trial.config, 1)) << trial.config.training.learning_rate;
  }
}

TEST_F(Search, OfTwoJobsMakesTheTrialsOfOne) {
  run(1);
  const std::string alone = text();
  std::filesystem::remove(path_);
  run(4);
  EXPECT_EQ(text(), alone);
}

TEST_F(Search, ThatWasStoppedAnywhereGoesOnToTheSameEndAndRepeatsNothing) {
  run();
  const std::string undisturbed = text();
  const int all = calls_;
  for (const int after : {0, 1, 2, 7, 12, 20}) {
    std::filesystem::remove(path_);
    ASSERT_EQ(run(1, after), SearchEnd::stopped) << after;
    EXPECT_EQ(std::ssize(finished_), after);
    calls_ = 0;
    EXPECT_EQ(run(), SearchEnd::complete);
    EXPECT_EQ(text(), undisturbed) << after;
    EXPECT_EQ(calls_, all - after) << after;
  }
}

TEST_F(Search, WhoseProcessDiedInALineGoesOnAfterTheLinesBefore) {
  run();
  const std::string undisturbed = text(), whole = read_bytes(path_);
  const std::size_t head = whole.find('\n') + 1;
  for (const std::size_t cut : {head, head + 5, whole.size() / 2, whole.size() - 1}) {
    write_bytes(path_, whole.substr(0, cut));
    run();
    EXPECT_EQ(text(), undisturbed) << cut;
    calls_ = 0;
    EXPECT_EQ(run(), SearchEnd::complete);  // and nothing of the cut line is left in the file
    EXPECT_EQ(calls_, 0);
  }
}

TEST_F(Search, AfterMoreTrialsKeepsThoseOfBefore) {
  trials_.resize(5);
  run();
  const std::string few = text();
  const TuneSpace space = parse_space(
      "[tune.space]\ntraining.learning_rate = {min = 1e-4, max = 1e-2, log = true}\n", "s.toml");
  trials_ = draw_trials(Config{}, space, 12, [](const Config&) { return std::string(); }).trials;
  calls_ = 0;
  const std::size_t before = finished_.size();
  EXPECT_EQ(run(), SearchEnd::complete);
  EXPECT_EQ(finished_.size(), before + static_cast<std::size_t>(calls_.load()));
}

TEST_F(Search, ThatThrowsEndsWithWhatWasThrown) {
  Journal journal(path_, identity_);
  journal.begin({.chosen = "", .choice = {}, .measure = "MASE", .windows = 1, .beside = {}});
  SearchSetup setup;
  setup.plan = {.trials = 4, .rungs = 1, .factor = 3};
  setup.jobs = 3;
  setup.threads = 3;
  setup.objective = [](const Config&, double, int, const auto&) -> Measured {
    throw DataError("the data went away");
  };
  setup.watch = [](double) { return true; };
  setup.ended = [](const FinishedRun&) {};
  try {
    search(setup, trials_, journal);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "the data went away");
  }
}

TEST_F(Search, OfAnotherSpaceOrDataIsRefusedByName) {
  run();
  const SearchIdentity mine = identity_;
  identity_.space["training.learning_rate"] = "{min = 0.001, max = 0.01, log = true}";
  EXPECT_THAT(refusal(), HasSubstr("it is of another space: training.learning_rate was {min = "
                                   "0.0001, max = 0.01, log = true}, and is {min = 0.001, max"));
  identity_ = mine;
  identity_.space["network.layers"] = "[1, 2]";
  EXPECT_THAT(refusal(), HasSubstr("network.layers was not there, and is [1, 2]"));
  identity_ = mine;
  identity_.settings["network.hidden_size"] = "32";
  EXPECT_THAT(refusal(),
              HasSubstr("it is of other settings: network.hidden_size was 64, and is 32; "
                        "set it back to go on with that search, or begin another one"));
  identity_ = mine;
  identity_.data = 8;
  EXPECT_THAT(refusal(), HasSubstr("it is of other data; give path.data"));
  identity_ = mine;
  EXPECT_EQ(refusal(), "taken");
}

TEST_F(Search, WhoseJournalIsDamagedOrAnothersSaysWhere) {
  run();
  std::string whole = read_bytes(path_);
  const std::size_t second = whole.find('\n') + 1;
  std::string damaged = whole;
  damaged[second] = '#';
  write_bytes(path_, damaged);
  EXPECT_THAT(refusal(), HasSubstr(path_.string() + ":2 is not a JSON object"));
  write_bytes(path_, "");
  EXPECT_THAT(refusal(), HasSubstr("is no journal of a search, whose name it has"));
  write_bytes(path_, "{\"event\": \"epoch\"}\n");
  EXPECT_THAT(refusal(), HasSubstr("sluice_tune"));
}

TEST_F(Search, OfWhichAnotherProcessWritesIsRefused) {
  const Journal journal(path_, identity_);
  EXPECT_THAT(refusal(), HasSubstr("choose another path.tuned"));
}

TEST_F(Search, IsShownWithin80ColumnsTheBestFirst) {
  run();
  for (int key = 0; key < 5; ++key) {
    finished_.back().settings.emplace_back(fmt::format("training.rather_long_{}", key), "0.00123");
  }
  finished_.back().run.rung = 2;
  finished_.back().score = 0;  // the first line of the table
  const SearchStart start{.chosen = "",
                          .choice = {},
                          .measure = "MASE",
                          .windows = 1234,
                          .beside = {{"seasonal naive (7)", 1.5}}};
  const std::string table = tune_table(finished_, start, 4);
  std::size_t begin = 0;
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = table.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(table.substr(begin, end - begin));
    EXPECT_LE(lines.back().size(), 80u) << lines.back();
  }
  EXPECT_THAT(lines[1], HasSubstr(fmt::format("{:>5}", best_of(finished_)->run.trial)));
  EXPECT_THAT(table, HasSubstr("<-"));
  EXPECT_THAT(table, HasSubstr("as given"));
  EXPECT_THAT(table, HasSubstr("seasonal naive (7)"));
  EXPECT_THAT(table, HasSubstr("scored on 1,234 forecasts of the validation part"));
  EXPECT_LE(tune_line(0.5, 100000, 100000, best_of(finished_), "MASE", 1e7).size(), 80u);
}

}  // namespace
}  // namespace sluice
