#include "run/part_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>

#include "base/input_file.hpp"
#include "base/presence.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "choose an empty directory or another path.forecast";

std::string part_name(std::size_t part) { return fmt::format("part-{:05}.parquet", part); }

bool is_ours(std::string_view name) {
  return name == kPlanName || name == kManifestName || part_of(name);
}

/// "part-00007.parquet" of ".part-00007.parquet.0123456789abcdef.tmp" (base/output_file).
std::optional<std::string> unfinished_name(std::string_view name) {
  constexpr std::string_view kEnding = ".0123456789abcdef.tmp";
  if (!name.starts_with('.') || !name.ends_with(".tmp") || name.size() < 1 + kEnding.size()) {
    return std::nullopt;
  }
  name.remove_prefix(1);
  name.remove_suffix(kEnding.size());
  return is_ours(name) ? std::optional(std::string(name)) : std::nullopt;
}

}  // namespace

std::optional<std::size_t> part_of(std::string_view name) {
  constexpr std::string_view kBegin = "part-";
  if (!name.starts_with(kBegin)) return std::nullopt;
  std::size_t part = 0;
  std::from_chars(name.data() + kBegin.size(), name.data() + name.size(), part);
  return part_name(part) == name ? std::optional(part) : std::nullopt;
}

fs::path part_path(const fs::path& directory, std::size_t part) {
  return directory / part_name(part);
}

std::optional<std::vector<std::size_t>> listed_parts(const fs::path& directory) {
  using Json = nlohmann::json;
  const Json manifest =
      Json::parse(bytes_of(directory / kManifestName, "name another directory"), nullptr, false);
  if (!manifest.is_object() || !manifest.contains("parts") || !manifest["parts"].is_array()) {
    return std::nullopt;
  }
  std::vector<std::size_t> parts;
  for (const Json& one : manifest["parts"]) {
    const Json name = one.is_object() ? one.value("file", Json()) : Json();
    const auto part = name.is_string() ? part_of(name.get<std::string>()) : std::nullopt;
    if (!part) return std::nullopt;
    parts.push_back(*part);
  }
  std::ranges::sort(parts);
  return parts;
}

PartDirectory look_at_parts(const fs::path& directory) {
  PartDirectory found;
  if (!is_there(directory)) return found;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == ".lock") continue;
    if (const auto unfinished = unfinished_name(name)) {
      found.unfinished.push_back(directory / *unfinished);
    } else if (!is_ours(name)) {
      throw DataError(
          fmt::format("{}: is no file of a forecast, and nothing is written beside it; {}",
                      entry->path().string(), kRemedy));
    } else if (const auto part = part_of(name)) {
      found.parts.push_back(*part);
    } else {
      (name == kPlanName ? found.has_plan : found.has_manifest) = true;
    }
  }
  if (error) {
    throw DataError(fmt::format("{}: cannot be looked into ({}); {}", directory.string(),
                                error.message(), kRemedy));
  }
  std::ranges::sort(found.parts);
  if (!found.has_plan && (found.has_manifest || !found.parts.empty())) {
    const fs::path file =
        found.parts.empty() ? directory / kManifestName : part_path(directory, found.parts.front());
    throw DataError(fmt::format("{}: is there without {}, which says what forecast it is of; {}",
                                file.string(), kPlanName, kRemedy));
  }
  return found;
}

}  // namespace sluice
