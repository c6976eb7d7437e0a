#include "run/tune/search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "base/steady_seconds.hpp"
#include "run/threads.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

class Searcher {
 public:
  Searcher(const SearchSetup& setup, const std::vector<Trial>& trials, Journal& journal)
      : setup_(setup), trials_(trials), journal_(journal) {}

  SearchEnd run();

 private:
  void take_journal();
  void make(const std::vector<TrialRun>& runs);
  void work(const std::vector<TrialRun>& runs, std::size_t job);
  void one(const TrialRun& run, std::size_t job);
  double done_share();
  double share(const TrialRun& run) const { return share_of_rung(setup_.plan, run.rung); }

  const SearchSetup& setup_;
  const std::vector<Trial>& trials_;
  Journal& journal_;
  double start_ = steady_seconds();
  std::map<TrialRun, double> scores_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> made_ = 0;  ///< runs, those of the journal too
  bool out_of_time_ = false;
  int threads_ = 0;   ///< of a run
  std::mutex mutex_;  ///< of all below, of the journal and of what the setup calls
  double done_ = 0;   ///< finished full trainings
  std::vector<double> running_;
  std::exception_ptr failure_;
};

void Searcher::take_journal() {
  for (const FinishedRun& run : journal_.finished()) {
    const auto trial = static_cast<std::size_t>(run.run.trial);
    if (run.run.rung >= setup_.plan.rungs) {
      throw DataError(
          "the journal has a trial that was trained longer than there are rungs; move it away");
    }
    // A smaller tune.trials than before: what it does not ask for is left aside.
    if (trial >= trials_.size()) continue;
    if (run.settings != trials_[trial].settings) {
      throw DataError(fmt::format(
          "the journal's trial {} has other settings than this version draws; move it away",
          run.run.trial));
    }
    if (scores_.emplace(run.run, run.score).second) done_ += share(run.run);
  }
  made_ = scores_.size();
}

double Searcher::done_share() {
  double done = done_;
  for (const double share : running_) done += share;
  return std::min(1.0, done / cost_of(setup_.plan));
}

void Searcher::one(const TrialRun& run, std::size_t job) {
  const double before = steady_seconds();
  const Trial& trial = trials_[static_cast<std::size_t>(run.trial)];
  const auto goes_on = [&](double done) {
    const std::lock_guard lock(mutex_);
    running_[job] = done * share(run);
    if (!setup_.watch(done_share())) stop_ = true;
    return !stop_.load();
  };
  const Measured measured = setup_.objective(trial.config, share(run), threads_, goes_on);
  const std::lock_guard lock(mutex_);
  running_[job] = 0;
  if (measured.stopped) {
    stop_ = true;
    return;
  }
  const FinishedRun finished{.run = run,
                             .steps = measured.steps,
                             .score = measured.score,
                             .wql = measured.wql,
                             .seconds = steady_seconds() - before,
                             .settings = trial.settings};
  journal_.add(finished);
  scores_.emplace(run, measured.score);
  done_ += share(run);
  made_ = scores_.size();
  setup_.ended(finished);
}

void Searcher::work(const std::vector<TrialRun>& runs, std::size_t job) {
  try {
    if (threads_ > 0) use_threads_again(threads_);
    while (!stop_) {
      // One is made in however few seconds: none would be no result.
      if (setup_.seconds > 0 && made_ > 0 && steady_seconds() - start_ >= setup_.seconds) {
        const std::lock_guard lock(mutex_);
        out_of_time_ = true;
        return;
      }
      const std::size_t at = next_++;
      if (at >= runs.size()) return;
      one(runs[at], job);
    }
  } catch (const std::exception&) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    stop_ = true;
  }
}

void Searcher::make(const std::vector<TrialRun>& runs) {
  const std::size_t jobs = std::min(static_cast<std::size_t>(setup_.jobs), runs.size());
  next_ = 0;
  running_.assign(jobs, 0);
  threads_ = setup_.jobs == 1 ? 0 : std::max(1, setup_.threads / static_cast<int>(jobs));
  if (setup_.jobs == 1) {
    work(runs, 0);
  } else {
    // OpenMP keeps a team of threads for each thread that computes.
    std::vector<std::jthread> threads;
    for (std::size_t job = 0; job < jobs; ++job) {
      threads.emplace_back([this, &runs, job] { work(runs, job); });
    }
  }
  if (failure_) std::rethrow_exception(failure_);
}

SearchEnd Searcher::run() {
  take_journal();
  for (;;) {
    const std::vector<TrialRun> runs = next_runs(setup_.plan, scores_);
    if (runs.empty()) return SearchEnd::complete;
    make(runs);
    if (stop_) return SearchEnd::stopped;
    if (out_of_time_) return SearchEnd::out_of_time;
  }
}

}  // namespace

SearchEnd search(const SearchSetup& setup, const std::vector<Trial>& trials, Journal& journal) {
  return Searcher(setup, trials, journal).run();
}

const FinishedRun* best_of(const std::vector<FinishedRun>& runs) {
  const FinishedRun* best = nullptr;
  for (const FinishedRun& run : runs) {
    if (!std::isfinite(run.score)) continue;
    const auto rank = [](const FinishedRun& r) {
      return std::tuple(-r.run.rung, r.score, r.run.trial);
    };
    if (best == nullptr || rank(run) < rank(*best)) best = &run;
  }
  return best;
}

}  // namespace sluice
