#include "cpu/report.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <fmt/chrono.h>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>

#include "cpu/compare.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice::bench {
namespace {

/// Seconds of a benchmark beside its samples: arrays, warm-up, PyTorch's threads coming to rest.
/// From the four minutes that all of them take on two cores.
constexpr double kBeside = 0.6;

nlohmann::json environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? nlohmann::json() : nlohmann::json(value);
}

nlohmann::json machine(const RunFacts& facts) {
  return {{"cpu", cpu_model()},
          {"threads", omp_get_max_threads()},
          {"onednn", onednn_version()},
          {"compiler", fmt::format("g++ {}", __VERSION__)},
          {"vectors", cpu_vector_text()},
          {"torch", facts.torch.empty() ? nlohmann::json() : nlohmann::json::parse(facts.torch)},
          {"commit", git_commit()},
          {"date", fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)))},
          {"load_before", facts.load_before},
          {"load_after", load_average()},
          {"OMP_WAIT_POLICY", environment("OMP_WAIT_POLICY")},
          {"GOMP_SPINCOUNT", environment("GOMP_SPINCOUNT")}};
}

nlohmann::json settings_json(const RunSettings& settings) {
  return {{"repeat", settings.repeat}, {"sample_seconds", settings.sample_seconds}};
}

nlohmann::json result_json(const Result& result) {
  const Benchmark& benchmark = result.benchmark;
  return {{"name", benchmark.name()},
          {"group", benchmark.group},
          {"kind", benchmark.kind},
          {"recurrence", benchmark.recurrence},
          {"parameters", benchmark.parameters},
          {"unit", benchmark.unit},
          {"work", benchmark.work},
          {"items", benchmark.items},
          {"seconds", result.seconds}};
}

std::string rate_text(double rate) {
  if (rate >= 1e6) return fmt::format("{:.{}f} M", 1e-6 * rate, rate < 1e7 ? 2 : 1);
  return fmt::format("{:.{}f}", rate, rate < 1000 ? 1 : 0);
}

}  // namespace

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

std::string estimate(std::span<const Benchmark> benchmarks, const RunSettings& settings) {
  const double seconds = static_cast<double>(benchmarks.size()) *
                         (kBeside + settings.repeat * settings.sample_seconds);
  return fmt::format("{} benchmarks, about {:.0f} s", benchmarks.size(), seconds);
}

std::string table_header() {
  return fmt::format("{:<42}{:>9} lowest..highest\n", "benchmark, work a second", "median");
}

std::string table_row(const Result& result) {
  const Spread seconds = spread(result.seconds);
  const double work = result.benchmark.work;
  return fmt::format("{:<42}{:>9} {}..{}\n", result.benchmark.name(),
                     rate_text(work / seconds.median), rate_text(work / seconds.high),
                     rate_text(work / seconds.low));
}

std::string shares(std::span<const Result> results) {
  std::string text;
  for (const auto& [name, group] : groups_of(results)) {
    const auto whole = group.find("whole"), recurrence = group.find("recurrence");
    const auto products = group.find("products");
    if (whole == group.end() || recurrence == group.end() || products == group.end()) continue;
    std::vector<double> parts;  // sample by sample: a disturbance falls on all three
    for (std::size_t i = 0; i < whole->second->seconds.size(); ++i) {
      parts.push_back((recurrence->second->seconds[i] + products->second->seconds[i]) /
                      whole->second->seconds[i]);
    }
    const Spread s = spread(parts);
    text += fmt::format("{} ({}): parts / whole {:.2f} ({:.2f}..{:.2f})\n", name,
                        whole->second->benchmark.recurrence, s.median, s.low, s.high);
  }
  return text;
}

std::string recipes(std::span<const Result> results) {
  std::string text;
  for (const Result& result : results) {
    const Benchmark& b = result.benchmark;
    if (b.recipe_items <= 0) continue;
    const Spread s = spread(result.seconds);
    const double runs = b.recipe_items / b.items;
    text += fmt::format("{}: {:.0f} windows in {:.1f} s ({:.1f}..{:.1f})\n", b.name(),
                        b.recipe_items, runs * s.median, runs * s.low, runs * s.high);
  }
  return text;
}

std::string machine_line(const RunSettings& settings, const RunFacts& facts) {
  return nlohmann::json{
      {"kind", "machine"}, {"machine", machine(facts)}, {"settings", settings_json(settings)}}
      .dump();
}

std::string result_line(const Result& result) {
  return nlohmann::json{{"kind", "result"}, {"result", result_json(result)}}.dump();
}

std::string end_line(std::size_t results, const RunFacts& facts) {
  return nlohmann::json{{"kind", "end"}, {"done", results}, {"machine", machine(facts)}}.dump();
}

void write_json(const std::filesystem::path& file, std::span<const Result> results,
                const RunSettings& settings, const RunFacts& facts) {
  nlohmann::json document = {{"machine", machine(facts)},
                             {"settings", settings_json(settings)},
                             {"results", nlohmann::json::array()}};
  for (const Result& result : results) document["results"].push_back(result_json(result));
  std::ofstream out(file);
  out << document.dump(1) << '\n';
  out.close();
  if (!out) {
    throw DataError(fmt::format("{}: cannot be written; is the folder there?", file.string()));
  }
}

}  // namespace sluice::bench
