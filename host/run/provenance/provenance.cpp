#include "sluice/run/provenance.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/build.hpp"
#include "base/checksum.hpp"
#include "run/provenance/checksums.hpp"
#include "run/provenance/settings.hpp"
#include "sluice/base/error.hpp"
#include "sluice/engine/engine.hpp"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

/// A text of `json`, or DataError.
std::string text_at(const Json& json, const char* name, const std::string& where) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) {
    throw DataError(
        fmt::format("{}: '{}' is not a text; the file is damaged or not Sluice's", where, name));
  }
  return found->get<std::string>();
}

}  // namespace

Config deciding_settings(const Config& config) {
  Config kept = config;
  kept.mode = {};
  kept.path = {};
  kept.tune = {};
  kept.training.checkpoint_seconds = 0;
  kept.training.parallel_seeds = 0;
  kept.engine.threads = 0;
  kept.engine.memory_limit = 0;
  kept.forecast.sidecar = kept.forecast.replace = false;
  kept.forecast.part_series = Config::Forecast().part_series;
  return kept;
}

Program this_program() {
  return {.version = kBuild.version,
          .commit = kBuild.commit,
          .compiler = kBuild.compiler,
          .baseline = kBuild.baseline,
          .instructions = cpu_instructions()};
}

std::string hash_of(const Catalog& catalog) {
  return hash_text(static_cast<std::uint64_t>(checksum_of(catalog)));
}

std::string settings_hash(const Config& config) {
  Checksum sum;
  sum.add(to_toml(deciding_settings(config)));
  return hash_text(sum.value());
}

std::string to_json(const Provenance& provenance) {
  const Program& program = provenance.program;
  Json out;
  out["program"] = {{"version", program.version},
                    {"commit", program.commit},
                    {"compiler", program.compiler},
                    {"baseline", program.baseline},
                    {"instructions", program.instructions}};
  out["data"] = provenance.data;
  out["settings"] = provenance.settings;
  if (!provenance.model.empty()) out["model"] = provenance.model;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Provenance provenance_from_json(const std::string& text, const std::string& where) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("program") || !json["program"].is_object()) {
    throw DataError(fmt::format(
        "{}: is no JSON object with a 'program'; the file is damaged or not Sluice's", where));
  }
  const Json& program = json["program"];
  Provenance out;
  out.program = {.version = text_at(program, "version", where),
                 .commit = text_at(program, "commit", where),
                 .compiler = text_at(program, "compiler", where),
                 .baseline = text_at(program, "baseline", where),
                 .instructions = text_at(program, "instructions", where)};
  out.data = text_at(json, "data", where);
  out.settings = text_at(json, "settings", where);
  if (json.contains("model")) out.model = text_at(json, "model", where);
  return out;
}

std::string provenance_lines(const Provenance& provenance) {
  if (provenance.empty()) return {};
  const Program& program = provenance.program;
  std::string out =
      fmt::format("made by       sluice {}, commit {}, {}, -march={}, {}\n", program.version,
                  program.commit, program.compiler, program.baseline, program.instructions);
  out += fmt::format("hash of data  {}\n", provenance.data);
  out += fmt::format("of settings   {}\n", provenance.settings);
  if (!provenance.model.empty()) out += fmt::format("of model      {}\n", provenance.model);
  return out;
}

}  // namespace sluice
