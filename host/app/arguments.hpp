// Flags that are keys of the configuration, taken out of the command line before CLI11 sees it: any
// flag with a dot in its name, `--section.key value` or `--section.key=value`.
#pragma once

#include <string>
#include <vector>

#include "sluice/run/config.hpp"

namespace sluice {

struct Arguments {
  std::vector<std::string> rest;    ///< without the program's name
  std::vector<Override> overrides;  ///< in the order given
};

/// Throws ConfigError if a key has no value.
Arguments take_overrides(int argc, char** argv);

}  // namespace sluice
