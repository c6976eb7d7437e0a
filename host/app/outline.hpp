// The command line as data: what the shells' completions and the manual are made from.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "run/config/explanation.hpp"

namespace CLI {
class App;
}

namespace sluice {

struct OptionOutline {
  std::vector<std::string> names;  ///< "-q", "--quiet"; of an argument its name, "FILES"
  std::string meaning;
  std::string default_value;       ///< empty: none
  std::vector<std::string> words;  ///< all that it takes; empty: anything
  bool argument = false;           ///< it stands alone, without a flag
  bool takes_value = true;
  bool required = false;
  bool many = false;  ///< several values
};

struct CommandOutline {
  std::string name, meaning;
  std::string more;     ///< sentences for its help
  std::string example;  ///< commands, a line each
  std::vector<OptionOutline> options;
  bool settings = false;  ///< every setting is a flag of it
};

struct Outline {
  CommandOutline program;  ///< what stands before a command
  std::vector<CommandOutline> commands;
  std::vector<Explanation> settings;
  /// What other programs call a setting, and its key.
  std::vector<std::pair<std::string_view, std::string_view>> other_names;
};

/// `app` as the parser has it (command_line.cpp).
Outline outline_of(const CLI::App& app);

/// Words that may stand for an argument: those it takes, or for explain's KEY sections and keys,
/// for manual's COMMAND the commands. Empty: a file.
std::vector<std::string> words_of(const OptionOutline& argument, const Outline& outline);

/// The arguments of a command as its help writes them: "[FILES...]", "OUT".
std::string usage_of(const OptionOutline& argument);

}  // namespace sluice
