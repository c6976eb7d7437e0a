#include "bench_report.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>

#include "sluice/base/error.hpp"

namespace sluice::bench {
namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

nlohmann::json environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? nlohmann::json() : nlohmann::json(value);
}

nlohmann::json machine() {
  const dnnl_version_t* onednn = dnnl_version();
  return {{"cpu", cpu_model()},
          {"threads", omp_get_max_threads()},
          {"onednn", fmt::format("{}.{}.{}", onednn->major, onednn->minor, onednn->patch)},
          {"compiler", fmt::format("g++ {}", __VERSION__)},
          {"commit", git_commit()},
          {"OMP_WAIT_POLICY", environment("OMP_WAIT_POLICY")},
          {"GOMP_SPINCOUNT", environment("GOMP_SPINCOUNT")}};
}

}  // namespace

std::string table(std::span<const Result> results) {
  std::string out = fmt::format("{:<42}{:>8} {:<15}{:>11}\n", "benchmark", "median",
                                "lowest..highest", "items/s");
  for (const Result& result : results) {
    const Spread seconds = spread(result.seconds);
    const double work = result.benchmark.work;
    const std::string range =
        fmt::format("{:.1f}..{:.1f}", work / seconds.high, work / seconds.low);
    const double items = result.benchmark.items / seconds.median;
    out +=
        fmt::format("{:<42}{:>8.1f} {:<15}{:>11}\n", result.benchmark.name, work / seconds.median,
                    range, result.benchmark.items > 0 ? fmt::format("{:.0f}", items) : "");
  }
  return out;
}

std::string shares(std::span<const Result> results) {
  const auto find = [&](const std::string& name) -> const Result* {
    for (const Result& r : results) {
      if (r.benchmark.name == name) return &r;
    }
    return nullptr;
  };
  std::string text;
  constexpr std::string_view kWhole = "/whole";
  for (const Result& whole : results) {
    if (!whole.benchmark.name.ends_with(kWhole)) continue;
    const std::string stem =
        whole.benchmark.name.substr(0, whole.benchmark.name.size() - kWhole.size());
    const Result* recurrence = find(stem + "/recurrence");
    const Result* products = find(stem + "/products");
    if (recurrence == nullptr || products == nullptr) continue;
    std::vector<double> share;  // sample by sample: a disturbance falls on all three
    for (std::size_t i = 0; i < whole.seconds.size(); ++i) {
      share.push_back((recurrence->seconds[i] + products->seconds[i]) / whole.seconds[i]);
    }
    const Spread s = spread(share);
    text +=
        fmt::format("{}: parts / whole {:.2f} ({:.2f}..{:.2f})\n", stem, s.median, s.low, s.high);
  }
  return text;
}

void write_json(const std::filesystem::path& file, std::span<const Result> results,
                const RunSettings& settings) {
  nlohmann::json document = {
      {"machine", machine()},
      {"settings", {{"repeat", settings.repeat}, {"sample_seconds", settings.sample_seconds}}},
      {"results", nlohmann::json::array()}};
  for (const Result& result : results) {
    const Benchmark& benchmark = result.benchmark;
    document["results"].push_back({{"name", benchmark.name},
                                   {"parameters", benchmark.parameters},
                                   {"unit", benchmark.unit},
                                   {"work", benchmark.work},
                                   {"items", benchmark.items},
                                   {"seconds", result.seconds}});
  }
  std::ofstream out(file);
  out << document.dump(1) << '\n';
  out.close();
  if (!out) {
    throw DataError(fmt::format("{}: cannot be written; is the folder there?", file.string()));
  }
}

}  // namespace sluice::bench
