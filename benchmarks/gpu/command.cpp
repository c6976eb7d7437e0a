// `sluice-bench gpu`: the recurrences of the CUDA engine beside cuDNN, on the device at hand. Never
// run on a GPU yet: how long it takes is not known.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>

#include "commands.hpp"
#include "gpu/driver.hpp"
#include "gpu/report.hpp"
#include "gpu/run.hpp"
#include "sluice/base/error.hpp"
#include "spread.hpp"

namespace sluice::bench {
namespace {

struct Options {
  std::string filter, json, commit;
  GpuRunSettings run;
  bool quick = false, list = false;
};

std::vector<GpuCase> chosen_cases(const Options& options) {
  std::vector<GpuCase> cases = recurrence_cases(options.quick);
  for (GpuCase& c : cudnn_grid_cases(options.quick)) cases.push_back(std::move(c));
  std::erase_if(cases, [&](const GpuCase& c) {
    return name_of(c).find(options.filter) == std::string::npos;
  });
  if (cases.empty()) {
    throw ConfigError(
        fmt::format("--filter: no case's name contains '{}'; --list shows them", options.filter));
  }
  return cases;
}

void write(const std::string& file, const nlohmann::json& document) {
  std::ofstream out(file);
  out << document.dump(1) << '\n';
  out.close();
  if (!out) throw DataError(fmt::format("{}: cannot be written; is the folder there?", file));
}

GpuMachine machine_of(const DeviceContext& context, const Driver& driver, const Options& options) {
  GpuMachine machine;
  machine.device = context.info();
  machine.driver = driver.version();
  machine.cudnn = cudnn_version();
  machine.commit = options.commit.empty() ? git_commit() : options.commit;
  machine.compiler = fmt::format("g++ {}", __VERSION__);
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  machine.date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
  machine.highest_clocks = driver.highest_clocks().value_or(ClockReading{});
  return machine;
}

void run(const Options& options) {
  const std::vector<GpuCase> cases = chosen_cases(options);
  if (options.list) {
    for (const GpuCase& c : cases) fmt::print("{}\n", name_of(c));
    return;
  }
  if (!options.json.empty()) write(options.json, nullptr);  // fails now rather than at the end
  DeviceContext context;
  const Driver driver;
  const auto progress = [](const std::string& name) { fmt::print(stderr, "{}\n", name); };
  GpuReport report;
  report.machine = machine_of(context, driver, options);
  report.settings = options.run;
  const std::vector<RateCase> rates = rate_cases(context.info());
  report.rates = run_rates(rates, context, options.run, progress);
  report.peaks = with_measured(known_peaks(context.info().name), measured_rates(report.rates));
  report.rows = run_cases(
      cases, context, options.run, [&driver] { return driver.clocks(); }, progress);
  fmt::print("{}", table(report));
  if (!options.json.empty()) write(options.json, to_json(report));
  const auto failed = std::count_if(report.rows.begin(), report.rows.end(),
                                    [](const GpuRow& row) { return !row.failed.empty(); });
  if (failed > 0) {
    throw InternalError(fmt::format(
        "{} cases failed (FAILED in the table); please report them with the JSON", failed));
  }
}

}  // namespace

void add_gpu_command(CLI::App& app) {
  CLI::App* gpu = app.add_subcommand(
      "gpu", "the CUDA engine's recurrences and cuDNN (B,T,I,H,L), checked, then timed");
  const auto options = std::make_shared<Options>();
  gpu->add_option("--filter", options->filter, "only cases whose name contains this text");
  gpu->add_option("--repeat", options->run.repeat, "samples of each case (default 21)")
      ->check(CLI::Range(1, 1000));
  gpu->add_option("--sample-seconds", options->run.sample_seconds,
                  "least duration of a sample (default 0.005)")
      ->check(CLI::Range(0.0, 60.0));
  gpu->add_option("--json", options->json, "write every sample and the machine to this file");
  gpu->add_option("--commit", options->commit, "written into the JSON (default: git is asked)");
  gpu->add_flag("--quick", options->quick, "a few shapes");
  gpu->add_flag("--list", options->list, "print the names and stop");
  gpu->callback([options] { run(*options); });
}

}  // namespace sluice::bench
