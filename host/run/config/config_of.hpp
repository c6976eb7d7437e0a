// load_config of a file that was read before.
#pragma once

#include <string>
#include <vector>

#include "sluice/run/config.hpp"

namespace sluice {

/// load_config of a file `origin` with this text, for whoever needs its settings more than once: it
/// may change meanwhile, or be a pipe. Throws ConfigError.
Config config_of(const std::string& text, const std::string& origin,
                 const std::vector<Override>& overrides, const Config& base);

}  // namespace sluice
