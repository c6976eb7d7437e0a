// Whether a training state read from a file can be one of this training.
#pragma once

#include <filesystem>
#include <string>

#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Throws what keeps `state`, read from `path`, from going on with the training that saves `mine`:
/// ConfigError where it is of other settings, DataError where it is of other data, of another
/// earlier model or damaged.
void check_state(const std::filesystem::path& path, const TrainingState& state,
                 const TrainingState& mine, const ModelSpec& spec,
                 const Config::Training& training);

/// The settings that a resumed training must share with the one before it, as TOML.
std::string settings_to_keep(const Config& config);

/// Whether two texts of settings_to_keep say the same: where `saved`, in the state at `path`, lacks
/// keys that came later, their defaults are meant, which are what was before. Throws ConfigError
/// where `saved` has what this program does not know.
bool are_same_settings(const std::filesystem::path& path, const std::string& saved,
                       const std::string& mine);

/// Whether the training of `state`, read from `path`, is one of the settings `mine` (of
/// settings_to_keep) and leads to a model that keeps `trained`. Throws like are_same_settings.
bool leads_to(const std::filesystem::path& path, const TrainingState& state,
              const std::string& mine, const Config& trained);

}  // namespace sluice
