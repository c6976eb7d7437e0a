// The command line: which command, which files, which settings.
#pragma once

#include <optional>
#include <string>

#include "app/outline.hpp"
#include "run/settings.hpp"
#include "sluice/data/simulate.hpp"

namespace sluice {

/// What the command line asks for. SettingsRequest is of the commands that take settings, what is
/// added here of the others.
struct Request : SettingsRequest {
  std::string file;    ///< simulate, convert: OUT; info: FILE; manual: --write
  std::string word;    ///< completion: SHELL; manual: COMMAND
  std::string filter;  ///< explain
  bool markdown = false;
  bool signature = false;  ///< info
  SimulateSpec simulate;
  Outline outline;  ///< of the command line, for completion and manual
};

/// Empty where help or the version was asked for, which is then printed. Throws ConfigError.
std::optional<Request> read_command_line(int argc, char** argv);

}  // namespace sluice
