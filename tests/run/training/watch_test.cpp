// A training that its caller watches, and may end.
#include <gmock/gmock.h>

#include <cmath>
#include <csignal>
#include <vector>

#include "run/interrupt.hpp"
#include "run/training/training_fixture.hpp"
#include "sluice/run/backtest.hpp"

namespace sluice {
namespace {

using ::testing::ElementsAre;

class WatchedTraining : public TrainingTest {
 protected:
  TrainResult watched(const Config& config, TrainWatch watch) {
    TrainOptions options = silent();
    options.watch = std::move(watch);
    return train(config, catalog_, options);
  }
  Catalog catalog_ = weekly();
};

TEST_F(WatchedTraining, IsTheSameAsOneThatNobodyWatches) {
  const TrainResult alone = train(small(), catalog_, silent());
  const TrainResult seen = watched(small(), [](const TrainProgress&) { return true; });
  EXPECT_FALSE(seen.interrupted);
  EXPECT_EQ(seen.model.members, alone.model.members);
}

TEST_F(WatchedTraining, ShowsEveryStepAndTheEndOfEveryEpoch) {
  Config config = small();
  config.training.final_fit = false;
  std::vector<std::int64_t> steps, ends;
  watched(config, [&](const TrainProgress& p) {
    (p.epoch_end ? ends : steps).push_back(p.epoch_end ? p.epoch : p.step);
    EXPECT_EQ(p.total_steps, 60);
    EXPECT_DOUBLE_EQ(p.fraction, static_cast<double>(p.step) / 60);
    EXPECT_TRUE(!p.epoch_end || (std::isfinite(p.valid_loss) && std::isfinite(p.train_loss)));
    return true;
  });
  EXPECT_EQ(steps.size(), 60U);
  EXPECT_EQ(steps.back(), 60);
  EXPECT_THAT(ends, ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(WatchedTraining, ShowsTheLearningRateOfTheLastStep) {
  Config config = small();
  config.training.final_fit = false;
  config.training.warmup_steps = 20;
  std::vector<double> rates;
  watched(config, [&](const TrainProgress& p) {
    if (!p.epoch_end) rates.push_back(p.learning_rate);
    EXPECT_EQ(p.refit, 0);
    return true;
  });
  const double rate = config.training.learning_rate;
  ASSERT_EQ(rates.size(), 60U);
  EXPECT_DOUBLE_EQ(rates[4], rate * 5 / 20);
  EXPECT_DOUBLE_EQ(rates[19], rate);
  EXPECT_DOUBLE_EQ(rates[59], rate);
}

TEST_F(WatchedTraining, EndsAfterTheStepAtWhichItIsToldTo) {
  std::int64_t last = 0;
  const TrainResult result = watched(small(), [&](const TrainProgress& p) {
    last = p.step;
    return p.step < 23;
  });
  EXPECT_TRUE(result.interrupted);
  EXPECT_EQ(last, 23);
  EXPECT_EQ(result.model.steps, 20) << "the best of the validated ones";
}

TEST_F(WatchedTraining, EndsAtAnEpochsEnd) {
  const TrainResult result =
      watched(small(), [](const TrainProgress& p) { return !(p.epoch_end && p.epoch == 3); });
  EXPECT_TRUE(result.interrupted);
  EXPECT_LE(result.model.steps, 30);
}

TEST_F(WatchedTraining, LeavesSignalsToItsCaller) {
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGINT, nullptr, &before), 0);
  bool changed = false;
  watched(small(), [&](const TrainProgress&) {
    struct sigaction now {};
    ::sigaction(SIGINT, nullptr, &now);
    changed = changed || now.sa_handler != before.sa_handler;
    return true;
  });
  EXPECT_FALSE(changed);
}

TEST_F(WatchedTraining, OfAnEvaluationEndsTheEvaluation) {
  Config config = small();
  config.evaluate.refit = 1;
  config.evaluate.n_windows = 2;
  int windows = 0;
  BacktestOptions options;
  options.receive = [&](const Forecasts&) { ++windows; };
  options.watch = [&](const TrainProgress&) { return windows == 0; };
  EXPECT_THROW(backtest(config, catalog_, nullptr, options), Interrupted);
  EXPECT_EQ(windows, 1);
}

TEST_F(WatchedTraining, OfAnEvaluationGivesEachWindowsForecasts) {
  Config config = small();
  config.evaluate.refit = 1;
  config.evaluate.n_windows = 2;
  std::vector<std::int64_t> cutoffs;
  std::vector<int> refits;
  BacktestOptions options;
  options.watch = [&](const TrainProgress& p) {
    if (refits.empty() || refits.back() != p.refit) refits.push_back(p.refit);
    return true;
  };
  options.receive = [&](const Forecasts& f) { cutoffs.push_back(f.cutoff.front()); };
  backtest(config, catalog_, nullptr, options);
  const std::int64_t end = catalog_.history(0), K = config.network.predict_day;
  EXPECT_THAT(cutoffs, ElementsAre(end - 2 * K, end - K));
  EXPECT_THAT(refits, ElementsAre(1, 2));
}

}  // namespace
}  // namespace sluice
