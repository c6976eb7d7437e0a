#include "run/part_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "choose an empty directory or another path.forecast";

std::string part_name(std::size_t part) { return fmt::format("part-{:05}.parquet", part); }

/// The number of the part that a file of this name is.
std::optional<std::size_t> part_of(std::string_view name) {
  constexpr std::string_view kBegin = "part-";
  if (!name.starts_with(kBegin)) return std::nullopt;
  std::size_t part = 0;
  std::from_chars(name.data() + kBegin.size(), name.data() + name.size(), part);
  return part_name(part) == name ? std::optional(part) : std::nullopt;
}

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

fs::path part_path(const fs::path& directory, std::size_t part) {
  return directory / part_name(part);
}

PartDirectory look_at_parts(const fs::path& directory) {
  PartDirectory found;
  std::error_code error;
  if (fs::status(directory, error).type() == fs::file_type::not_found) return found;
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
