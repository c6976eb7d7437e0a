// Files that a run reads and files that it writes must not be each other.
#pragma once

#include <filesystem>

#include "run/settings.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// "<path.tuned>.journal", of a link that of the file it leads to: the trials of a search so far.
std::filesystem::path journal_path(const std::filesystem::path& tuned);

/// Compares every file that `request` (its command and its file of settings count) may write under
/// `config` with every file that it reads and with each other, by device and number and by resolved
/// path, then makes sure that those this command writes can be written. Before any data are read.
/// Throws ConfigError for two of one name, DataError for a place that cannot be written.
void check_paths(const SettingsRequest& request, const Config& config);

}  // namespace sluice
