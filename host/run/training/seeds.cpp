#include "run/training/seeds.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "base/ranks/ranks.hpp"
#include "run/interrupt.hpp"
#include "run/report/html/training_log.hpp"
#include "run/threads.hpp"
#include "run/training/crew.hpp"
#include "run/training/progress.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {
namespace {

std::string label_of(int member, int seeds, bool final_phase) {
  std::string label = seeds > 1 ? fmt::format("seed {}/{}", member + 1, seeds) : std::string();
  if (final_phase) label += label.empty() ? "final" : " final";
  return label;
}

class Seeds {
 public:
  Seeds(const SeedsSetup& setup, std::span<const int> members, std::vector<MemberState> running)
      : setup_(setup),
        seeds_(setup.config->training.seeds),
        at_once_(std::min(setup.sharing.at_once, static_cast<int>(members.size()))),
        queue_(members.begin(), members.end()),
        count_(static_cast<int>(members.size())),
        running_(std::move(running)),
        crew_(setup.sharing.turns) {}

  SeedsResult one_after_another();
  SeedsResult side_by_side();

 private:
  struct Next {  ///< a seed to be trained
    int member;
    MemberState state;
    double max_seconds;
    int passes_after;
  };
  std::optional<Next> next();
  LoopResult train(Engine& engine, Next& next, LoopSetup loop);
  void take(int member, LoopResult loop);
  void work(int place, JointProgress& progress);
  LoopSetup loop_of_place(int place);

  const SeedsSetup& setup_;
  int seeds_, at_once_;
  std::deque<int> queue_;
  int count_, begun_ = 0;
  std::vector<MemberState> running_;  ///< of an earlier run
  bool closed_ = false;               ///< no seed begins any more
  SeedsResult result_;
  Crew crew_;
};

/// The next one with its part of the seconds: those that begin first share what their round has of
/// all rounds, a later one has what its round has of those left.
std::optional<Seeds::Next> Seeds::next() {
  if (queue_.empty() || closed_) return std::nullopt;
  const int turns = std::min(setup_.sharing.turns, at_once_);
  const auto rounds = [&](std::size_t seeds) {
    return std::ceil(static_cast<double>(seeds) / turns);
  };
  double share = 1 / rounds(queue_.size());
  if (begun_ < at_once_) {
    share = at_once_ > turns ? static_cast<double>(at_once_) / count_
                             : 1 / rounds(static_cast<std::size_t>(count_));
  }
  Next next{.member = queue_.front(), .state = {}, .max_seconds = 0, .passes_after = 0};
  queue_.pop_front();
  ++begun_;
  const auto before = std::ranges::find(running_, next.member, &MemberState::member);
  if (before != running_.end()) {
    next.state = std::move(*before);
    running_.erase(before);
  }
  next.state.member = next.member;
  if (const double left = of_first_rank(setup_.seconds_left()); left > 0) {
    next.max_seconds = next.state.seconds + left * share;
  }
  if (static_cast<int>(queue_.size()) < at_once_) next.passes_after = setup_.passes_after;
  return next;
}

LoopResult Seeds::train(Engine& engine, Next& next, LoopSetup loop) {
  if (next.state.engine.params.empty()) next.state.engine = setup_.start(next.member);
  engine.set_state(next.state.engine);
  next.state.engine = engine.state();
  loop.engine = &engine;
  loop.catalog = setup_.catalog;
  loop.plan = setup_.phase->plan.get();
  loop.training = &setup_.config->training;
  loop.unknown = setup_.phase->unknown;
  loop.seed = static_cast<std::uint64_t>(setup_.config->training.seed + next.member);
  loop.validation = setup_.validation;
  loop.valid_limit = setup_.valid_limit;
  loop.steps = setup_.steps;
  loop.max_seconds = next.max_seconds;
  loop.passes_after = next.passes_after;
  loop.label = label_of(next.member, seeds_, setup_.final_phase);
  loop.announce = setup_.options->announce;
  loop.refit = setup_.options->refit;
  if (setup_.options->save) loop.model = html::name_in_log(setup_.config->path.model);
  return run_loop(loop, next.state);
}

/// What a loop ended with; one that time ended before the steps of a final fit is left out.
void Seeds::take(int member, LoopResult loop) {
  result_.windows += loop.windows;
  if (loop.interrupted) {
    result_.interrupted = closed_ = true;
    result_.parts.push_back({member, std::move(loop)});
  } else if (loop.out_of_time && setup_.final_phase) {
    result_.out_of_time = closed_ = true;
  } else {
    setup_.done(member, loop);
  }
}

SeedsResult Seeds::one_after_another() {
  LoopSetup loop;
  loop.watch = setup_.options->watch;
  loop.save = setup_.save;
  while (std::optional<Next> next = this->next()) {
    take(next->member, train(*setup_.phase->engine, *next, loop));
  }
  return std::move(result_);
}

/// What a loop says and asks goes to the thread that waits.
LoopSetup Seeds::loop_of_place(int place) {
  LoopSetup loop;
  loop.tell = [this](const std::function<void()>& what) { crew_.post(what); };
  if (setup_.save) {
    loop.save = [this](const MemberState& state) { crew_.call([&] { setup_.save(state); }); };
  }
  loop.watch = [this, place](const TrainProgress& at) {
    bool goes_on = !crew_.stopped();
    if (goes_on && setup_.options->watch) {
      crew_.call([&] { goes_on = setup_.options->watch(at); });
    } else if (goes_on) {
      goes_on = !InterruptGuard::requested();
    }
    if (!goes_on) crew_.stop();
    return goes_on && crew_.keep_turn(place);
  };
  return loop;
}

void Seeds::work(int place, JointProgress& progress) {
  if (!crew_.take_turn(place)) return;
  use_threads_again(setup_.sharing.threads);
  const std::unique_ptr<Engine> engine = setup_.phase->engine->beside(setup_.sharing.threads);
  LoopSetup loop = loop_of_place(place);
  while (!crew_.failed()) {
    std::optional<Next> next;
    crew_.call([&] {
      next = this->next();
      if (next) loop.view = &progress.part(label_of(next->member, seeds_, setup_.final_phase));
    });
    if (!next) return;
    LoopResult made = train(*engine, *next, loop);
    crew_.call([&] { take(next->member, std::move(made)); });
  }
}

SeedsResult Seeds::side_by_side() {
  JointProgress progress(fmt::format("{} seeds{}", seeds_, setup_.final_phase ? " final" : ""),
                         seeds_, seeds_ - count_, setup_.options->announce);
  crew_.run(at_once_, [&](int place) { work(place, progress); });
  std::ranges::sort(result_.parts, {}, &SeedsResult::Part::member);
  return std::move(result_);
}

}  // namespace

