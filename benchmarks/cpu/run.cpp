#include <algorithm>
#include <chrono>
#include <cmath>

#include "cpu/bench.hpp"

namespace sluice::bench {
namespace {

struct Warm {
  Timer timer;
  int times;  ///< runs of one sample
  Result result;
};

Warm warm_up(const Benchmark& benchmark, double sample_seconds) {
  const Timer timer = benchmark.make();
  timer(1);  // touches the arrays
  const double once = timer(2);
  return {timer, std::max(1, static_cast<int>(std::ceil(sample_seconds / once))), {benchmark, {}}};
}

}  // namespace

Timer timed(std::function<void()> run) {
  return [run = std::move(run)](int times) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / times;
  };
}

std::vector<Result> run_benchmarks(const std::vector<Benchmark>& benchmarks,
                                   const RunSettings& settings,
                                   const std::function<void(const std::string&)>& progress,
                                   const std::function<void(const Result&)>& done) {
  std::vector<std::string> groups;
  for (const Benchmark& b : benchmarks) {
    if (std::find(groups.begin(), groups.end(), b.group) == groups.end()) groups.push_back(b.group);
  }
  std::vector<Result> results;
  for (const std::string& group : groups) {
    progress(group);
    std::vector<Warm> warm;
    for (const Benchmark& b : benchmarks) {
      if (b.group == group) warm.push_back(warm_up(b, settings.sample_seconds));
    }
    for (int round = 0; round < settings.repeat; ++round) {
      for (Warm& w : warm) w.result.seconds.push_back(w.timer(w.times));
    }
    for (Warm& w : warm) {
      if (done) done(w.result);
      results.push_back(std::move(w.result));
    }
  }
  return results;
}

}  // namespace sluice::bench
