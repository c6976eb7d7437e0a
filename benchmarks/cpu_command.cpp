// `sluice-bench cpu`: the CPU engine's recurrences and the engine as a whole.
#include <fmt/format.h>
#include <omp.h>

#include <memory>
#include <span>

#include "bench.hpp"
#include "bench_report.hpp"
#include "commands.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

using Section = std::vector<Benchmark> (*)();

constexpr Section kCpuSections[] = {peak_benchmarks, recurrence_benchmarks, engine_benchmarks};

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
  if (options.threads > 0) omp_set_num_threads(options.threads);
  const std::vector<Benchmark> benchmarks = choose(sections, options.filter);
  if (options.list) {
    for (const Benchmark& benchmark : benchmarks) fmt::print("{}\n", benchmark.name);
    return;
  }
  const std::vector<Result> results = run_benchmarks(benchmarks, options.run);
  fmt::print("{}{}", table(results), shares(results));
  if (!options.json.empty()) write_json(options.json, results, options.run);
}

}  // namespace

void add_cpu_command(CLI::App& app) {
  CLI::App* cpu = app.add_subcommand("cpu", "the CPU engine's recurrences (B,T,I,H,L), GFLOP/s");
  const auto options = std::make_shared<Options>();
  add_options(*cpu, *options);
  cpu->callback([options] { run(kCpuSections, *options); });
}

}  // namespace sluice::bench
