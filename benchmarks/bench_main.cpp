// sluice-bench: measures parts of Sluice. `sluice-bench cpu` takes about half a minute.
#include <fmt/format.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <span>

#include "bench.hpp"
#include "bench_report.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

using Section = std::vector<Benchmark> (*)();

constexpr Section kCpuSections[] = {recurrence_benchmarks, engine_benchmarks};

struct Options {
  std::string filter;
  std::string json;
  RunSettings run;
  int threads = 0;
  bool list = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("--filter", options.filter, "only benchmarks whose name contains this text");
  command.add_option("--repeat", options.run.repeat, "samples of each benchmark (default 9)")
      ->check(CLI::Range(1, 1000));
  command
      .add_option("--sample-seconds", options.run.sample_seconds,
                  "least duration of a sample (default 0.05)")
      ->check(CLI::Range(0.0, 60.0));
  command.add_option("--threads", options.threads, "OpenMP threads (default: all)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--json", options.json, "write every sample and the machine to this file");
  command.add_flag("--list", options.list, "print the names and stop");
}

std::vector<Benchmark> choose(std::span<const Section> sections, const std::string& filter) {
  std::vector<Benchmark> chosen;
  for (const Section section : sections) {
    for (Benchmark& benchmark : section()) {
      if (benchmark.name.find(filter) != std::string::npos) chosen.push_back(std::move(benchmark));
    }
  }
  if (chosen.empty()) {
    throw ConfigError(
        fmt::format("--filter: no benchmark's name contains '{}'; --list shows them", filter));
  }
  return chosen;
}

void run(std::span<const Section> sections, const Options& options) {
  const std::vector<Benchmark> benchmarks = choose(sections, options.filter);
  if (options.list) {
    for (const Benchmark& benchmark : benchmarks) fmt::print("{}\n", benchmark.name);
    return;
  }
  if (options.threads > 0) omp_set_num_threads(options.threads);
  const std::vector<Result> results = run_benchmarks(benchmarks, options.run);
  fmt::print("{}{}", table(results), shares(results));
  if (!options.json.empty()) write_json(options.json, results, options.run);
}

int main_of(int argc, char** argv) {
  CLI::App app("Measures parts of Sluice: medians over interleaved samples.");
  app.require_subcommand(1);
  Options options;
  CLI::App* cpu = app.add_subcommand("cpu", "the CPU engine's recurrences (B,T,I,H,L), GFLOP/s");
  add_options(*cpu, options);
  CLI11_PARSE(app, argc, argv);
  try {
    if (cpu->parsed()) run(kCpuSections, options);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "sluice-bench: {}\n", error.what());
    return error.exit_code();
  }
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) { return sluice::bench::main_of(argc, argv); }
