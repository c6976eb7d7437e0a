// `sluice-bench cpu`: the CPU engine's recurrences beside oneDNN's and PyTorch's, and the engine as
// a whole.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "cpu/bench.hpp"
#include "cpu/compare.hpp"
#include "cpu/recurrence_kinds.hpp"
#include "cpu/report.hpp"
#include "cpu/selection.hpp"
#include "line_file.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice::bench {
namespace {

constexpr const char* kPytorch = "pytorch";
/// A thread's share of the load average that is no other work.
constexpr double kQuietLoad = 0.25;

struct Options {
  std::string filter;
  std::vector<std::string> kinds;
  std::string torch;
  std::string json, jsonl;
  std::string selection;
  RunSettings run;
  int threads = 0;
  bool list = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("--filter", options.filter, "only benchmarks whose name contains this text");
  command
      .add_option(
          "--kinds", options.kinds,
          "recurrences, by commas: fused, fused_bf16, onednn, onednn-own (its own threads), "
          "pytorch (default: all but onednn-own)")
      ->delimiter(',');
  command.add_option("--torch", options.torch,
                     "interpreter that has PyTorch, or none (default: build/peers/bin/python)");
  command.add_option("--repeat", options.run.repeat, "samples of each benchmark (default 9)")
      ->check(CLI::Range(1, 1000));
  command
      .add_option("--sample-seconds", options.run.sample_seconds,
                  "least duration of a sample (default 0.05)")
      ->check(seconds_in(0.0, 60.0));
  command.add_option("--threads", options.threads, "OpenMP threads (default: all)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--jsonl", options.jsonl,
                     "append a line for each benchmark to this file as it is measured");
  command.add_option("--json", options.json,
                     "write every sample and the machine to this file at the end");
  command.add_option("--selection", options.selection,
                     "instead: measure by which H, L and instruction set fused is faster than "
                     "onednn, write the table of recurrence = auto to this file");
  command.add_flag("--list", options.list, "print the names and stop");
}

std::vector<RecurrenceKind> chosen_kinds(const std::vector<std::string>& names, bool torch) {
  std::vector<RecurrenceKind> chosen;
  std::vector<std::string> known;
  for (const RecurrenceKind& kind : recurrence_kinds()) {
    known.push_back(kind.name);
    const bool asked = std::find(names.begin(), names.end(), kind.name) != names.end();
    if (names.empty() ? kind.by_default && (kind.make || torch) : asked) chosen.push_back(kind);
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ConfigError(
          fmt::format("--kinds: there is no '{}'; there are {}", name, fmt::join(known, ", ")));
    }
    if (name == kPytorch && !torch) {
      throw ConfigError(fmt::format("--kinds: PyTorch is not there; {}", torch_remedy()));
    }
  }
  return chosen;
}

std::vector<Benchmark> all_benchmarks(const std::vector<RecurrenceKind>& kinds,
                                      const std::shared_ptr<TorchWorker>& torch) {
  std::vector<Benchmark> all = {peak_benchmark()};
  const auto add = [&](std::vector<Benchmark> some) {
    for (Benchmark& b : some) all.push_back(std::move(b));
  };
  for (const RecurrenceShape& shape : recurrence_shapes()) {
    add(recurrence_benchmarks(shape, kinds, torch));
  }
  add(engine_benchmarks());
  return all;
}

/// Those whose name contains the filter; a group that has the peak's unit gets the peak, too.
std::vector<Benchmark> choose(std::vector<Benchmark> all, const std::string& filter) {
  const Benchmark peak = peak_benchmark();
  std::vector<Benchmark> chosen;
  for (Benchmark& b : all) {
    if (b.name().find(filter) == std::string::npos) continue;
    const bool begins = chosen.empty() || chosen.back().group != b.group;
    if (begins && b.unit == peak.unit && b.kind != kPeak) {
      chosen.push_back(peak);
      chosen.back().group = b.group;
    }
    chosen.push_back(std::move(b));
  }
  if (chosen.empty()) {
    throw ConfigError(
        fmt::format("--filter: no benchmark's name contains '{}'; --list shows them", filter));
  }
  return chosen;
}

void show_progress(const std::string& group) { fmt::print(stderr, "{}\n", group); }

void run(const Options& options) {
  if (options.threads > 0) omp_set_num_threads(options.threads);
  if (!options.selection.empty()) {
    write_selection(options.selection, options.run);
    return;
  }
  const std::shared_ptr<TorchWorker> torch =
      options.torch == "none" ? nullptr : find_torch(options.torch, omp_get_max_threads());
  const std::vector<RecurrenceKind> kinds = chosen_kinds(options.kinds, torch != nullptr);
  const std::vector<Benchmark> benchmarks = choose(all_benchmarks(kinds, torch), options.filter);
  if (options.list) {
    for (const Benchmark& benchmark : benchmarks) fmt::print("{}\n", benchmark.name());
    return;
  }
  if (!options.json.empty()) {
    if (options.json == options.jsonl) throw ConfigError("--json and --jsonl: one file; name two");
    expect_writable(options.json);
  }
  std::optional<LineFile> lines;
  if (!options.jsonl.empty()) lines.emplace(options.jsonl);
  fmt::print(stderr, "{}\n", estimate(benchmarks, options.run));
  RunFacts facts{"", load_average()};
  if (lines) lines->append(machine_line(options.run, facts));
  fmt::print("{}", table_header());
  const auto keep = [&](const Result& result) {
    if (lines) lines->append(result_line(result));  // first: printing to a closed pipe ends all
    fmt::print("{}", table_row(result));
    std::fflush(stdout);
  };
  const std::vector<Result> results = run_benchmarks(benchmarks, options.run, show_progress, keep);
  if (torch) facts.torch = torch->description();
  if (lines) lines->append(end_line(results.size(), facts));
  if (!options.json.empty()) write_json(options.json, results, options.run, facts);
  fmt::print("{}{}{}", comparison(results), shares(results), recipes(results));
  if (!torch && options.torch != "none") fmt::print("PyTorch: not measured; {}\n", torch_remedy());
  fmt::print("{} threads, {}; load average {:.1f} before\n", omp_get_max_threads(),
             cpu_vector_text(), facts.load_before);
  if (!facts.torch.empty() && facts.load_before > kQuietLoad * omp_get_max_threads()) {
    fmt::print(
        "Other work took cores: PyTorch's threads spin and lose far more by it than ours, so\n"
        "that ratios to it mean little here.\n");
  }
}

}  // namespace

void add_cpu_command(CLI::App& app) {
  CLI::App* cpu = app.add_subcommand(
      "cpu", "the CPU engine's recurrences (B,T,I,H,L) beside oneDNN's and PyTorch's; the engine");
  const auto options = std::make_shared<Options>();
  add_options(*cpu, *options);
  cpu->callback([options] { run(*options); });
}

}  // namespace sluice::bench
