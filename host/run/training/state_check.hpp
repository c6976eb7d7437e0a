// Whether a training state read from a file can be one of this training.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "sluice/data/catalog.hpp"
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

/// Numbers that another model's parameters, another catalogue would hardly have; never 0.
std::int64_t checksum_of(const Model& model);
std::int64_t checksum_of(const Catalog& catalog);

}  // namespace sluice
