// What a benchmark is, how a list of them is run, and the sections that exist. A new section is a
// file bench_SECTION.cpp with one function that gives its benchmarks, declared here, and a line in
// the list of its subcommand in bench_main.cpp.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sluice::bench {

struct Benchmark {
  std::string name;  ///< "recurrence/onednn/train/1024,28,8,64,1"; for --filter
  std::map<std::string, int> parameters;  ///< for the JSON file: {"B", 1024}, ...
  std::string unit;                       ///< of work a second: "GFLOP/s"
  double work = 0;                        ///< in that unit's numerator, done by one run
  double items = 0;                       ///< windows (or rows) of one run; 0: does not apply
  /// Makes the arrays and gives the function to time. Called once, for chosen benchmarks only.
  std::function<std::function<void()>()> make;
};

struct RunSettings {
  int repeat = 9;                ///< samples of each benchmark
  double sample_seconds = 0.05;  ///< least duration of a sample; a short run is repeated
};

struct Result {
  Benchmark benchmark;
  std::vector<double> seconds;  ///< [repeat] of one run, in order of measurement
};

/// Warms up each benchmark, then takes one sample of each in turn, `repeat` times: a disturbance of
/// the machine falls on all of them.
std::vector<Result> run_benchmarks(const std::vector<Benchmark>& benchmarks,
                                   const RunSettings& settings);

/// The sections. peak_benchmarks() counts the threads that are set when it is called.
std::vector<Benchmark> peak_benchmarks();
std::vector<Benchmark> recurrence_benchmarks();
std::vector<Benchmark> engine_benchmarks();

}  // namespace sluice::bench
