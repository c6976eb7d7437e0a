#include "app/outline.hpp"

#include <CLI/CLI.hpp>

#include "app/arguments.hpp"
#include "run/config/keys.hpp"
#include "run/config/names.hpp"

namespace sluice {
namespace {

constexpr std::string_view kExample = "Example:\n  ";
constexpr std::string_view kBegin = "Begin:\n  ";

/// What CLI::IsMember says of itself: "TEXT:{catalog,article}".
std::vector<std::string> words_in_type(const std::string& type) {
  std::vector<std::string> words;
  const std::size_t open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return words;
  for (std::size_t begin = open + 1; begin < close;) {
    const std::size_t end = std::min(type.find(',', begin), close);
    words.push_back(type.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

OptionOutline option_of(const CLI::Option& option) {
  OptionOutline out;
  out.argument = option.get_positional();
  if (out.argument) {
    out.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  }
  out.meaning = option.get_description();
  out.default_value = option.get_default_str();
  out.words = words_in_type(option.get_type_name());
  out.takes_value = option.get_items_expected_max() > 0;
  out.many = option.get_items_expected_max() > 1;
  out.required = option.get_required();
  return out;
}

CommandOutline command_of(const CLI::App& app) {
  CommandOutline out;
  out.name = app.get_name();
  out.meaning = app.get_description();
  out.more = app.get_footer();
  for (const std::string_view heading : {kExample, kBegin}) {
    const std::size_t begin = out.more.find(heading);
    if (begin == std::string::npos) continue;
    out.example = out.more.substr(begin + heading.size());
    out.more.resize(begin);
  }
  for (std::size_t at = 0; (at = out.example.find("\n  ", at)) != std::string::npos;) {
    out.example.erase(at + 1, 2);
  }
  while (out.more.ends_with('\n')) out.more.pop_back();
  for (const CLI::Option* option : app.get_options()) out.options.push_back(option_of(*option));
  out.settings = takes_settings(out.name);
  return out;
}

}  // namespace

Outline outline_of(const CLI::App& app) {
  Outline out{.program = command_of(app),
              .commands = {},
              .settings = explanations(),
              .other_names = other_names()};
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    out.commands.push_back(command_of(*command));
  }
  return out;
}

std::vector<std::string> words_of(const OptionOutline& argument, const Outline& outline) {
  std::vector<std::string> words = argument.words;
  if (argument.names.front() == "KEY") {
    for (const Section& section : kSections) words.emplace_back(section.name);
    for (const Explanation& e : outline.settings) words.push_back(e.key);
  } else if (argument.names.front() == "COMMAND") {
    for (const CommandOutline& command : outline.commands) words.push_back(command.name);
  }
  return words;
}

std::string usage_of(const OptionOutline& argument) {
  const std::string name = argument.names.front() + (argument.many ? "..." : "");
  return argument.required ? name : "[" + name + "]";
}

}  // namespace sluice
