// What a benchmark is, how a list of them is run, and the sections that exist. A new section is a
// file cpu/SECTION.cpp with one function that gives its benchmarks, declared here, and a line in
// the list of its subcommand.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sluice::bench {

/// Does so many runs; gives the seconds of one.
using Timer = std::function<double(int times)>;
/// By the wall clock of this process.
Timer timed(std::function<void()> run);

struct Benchmark {
  /// What is compared with each other, and so interleaved: "recurrence/1024,28,8,64,1/train".
  std::string group;
  std::string kind;                       ///< which of the group: "onednn"
  std::map<std::string, int> parameters;  ///< for the JSON file: {"B", 1024}, ...
  std::string unit;                       ///< of work a second: "GFLOP/s"
  double work = 0;                        ///< in that unit's numerator, done by one run
  double items = 0;                       ///< windows (or rows) of one run; 0: does not apply
  double recipe_items = 0;                ///< of a whole training of this kind; 0: is none
  std::string recurrence;                 ///< the one that runs in it, by name(); empty: none
  /// Makes the arrays and gives what to time. Called once, for chosen benchmarks only; what it
  /// gives is dropped at the group's end.
  std::function<Timer()> make;

  std::string name() const { return group + "/" + kind; }  ///< for --filter
};

struct RunSettings {
  int repeat = 9;                ///< samples of each benchmark
  double sample_seconds = 0.05;  ///< least duration of a sample; a short run is repeated
};

struct Result {
  Benchmark benchmark;
  std::vector<double> seconds;  ///< [repeat] of one run, in order of measurement

  double rate(std::size_t sample) const { return benchmark.work / seconds[sample]; }
};

/// One group after the other, in the order of their first benchmarks: warms up each benchmark of
/// the group, then takes one sample of each in turn, `repeat` times, so that a disturbance of the
/// machine falls on all of them. `progress` is called with each group's name, before it, `done`
/// with each of its results at its end: what throws later does not take them back.
std::vector<Result> run_benchmarks(const std::vector<Benchmark>& benchmarks,
                                   const RunSettings& settings,
                                   const std::function<void(const std::string&)>& progress,
                                   const std::function<void(const Result&)>& done = {});

/// The peak's kind, in its own group and in those of which it is the yardstick.
constexpr const char* kPeak = "fma";
/// Counts the threads that are set when it is called.
Benchmark peak_benchmark();
std::vector<Benchmark> engine_benchmarks();

}  // namespace sluice::bench
