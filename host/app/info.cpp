// Only this file of the program looks at the libraries' version headers.
#include "app/info.hpp"

#include <arrow/util/config.h>
#include <fmt/format.h>
#include <omp.h>
#include <oneapi/dnnl/dnnl_version.h>
#include <CLI/Version.hpp>

#include <toml++/impl/version.h>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "base/build.hpp"
#include "base/presence.hpp"
#include "base/text.hpp"
#include "run/config/keys.hpp"
#include "run/config/setting_texts.hpp"
#include "run/part_directory.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/cache.hpp"
#include "sluice/data/calendar.hpp"
#include "sluice/data/table.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string instruction_sets() {
  std::vector<std::string> sets;
  if (__builtin_cpu_supports("avx2")) sets.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) sets.emplace_back("fma");
  if (__builtin_cpu_supports("avx512f")) sets.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512vnni")) sets.emplace_back("avx512vnni");
  return fmt::format("{}", fmt::join(sets, " "));
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "not set";
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  if (names.empty()) return "none";
  const std::size_t shown = std::min(names.size(), kShown);
  const std::string text = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return names.size() > shown ? fmt::format("{} and {} more", text, names.size() - shown) : text;
}

}  // namespace

std::string program_info() {
  std::string out = fmt::format("sluice        {}\n", kBuild.version);
  out += fmt::format("commit        {}\n", kBuild.commit);
  out += fmt::format("build         {}, {}, -march={}\n", kBuild.type, kBuild.compiler,
                     kBuild.baseline);
  out += fmt::format("processor     {} ({})\n", processor(), instruction_sets());
  out += fmt::format("threads       {} of {} processors, OMP_WAIT_POLICY {}\n",
                     omp_get_max_threads(), omp_get_num_procs(), environment("OMP_WAIT_POLICY"));
  out += fmt::format("vectors       {}\n", cpu_vector_text());
  out += fmt::format("bf16          {}\n", cpu_bf16_text());
  const char* label = "cuda";
  for (const std::string& device : cuda_device_texts()) {
    out += fmt::format("{:<14}{}\n", std::exchange(label, ""), device);
  }
  out +=
      fmt::format("libraries     Arrow {}, oneDNN {}.{}.{}, fmt {}.{}.{}, CLI11 {},\n",
                  ARROW_VERSION_STRING, DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_VERSION_PATCH,
                  FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100, CLI11_VERSION);
  out += fmt::format("              toml++ {}.{}.{}, nlohmann-json {}.{}.{}\n", TOML_LIB_MAJOR,
                     TOML_LIB_MINOR, TOML_LIB_PATCH, NLOHMANN_JSON_VERSION_MAJOR,
                     NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH);
  return out;
}

std::string devices_info() {
  std::string out =
      fmt::format("{:<8}{}\n", "auto", fmt::format("takes {} here", automatic_device()));
  out += fmt::format("{:<8}{}, {} processors; {}; bf16: {}\n", "cpu", processor(),
                     omp_get_num_procs(), cpu_vector_text(), cpu_bf16_text());
  for (const std::string& device : cuda_device_texts()) {
    const std::size_t gap = device.find(' ');
    const bool none = device.starts_with("none:");
    out += fmt::format("{:<8}{}\n", none ? "cuda" : device.substr(0, gap),
                       none ? device : device.substr(device.find_first_not_of(' ', gap)));
  }
  return out;
}

