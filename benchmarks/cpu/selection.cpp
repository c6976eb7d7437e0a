#include "cpu/selection.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>

#include "cpu/compare.hpp"
#include "cpu/recurrence_kinds.hpp"
#include "cpu/report.hpp"
#include "engine/fused/kernels.hpp"
#include "engine/fused/recurrence.hpp"
#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

constexpr int kWidths[] = {16, 32, 64, 128, 256, 512, 1024};
constexpr int kLayers[] = {1, 2};
constexpr const char *kFused = "fused", *kOnednn = "onednn";

/// A batch of some hundred series for a few weeks; less of both where a run would take long.
RecurrenceShape shape_of(int H, int L) {
  const int T = H <= 128 ? 28 : H <= 512 ? 10 : 4;
  return {.T = T, .N = H <= 256 ? 256 : 96, .C = 8, .H = H, .L = L};
}

std::vector<Benchmark> benchmarks_for(const FusedKernels<float>& kernels) {
  std::vector<RecurrenceKind> kinds;
  for (const RecurrenceKind& kind : recurrence_kinds()) {
    if (kind.name == kFused || kind.name == kOnednn) kinds.push_back(kind);
  }
  for (RecurrenceKind& kind : kinds) {
    if (kind.name != kFused) continue;
    kind.make = [&kernels](int C, int H, int L) { return make_fused_recurrence(C, H, L, kernels); };
  }
  std::vector<Benchmark> all;
  for (const int L : kLayers) {
    for (const int H : kWidths) {
      for (Benchmark& b : recurrence_benchmarks(shape_of(H, L), kinds, nullptr)) {
        all.push_back(std::move(b));
      }
    }
  }
  return all;
}

void hold_onednn_to(int lanes) {
  const dnnl::cpu_isa set = lanes >= 8 ? dnnl::cpu_isa::avx2 : dnnl::cpu_isa::sse41;
  if (dnnl::set_max_cpu_isa(set) == dnnl::status::success) return;
  throw DeviceError(fmt::format(
      "this oneDNN cannot be held to vectors of {} floats, so nothing can be compared with them; "
      "take a build with ONEDNN_ENABLE_MAX_CPU_ISA",
      lanes));
}

/// What `work` writes, in a process of its own. Throws DeviceError if the process fails.
std::string in_child(const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw DeviceError("no pipe can be had");
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 0;
    try {
      const std::string text = work();
      std::FILE* out = ::fdopen(ends[1], "w");
      fmt::print(out, "{}", text);
      std::fclose(out);
    } catch (const std::exception& error) {
      fmt::print(stderr, "sluice-bench: {}\n", error.what());
      status = 1;
    }
    ::_exit(status);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 1;
  if (child < 0 || ::waitpid(child, &status, 0) < 0 || status != 0) {
    throw DeviceError(
        "a process that measures one instruction set has failed; its message is above");
  }
  return text;
}

/// One instruction set; `best`: oneDNN may use what it likes.
std::string measure(const FusedKernels<float>& kernels, bool best, const RunSettings& settings) {
  if (!best) hold_onednn_to(kernels.lanes);
  const auto progress = [&](const std::string& group) {
    fmt::print(stderr, "{} lanes: {}\n", kernels.lanes, group);
  };
  const std::vector<Result> results = run_benchmarks(benchmarks_for(kernels), settings, progress);
  nlohmann::json rows = nlohmann::json::array();
  for (const CpuSelectionRow& r : selection_rows(kernels.lanes, results)) {
    rows.push_back({r.L, r.H, r.training, r.forward});
  }
  return rows.dump();
}

}  // namespace

std::string selection_source(const std::vector<std::string>& origin,
                             std::span<const CpuSelectionRow> rows) {
  std::string text =
      "// Measured, not written by hand. By which rule it is read: selection.hpp. Made by\n"
      "//   sluice-bench cpu --selection host/engine/cpu/selection_table.hpp\n";
  for (const std::string& line : origin) text += fmt::format("// {}\n", line);
  text += fmt::format(
      "#pragma once\n\n#include <array>\n\n#include \"engine/cpu/selection.hpp\"\n\n"
      "namespace sluice {{\n\n"
      "/// Lanes, L, H; fused over onednn in training and forward.\n// clang-format off\n"
      "inline constexpr std::array<CpuSelectionRow, {}> kCpuSelection = {{{{\n",
      rows.size());
  for (const CpuSelectionRow& r : rows) {
    text += fmt::format("    {{{}, {}, {}, {:.2f}, {:.2f}}},\n", r.lanes, r.L, r.H, r.training,
                        r.forward);
  }
  return text + "}};\n// clang-format on\n\n}  // namespace sluice\n";
}

std::vector<CpuSelectionRow> selection_rows(int lanes, std::span<const Result> results) {
  std::vector<CpuSelectionRow> rows;
  for (const auto& [name, group] : groups_of(results)) {
    const Result &fused = *group.at(kFused), &onednn = *group.at(kOnednn);
    const std::map<std::string, int>& p = fused.benchmark.parameters;
    // A shape's two groups lie beside each other, forward before training.
    if (rows.empty() || rows.back().L != p.at("L") || rows.back().H != p.at("H")) {
      rows.push_back({lanes, p.at("L"), p.at("H"), 0, 0});
    }
    (name.ends_with(kTrain) ? rows.back().training : rows.back().forward) =
        spread(onednn.seconds).low / spread(fused.seconds).low;
  }
  return rows;
}

void write_selection(const std::filesystem::path& file, const RunSettings& settings) {
  std::vector<CpuSelectionRow> rows;
  std::vector<std::string> sets;
  int last = 0;
  for (const FusedKernels<float>* kernels : all_fused_kernels()) {
    if (kernels->lanes == last) continue;  // a lesser set of the same width
    const std::string text = in_child([&] { return measure(*kernels, last == 0, settings); });
    for (const nlohmann::json& r : nlohmann::json::parse(text)) {
      rows.push_back({kernels->lanes, r[0], r[1], r[2], r[3]});
    }
    sets.push_back(fmt::format("{} by {}", kernels->lanes, kernels->target));
    last = kernels->lanes;
  }
  const std::string source = selection_source(
      {fmt::format("on {}, {} threads, {:%Y-%m-%d}, oneDNN {}", cpu_model(), omp_get_max_threads(),
                   fmt::gmtime(std::time(nullptr)), onednn_version()),
       fmt::format("lanes {}; fastest of {} samples each; commit {}", fmt::join(sets, ", "),
                   settings.repeat, git_commit())},
      rows);
  std::ofstream out(file);
  out << source;
  out.close();
  if (!out) {
    throw DataError(fmt::format("{}: cannot be written; is the folder there?", file.string()));
  }
}

}  // namespace sluice::bench
