// Whether a training state read from a file can be one of this training.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/model/spec.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// What in `state` does not fit the model and the settings, or empty.
std::string state_misfit(const TrainingState& state, const ModelSpec& spec,
                         const Config::Training& training);

/// A number that another model's parameters would hardly have; never 0.
std::int64_t checksum_of(const Model& model);

}  // namespace sluice
