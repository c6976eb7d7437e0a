// `sluice-bench gpu`: the recurrences of the CUDA engine beside cuDNN, on the device at hand: this
// process chooses, keeps and shows; a worker measures.
#include "gpu/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "gpu/plan.hpp"
#include "gpu/record.hpp"
#include "gpu/supervisor.hpp"
#include "gpu/worker.hpp"
#include "line_file.hpp"
#include "sluice/base/error.hpp"
#include "spread.hpp"

namespace sluice::bench {
namespace {

constexpr int kFailed = 1;

using Cases = std::function<std::vector<GpuCase>(bool quick)>;

struct Options {
  Choice choice;
  GpuRunSettings run;
  Supervision supervision;
  std::string json, jsonl, commit;
  bool quick = false, list = false, libraries = false, worker = false;
};

void add_options(CLI::App& gpu, Options& o) {
  gpu.add_option("--plan", o.choice.plan, plan_names() + " (default first: all before it in turn)");
  const auto add_texts = [&](const char* name, std::vector<std::string>& texts, const char* what) {
    gpu.add_option(name, texts, what)->allow_extra_args(false);
  };
  add_texts("--filter", o.choice.filters,
            "only cases whose name contains this text; may be given "
            "several times: any of them");
  add_texts("--exclude", o.choice.excludes, "no case whose name contains this text; likewise");
  gpu.add_flag("--persist-dynamic", o.choice.persist_dynamic,
               "also cudnn_persist_dynamic, which compiles for seconds a case");
  gpu.add_flag("--quick", o.quick, "a few shapes");
  gpu.add_flag("--graph-only", o.run.graph_only,
               "time replays of a graph only, not launches one by one, too");
  gpu.add_option("--repeat", o.run.repeat, "samples of each case (default 21)")
      ->check(CLI::Range(1, 1000));
  gpu.add_option("--sample-seconds", o.run.sample_seconds,
                 "least duration of a sample (default 0.005)")
      ->check(seconds_in(0.0, 60.0));
  gpu.add_option("--budget", o.supervision.budget, "begin no case after this many seconds")
      ->check(seconds_in(0.001, 1e6));
  gpu.add_option("--case-timeout", o.supervision.case_timeout,
                 "seconds of silence after which a case is lost (default 15)")
      ->check(seconds_in(0.1, 1e6));
  gpu.add_option("--jsonl", o.jsonl, "append a line for each case to this file as it is measured");
  gpu.add_option("--json", o.json, "write every sample and the machine to this file at the end");
  gpu.add_option("--commit", o.commit, "written into both files (default: git is asked)");
  gpu.add_flag("--list", o.list, "print the names in their order and stop");
  gpu.add_flag("--libraries", o.libraries,
               "print which files of cuBLAS and cuDNN are loaded, and stop");
  gpu.add_flag("--worker", o.worker)->group("");  // for this program itself: gpu/worker.hpp
}

/// This program's arguments that make it the worker of this run.
std::vector<std::string> worker_arguments(const Options& o) {
  std::vector<std::string> arguments = {"gpu", "--worker", fmt::format("--repeat={}", o.run.repeat),
                                        fmt::format("--sample-seconds={}", o.run.sample_seconds)};
  if (o.run.graph_only) arguments.push_back("--graph-only");
  if (o.quick) arguments.push_back("--quick");
  return arguments;
}

/// Seconds of a case on an H200: beside its samples it has arrays, parity and warm-up; a sample
/// takes what is asked for or, where that is more, one run.
double seconds_of_case(const std::string& name, const GpuRunSettings& run) {
  constexpr double kRun = 0.003;  // of the mean case
  const bool engine = name.starts_with("engine/");
  const bool compiles = name.find("cudnn_persist_dynamic") != std::string::npos;
  const double beside = engine ? 0.5 : compiles ? 0.6 : 0.05;
  const int ways = run.graph_only || engine ? 1 : 2;
  return beside + ways * (run.repeat + 3) * (run.sample_seconds + kRun);
}

std::string estimate(const Options& o, const std::vector<std::string>& names) {
  double seconds = 0;
  for (const std::string& name : names) seconds += seconds_of_case(name, o.run);
  std::string text =
      fmt::format("{} cases, {:.0f} s by estimate, of an H200", names.size(), seconds);
  if (o.supervision.budget > 0)
    text += fmt::format("; none begins after {:g} s", o.supervision.budget);
  return text;
}

void write(const std::string& file, const nlohmann::json& document) {
  std::ofstream out(file);
  out << document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  out.close();
  if (!out) {
    throw Error(
        fmt::format("{}: cannot be written; is the folder there, and is there space?", file),
        kFailed);
  }
}

/// On standard error. Who read along may have gone (| head): the files are what counts.
void tell(const std::string& text) { std::fputs(text.c_str(), stderr); }

/// Measures, keeps what comes in `record` and `lines`, and tells on standard error.
Ending measure(const Options& o, const std::vector<std::string>& names, Record& record,
               LineFile* lines) {
  const auto keep = [&](const Line& line) {
    record.take(line);
    if (lines != nullptr) lines->append(text_of(line));
  };
  std::size_t number = 0;
  Listener listener;
  listener.begin = [&](const std::string& name) {
    tell(fmt::format("[{}/{}] {}", ++number, names.size(), name));
  };
  listener.take = [&](Line line) {
    const bool machine = line.at("kind") == "machine";
    if (machine) line["commit"] = o.commit.empty() ? git_commit() : o.commit;
    keep(line);
    if (!machine) tell(fmt::format(": {}\n", summary(line)));
  };
  Supervision supervision = o.supervision;
  supervision.worker = worker_arguments(o);
  const Ending ending = supervise(names, supervision, listener);
  if (!ending.stopped.empty() && ending.stopped != "budget") tell("\n");
  keep(end_line(ending, record.lost(), o.supervision.budget));
  return ending;
}

void run(const Options& o, const Cases& all) {
  if (o.libraries) {
    for (const std::string& listing : library_listings()) fmt::print("{}\n", listing);
    return;
  }
  const std::vector<GpuCase> cases = all(o.quick);
  if (o.worker) {
    work_off(cases, o.run);
    return;
  }
  // Of no device in particular: for the names.
  const std::vector<std::string> names = choose(rate_cases(DeviceInfo{}), cases, o.choice);
  if (o.list) {
    for (const std::string& name : names) fmt::print("{}\n", name);
    return;
  }
  if (!o.json.empty()) {
    if (o.json == o.jsonl) throw ConfigError("--json and --jsonl: one file; name two");
    expect_writable(o.json);
  }
  std::optional<LineFile> lines;
  if (!o.jsonl.empty()) lines.emplace(o.jsonl);
  std::signal(SIGPIPE, SIG_IGN);  // who reads along may go: tell()
  tell(estimate(o, names) + '\n');
  Record record(cases, o.run);
  Ending ending;
  std::exception_ptr broken;
  try {
    ending = measure(o, names, record, lines ? &*lines : nullptr);
  } catch (const std::exception&) {
    broken = std::current_exception();  // what was measured is written and shown first
  }
  if (!o.json.empty() && record.has_rows()) write(o.json, to_json(record.report()));
  fmt::print("{}", record.text());
  if (broken) std::rethrow_exception(broken);
  if (ending.left > 0) fmt::print("{} of {} cases left\n", ending.left, names.size());
  if (!ending.no_device.empty()) {
    throw DeviceError(fmt::format(
        "no worker gets ready any more: {}; see that nvidia-smi shows the device, reset it or start"
        " the host again if it does not, then measure the {} cases that are left",
        ending.no_device, ending.left));
  }
  if (!ending.stopped.empty() && ending.stopped != "budget") {
    throw Error(fmt::format("stopped by {}", ending.stopped), kFailed);
  }
  if (record.failed() > 0) {
    throw Error(
        fmt::format("{} cases failed or were lost (FAILED in the table); please report them "
                    "with the file of --jsonl",
                    record.failed()),
        kFailed);
  }
}

}  // namespace

void add_gpu_command(CLI::App& app, const Cases& cases) {
  CLI::App* gpu = app.add_subcommand(
      "gpu", "the CUDA engine's recurrences and cuDNN (B,T,I,H,L), checked, then timed");
  const auto options = std::make_shared<Options>();
  add_options(*gpu, *options);
  gpu->callback([options, cases] { run(*options, cases); });
}

void add_gpu_command(CLI::App& app) { add_gpu_command(app, all_cases); }

}  // namespace sluice::bench
