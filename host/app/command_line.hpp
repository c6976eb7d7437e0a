// The command line: which command, which files, which settings.
#pragma once

#include <optional>
#include <string>

#include "run/settings.hpp"
#include "sluice/data/simulate.hpp"

namespace sluice {

/// What the command line asks for; simulate, explain and info are commands of the program alone.
struct Request : SettingsRequest {
  std::string file;    ///< simulate: OUT; info: MODEL
  std::string filter;  ///< explain
  bool markdown = false;
  SimulateSpec simulate;
};

/// Empty where help or the version was asked for, which is then printed. Throws ConfigError.
std::optional<Request> read_command_line(int argc, char** argv);

}  // namespace sluice
