// The command line: which command, which files, which settings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sluice/data/simulate.hpp"
#include "sluice/run/config.hpp"

namespace sluice {

/// What the command line asks for.
struct Request {
  std::string command;
  std::string settings;           ///< a TOML file; empty: none
  std::string model;              ///< empty: path.model
  std::vector<std::string> data;  ///< files and directories; empty: path.data
  std::vector<Override> overrides;
  bool quiet = false;
  std::string file;    ///< simulate: OUT; info: MODEL
  std::string filter;  ///< explain
  bool markdown = false;
  SimulateSpec simulate;
};

/// Empty where help or the version was asked for, which is then printed. Throws ConfigError.
std::optional<Request> read_command_line(int argc, char** argv);

}  // namespace sluice