namespace {

std::string model_info(const std::filesystem::path& path) {
  const Model model = load_model(path);
  std::string out = fmt::format("model         {}\n", path.string());
  out += fmt::format("network       {}\n", describe(model.spec));
  out += fmt::format("members       {}\n", model.members.size());
  out += fmt::format("trained       {} steps in {:.1f} s with {}", model.steps, model.train_seconds,
                     model.recurrence);
  out += std::isnan(model.valid_loss) ? ", no validation\n"
                                      : fmt::format(", validation loss {:.6g}\n", model.valid_loss);
  out += fmt::format("data          {} series, frequency {}\n", model.series_ids.size(),
                     to_string(model.frequency));
  out += fmt::format("series        {}\n", listed(model.series_ids));
  out += fmt::format("channels      {}\n", listed(model.channel_names));
  if (!model.scaling.covariates.empty()) {
    const std::vector<std::string> inputs(model.channel_names.begin() + model.spec.M,
                                          model.channel_names.end());
    out += fmt::format("inputs as     {}\n", encodings_text(inputs, model.scaling.covariates));
  }
  if (model.config.data.left_out && !model.config.data.left_out->empty()) {
    out += fmt::format("left out      {}\n", listed(*model.config.data.left_out));
  }
  out += fmt::format("statics       {}\n", listed(model.static_names));
  out += fmt::format("categories    {}\n", listed(model.category_names));
  out += fmt::format("step words    {}\n", listed(model.step_category_names));
  Provenance from = model.provenance;
  from.model = model.hash;
  out += from.empty() ? fmt::format("of model      {}\n", model.hash) : provenance_lines(from);
  if (!model.choice.empty()) out += fmt::format("\n{}\n", fmt::join(model.choice, "\n"));
  if (!model.learned.empty()) out += fmt::format("\n{}\n", fmt::join(model.learned, "\n"));
  return out + "\n" + to_toml(model.config);
}

/// How many parts there are, of how many.
std::string count_text(const std::filesystem::path& directory,
                       const std::vector<std::size_t>& parts) {
  if (!is_there(directory / kManifestName)) {
    return fmt::format("{}; not complete, {} is not there", parts.size(), kManifestName);
  }
  const auto listed = listed_parts(directory);
  if (!listed) return fmt::format("{}; {} is damaged", parts.size(), kManifestName);
  if (*listed == parts) return fmt::format("{}, complete", parts.size());
  return fmt::format("{}; not complete, {} names {}", parts.size(), kManifestName, listed->size());
}

/// Of a forecast in parts: where it stands, and what its first part that can be read says of
/// itself.
std::string parts_info(const std::filesystem::path& directory) {
  std::vector<std::size_t> parts;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end;
       entry.increment(error)) {
    if (const auto part = part_of(entry->path().filename().string())) parts.push_back(*part);
  }
  if (error) {
    throw DataError(fmt::format("{}: cannot be looked into ({}); name another file",
                                directory.string(), error.message()));
  }
  std::ranges::sort(parts);
  if (parts.empty()) {
    throw DataError(
        fmt::format("{}: is a directory without parts of a forecast (part-00000.parquet, ...); "
                    "name a model, a forecast or converted data",
                    directory.string()));
  }
  std::string out = fmt::format("forecast      {}\nparts         {}\n", directory.string(),
                                count_text(directory, parts));
  constexpr std::size_t kTried = 3;
  for (std::size_t i = 0; i < std::min(kTried, parts.size()); ++i) {
    const std::filesystem::path part = part_path(directory, parts[i]);
    try {
      return out + provenance_lines(read_provenance(part));
    } catch (const DataError&) {
      out += fmt::format("damaged       {}; delete it, and forecast again: it is made anew\n",
                         part.string());
    }
  }
  return out;
}

std::string converted_info(const std::filesystem::path& path) {
  const CacheOrigin origin = cache_origin(path);
  std::string out = fmt::format("converted     {}\n", path.string());
  constexpr std::size_t kShown = 10;
  const char* label = "of";
  for (std::size_t i = 0; i < std::min(kShown, origin.sources.size()); ++i) {
    const CacheSource& source = origin.sources[i];
    out += fmt::format("{:<14}{} ({} bytes)\n", std::exchange(label, ""), source.path.string(),
                       grouped(source.size));
  }
  if (origin.sources.size() > kShown) {
    out += fmt::format("{:<14}and {} files more\n", "", origin.sources.size() - kShown);
  }
  return out + "\n" + differing_toml(parse_config(origin.settings, path.string()), {});
}

}  // namespace

std::string file_info(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return parts_info(path);
  if (std::filesystem::status(path, error).type() == std::filesystem::file_type::not_found) {
    throw DataError(
        fmt::format("{}: is not there; name a model, a forecast or converted data", path.string()));
  }
  if (is_cache(path)) return converted_info(path);
  if (format_by_name(path) == TableFormat::automatic) return model_info(path);
  return fmt::format("forecast      {}\n", path.string()) + provenance_lines(read_provenance(path));
}

}  // namespace sluice
