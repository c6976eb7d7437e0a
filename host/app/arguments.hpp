// Flags that are settings, taken out of the command line before CLI11 sees it: any flag with a dot
// in its name (`--section.key value`, `--section.key=value`), and for the commands that take
// settings any other name that means a key (`--horizon 28`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/run/config.hpp"

namespace sluice {

struct Arguments {
  std::vector<std::string> rest;    ///< without the program's name
  std::vector<Override> overrides;  ///< in the order given, by keys
};

/// Whether every setting is a flag of the command.
bool takes_settings(std::string_view command);

/// Throws ConfigError if a key has no value or a name means no key.
Arguments take_overrides(int argc, char** argv);

/// What a file that stands in the command line is: by its name, or where that does not tell by its
/// first bytes. A directory is data.
enum class FileKind { settings, model, data };
FileKind kind_of_file(const std::string& path);

}  // namespace sluice
