#include <algorithm>
#include <chrono>
#include <cmath>

#include "bench.hpp"

namespace sluice::bench {
namespace {

double seconds_of(const std::function<void()>& run, int times) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / times;
}

struct Warm {
  std::function<void()> run;
  int times;  ///< runs of one sample
};

Warm warm_up(const Benchmark& benchmark, double sample_seconds) {
  std::function<void()> run = benchmark.make();
  seconds_of(run, 1);  // touches the arrays
  const double once = seconds_of(run, 2);
  return {run, std::max(1, static_cast<int>(std::ceil(sample_seconds / once)))};
}

}  // namespace

std::vector<Result> run_benchmarks(const std::vector<Benchmark>& benchmarks,
                                   const RunSettings& settings) {
  std::vector<Warm> warm;
  std::vector<Result> results;
  for (const Benchmark& benchmark : benchmarks) {
    warm.push_back(warm_up(benchmark, settings.sample_seconds));
    results.push_back({benchmark, {}});
  }
  for (int round = 0; round < settings.repeat; ++round) {
    for (std::size_t i = 0; i < warm.size(); ++i) {
      results[i].seconds.push_back(seconds_of(warm[i].run, warm[i].times));
    }
  }
  return results;
}

}  // namespace sluice::bench
