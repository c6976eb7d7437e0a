// A directory of forecasts in parts: the names of its files, and that it holds no others. Readers
// of Parquet data sets (pandas, Dask, Spark) pass by what begins with "_" or ".".
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice {

/// What the parts are of; the first file that is written.
inline constexpr std::string_view kPlanName = "_plan.json";
/// The plan and what the parts hold; the last file that is written.
inline constexpr std::string_view kManifestName = "_manifest.json";

/// "DIRECTORY/part-00007.parquet"
std::filesystem::path part_path(const std::filesystem::path& directory, std::size_t part);

/// The parts that the manifest names, ascending; none: it is no manifest. Throws DataError where it
/// cannot be read.
std::optional<std::vector<std::size_t>> listed_parts(const std::filesystem::path& directory);

struct PartDirectory {
  bool has_plan = false, has_manifest = false;
  std::vector<std::size_t> parts;                 ///< ascending
  std::vector<std::filesystem::path> unfinished;  ///< of which killed processes left something
};

/// The number of the part that a file of this name is; none: it is no part.
std::optional<std::size_t> part_of(std::string_view name);

/// Looks into a directory, which need not exist. Throws DataError where it cannot be looked into,
/// holds anything that is of no forecast, or parts without their plan.
PartDirectory look_at_parts(const std::filesystem::path& directory);

}  // namespace sluice
