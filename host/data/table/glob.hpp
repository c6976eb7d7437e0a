// Patterns of file names (`sales/*.parquet`), and the order of the files that they mean.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace sluice {

/// Whether a path has *, ? or [ and is not itself the name of a file or directory.
bool is_pattern(const std::filesystem::path& path);

/// The files and directories that a shell would put in place of the pattern, in natural order,
/// without those whose name begins with "." or "_" where the pattern's last part does not. Throws
/// DataError where a directory cannot be looked into.
std::vector<std::filesystem::path> matches_of(const std::filesystem::path& pattern);

/// Whether a file of this path, which need not exist, would be one of matches_of(pattern).
bool would_match(const std::filesystem::path& path, const std::filesystem::path& pattern);

/// Whether `a` comes before `b` where runs of digits are compared as numbers: "part-2" is before
/// "part-10".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace sluice
