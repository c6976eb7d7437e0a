// Which models can be trained on values that they draw themselves, and what that needs to know.
#pragma once

#include "sluice/model/spec.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// Throws ConfigError where training.sampled_pasts is set and the model feeds nothing back, or its
/// windows have no step for it.
void check_sampled_pasts(const Config::Training& training, const ModelSpec& spec);

/// Throws ConfigError where a setting follows how much of the training is done, and only
/// training.max_seconds says when it ends.
void check_known_end(const Config::Training& training);

}  // namespace sluice
