#include "run/tune/halving.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace sluice {
namespace {

std::int64_t power(int base, int exponent) {
  std::int64_t out = 1;
  for (int i = 0; i < exponent; ++i) out *= base;
  return out;
}

/// How many of `entered` trials come to `rung`.
std::int64_t come_to(const HalvingPlan& plan, std::int64_t entered, int rung) {
  const std::int64_t share = entered / power(plan.factor, rung);
  return entered == plan.trials ? std::max<std::int64_t>(share, 1) : share;
}

}  // namespace

double share_of_rung(const HalvingPlan& plan, int rung) {
  return 1 / static_cast<double>(power(plan.factor, plan.rungs - 1 - rung));
}

std::vector<TrialRun> next_runs(const HalvingPlan& plan, const std::map<TrialRun, double>& scores) {
  const int top = plan.rungs - 1;
  // Where nothing is promoted, nothing waits for anything.
  const std::int64_t group = top == 0 ? plan.trials : power(plan.factor, top);
  std::vector<TrialRun> missing;
  const auto need = [&](TrialRun run) {
    if (!scores.contains(run)) missing.push_back(run);
  };
  need({.trial = 0, .rung = top});
  std::vector<std::set<std::int64_t>> on(static_cast<std::size_t>(plan.rungs));
  for (std::int64_t entered = 0; entered < plan.trials;) {
    const std::int64_t last = std::min(entered + group, plan.trials);
    for (std::int64_t trial = entered + 1; trial <= last; ++trial) {
      on[0].insert(trial);
      need({.trial = trial, .rung = 0});
    }
    entered = last;
    for (int rung = 0; rung < top; ++rung) {
      if (!missing.empty()) return missing;
      std::vector<std::pair<double, std::int64_t>> ranking;
      auto& next = on[static_cast<std::size_t>(rung) + 1];
      for (const std::int64_t trial : on[static_cast<std::size_t>(rung)]) {
        const double score = scores.at({.trial = trial, .rung = rung});
        if (!next.contains(trial) && std::isfinite(score)) ranking.emplace_back(score, trial);
      }
      std::ranges::sort(ranking);
      for (const auto& [score, trial] : ranking) {
        if (std::ssize(next) >= come_to(plan, entered, rung + 1)) break;
        next.insert(trial);
        need({.trial = trial, .rung = rung + 1});
      }
    }
    if (!missing.empty()) return missing;
  }
  return missing;
}

double cost_of(const HalvingPlan& plan) {
  double cost = 1;
  for (int rung = 0; rung < plan.rungs; ++rung) {
    const auto runs = static_cast<double>(come_to(plan, plan.trials, rung));
    cost += runs * share_of_rung(plan, rung);
  }
  return cost;
}

}  // namespace sluice