double Sharing::work(int seeds) const {
  const double rounds = std::max(1.0, static_cast<double>(seeds) / turns);
  return threads == 0 ? rounds * turns : rounds * all_threads / threads;
}

Sharing sharing_of(const Config& config) {
  Sharing out;
  const int seeds = config.training.seeds, jobs = config.training.parallel_seeds;
  out.all_threads = config.engine.threads > 0 ? config.engine.threads : omp_get_max_threads();
  const std::string& device = config.engine.device;
  const bool cpu = device == "cpu" || (device == "auto" && automatic_device() == "cpu");
  if (ranks().size() > 1) {
    if (jobs > 1) {
      throw ConfigError(fmt::format(
          "training.parallel_seeds = {}: on several processes all of them train one seed after "
          "another; leave it away, or train in one process",
          jobs));
    }
    out.at_once = 1;
  } else if (jobs > 0) {
    out.at_once = std::min(jobs, seeds);
  } else if (cpu) {
    out.at_once = seeds <= out.all_threads ? seeds : out.all_threads + seeds % out.all_threads;
  }
  if (out.at_once == 1) return out;
  out.turns = cpu ? std::min(out.at_once, out.all_threads) : out.at_once;
  out.threads = std::max(1, out.all_threads / out.turns);
  return out;
}

SeedsResult train_seeds(const SeedsSetup& setup, std::span<const int> members,
                        std::vector<MemberState> running) {
  Seeds seeds(setup, members, std::move(running));
  return setup.sharing.at_once == 1 ? seeds.one_after_another() : seeds.side_by_side();
}

}  // namespace sluice
