// Of which data, model and settings a forecast is, and the file beside it that says so.
#include <fmt/format.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "base/checksum.hpp"
#include "base/input_file.hpp"
#include "run/checkpoint/atomic_file.hpp"
#include "run/provenance/checksums.hpp"
#include "run/provenance/table_notes.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFile = "file";

/// Of a file's bytes, a MiB at a time.
std::string hash_of_file(const fs::path& path) {
  Checksum sum;
  read_blocks(path, "look at the disk, and give the same command again",
              [&](std::string_view block) { sum.add(block); });
  return hash_text(sum.value());
}

}  // namespace

Provenance provenance_of(const Config& config, const Catalog& catalog, const Model* model) {
  return {.program = this_program(),
          .data = hash_of(catalog),
          .settings = settings_hash(config),
          .model = model == nullptr ? "" : hash_of(*model)};
}

fs::path sidecar_path(const fs::path& forecast) { return forecast.string() + ".meta.json"; }

void write_sidecar(const fs::path& forecast, const Provenance& from) {
  Json json = Json::parse(to_json(from));
  json[kFile] = hash_of_file(forecast);
  const std::string text = json.dump(2) + "\n";
  const std::string_view parts[] = {text};
  write_atomically(sidecar_path(forecast), parts, "path.forecast");
}

Provenance read_provenance(const fs::path& forecast) {
  const TableNotes notes = read_notes(forecast);
  if (const auto note = notes.find(kProvenanceKey); note != notes.end()) {
    return provenance_from_json(note->second, forecast.string());
  }
  const fs::path sidecar = sidecar_path(forecast);
  std::ifstream in(sidecar, std::ios::binary);
  if (!in) {
    throw DataError(fmt::format(
        "{}: does not say where it is from, and there is no {} beside it; forecasts are written "
        "with one by forecast.sidecar = true, as Parquet or Arrow without",
        forecast.string(), sidecar.filename().string()));
  }
  constexpr std::uintmax_t kMost = 1 << 20;
  std::error_code none;
  if (fs::file_size(sidecar, none) > kMost) {
    throw DataError(
        fmt::format("{}: is too large for a sidecar of Sluice's; remove it", sidecar.string()));
  }
  std::stringstream text;
  text << in.rdbuf();
  const Provenance from = provenance_from_json(text.str(), sidecar.string());
  const Json json = Json::parse(text.str());
  if (!json.contains(kFile) || json[kFile] != hash_of_file(forecast)) {
    throw DataError(fmt::format(
        "{}: is of another file than {} is now; forecast again with forecast.sidecar = true",
        sidecar.string(), forecast.string()));
  }
  return from;
}

}  // namespace sluice
