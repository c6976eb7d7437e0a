// The scripts are made whole from the outline: no shell asks the program while it completes.
#include "app/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "sluice/base/error.hpp"

namespace sluice {
namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words, std::string_view separator = " ") {
  return fmt::format("{}", fmt::join(words, separator));
}

/// A flag that a settings command takes: a key, or another program's name of one.
struct Flag {
  std::string name, meaning;
  Words words;
  bool path = false;
};

std::vector<Flag> flags_of_settings(const Outline& outline) {
  constexpr std::size_t kShort = 3;  // "h", "y", "fh" are typed faster than completed
  std::vector<Flag> flags;
  for (const Explanation& e : outline.settings) {
    flags.push_back({e.key, e.meaning, e.words, e.path});
  }
  for (const auto& [name, key] : outline.other_names) {
    const auto known = std::ranges::find(outline.settings, key, &Explanation::key);
    if (name.size() < kShort || known == outline.settings.end()) continue;
    flags.push_back({std::string(name), std::string(key), known->words, known->path});
  }
  return flags;
}

Words names_of(const std::vector<CommandOutline>& commands, bool with_settings_only) {
  Words names;
  for (const CommandOutline& command : commands) {
    if (command.settings || !with_settings_only) names.push_back(command.name);
  }
  return names;
}

Words option_names(const CommandOutline& command) {
  Words names;
  for (const OptionOutline& option : command.options) {
    if (!option.argument) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::string long_name(const OptionOutline& option) { return option.names.back(); }

// ---- bash ---------------------------------------------------------------------------------------

constexpr std::string_view kBashEnd = R"bash(
_sluice() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} flag='' command='' i kind
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then command=${COMP_WORDS[i]}; break; fi
  done
  # Where '=' breaks words, --key=value is three of them.
  if [[ $cur == '=' ]]; then
    flag=$prev cur=''
  elif [[ $prev == '=' ]] && ((COMP_CWORD > 2)); then
    flag=${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $prev == --* ]]; then
    flag=$prev
  fi
  if [[ -n $command && $flag == --* ]]; then
    _sluice_value "$command" "${flag#--}"
    kind=$?
    if ((kind == 0)); then
      COMPREPLY=($(compgen -W "$_sluice_reply" -- "$cur"))
      return
    elif ((kind == 1)); then
      return # a path: as the shell completes one
    elif ((kind == 2)); then
      compopt +o default 2>/dev/null
      return # a number or a text
    fi
  fi
  _sluice_options "$command"
  if [[ $cur == -* ]]; then
    # The keys first; what other programs call them when more than the dashes is typed.
    [[ $cur == -- || $cur == - ]] && _sluice_other=''
    COMPREPLY=($(compgen -W "$_sluice_reply $_sluice_other" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$_sluice_arguments" -- "$cur"))
  fi
}
complete -o default -F _sluice sluice
)bash";

std::string bash_script(const Outline& outline) {
  const std::vector<Flag> flags = flags_of_settings(outline);
  std::string out =
      "# Completion of sluice for bash, made by 'sluice completion bash'.\n\n"
      "# What may follow the flag $2 of command $1, in _sluice_reply. Returns 0: these words, 1: a "
      "path,\n# 2: anything, 3: nothing, it is a flag alone.\n"
      "_sluice_value() {\n  case $1:$2 in\n";
  for (const CommandOutline& command : outline.commands) {
    for (const OptionOutline& option : command.options) {
      if (option.argument) continue;
      const std::string name = long_name(option).substr(2);
      const std::string then =
          !option.takes_value ? "return 3"
          : option.words.empty()
              ? fmt::format("return {}", name == "write" ? 1 : 2)
              : fmt::format("_sluice_reply='{}'; return 0", joined(option.words));
      out += fmt::format("    {}:{}) {} ;;\n", command.name, name, then);
    }
  }
  out += "  esac\n  case $2 in\n";
  for (const Flag& flag : flags) {
    if (!flag.words.empty()) {
      out +=
          fmt::format("    {}) _sluice_reply='{}'; return 0 ;;\n", flag.name, joined(flag.words));
    } else if (flag.path) {
      out += fmt::format("    {}) return 1 ;;\n", flag.name);
    }
  }
  out +=
      "  esac\n  return 2\n}\n\n# What command $1 takes.\n_sluice_options() {\n"
      "  _sluice_other='' _sluice_arguments=''\n  case $1 in\n";
  out +=
      fmt::format("    '') _sluice_reply='{}' _sluice_arguments='{}' ;;\n",
                  joined(option_names(outline.program)), joined(names_of(outline.commands, false)));
  for (const CommandOutline& command : outline.commands) {
    Words words;
    for (const OptionOutline& option : command.options) {
      if (option.argument) words = words_of(option, outline);
    }
    out += fmt::format("    {}) _sluice_reply='{}' _sluice_arguments='{}' ;;\n", command.name,
                       joined(option_names(command)), joined(words));
  }
  out += "  esac\n";
  Words keys, others;
  for (const Flag& flag : flags) {
    (flag.name.find('.') == std::string::npos ? others : keys).push_back("--" + flag.name);
  }
  out += fmt::format(
      "  case $1 in\n    {})\n      _sluice_reply+=' {}'\n      _sluice_other='{}' ;;\n"
      "  esac\n}}\n",
      joined(names_of(outline.commands, true), "|"), joined(keys), joined(others));
  return out + std::string(kBashEnd);
}

// ---- zsh ----------------------------------------------------------------------------------------

/// `text` in single quotes, with a backslash before each of `special`.
std::string quoted(std::string_view text, std::string_view special = "") {
  std::string out = "'";
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_value(const Words& words, bool path) {
  if (path) return ":file:_files";
  return words.empty() ? ":value: " : fmt::format(":value:({})", joined(words));
}

/// The specification of _arguments for an option of a command.
std::string zsh_option(const OptionOutline& option) {
  std::string names = joined(option.names, ",");
  const std::string what = quoted(fmt::format(
      "[{}]{}", escaped(option.meaning),
      option.takes_value ? zsh_value(option.words, option.names.back() == "--write") : ""));
  if (option.names.size() == 1) {
    return fmt::format("{}{}{}", names, option.takes_value ? "=" : "", what);
  }
  return fmt::format("'({})'{{{}}}{}", joined(option.names), names, what);
}

std::string zsh_argument(const OptionOutline& argument, const Outline& outline) {
  const Words words = words_of(argument, outline);
  const std::string action = words.empty() ? "_files" : fmt::format("({})", joined(words));
  return quoted(fmt::format("{}:{}:{}", argument.many ? "*" : "1", argument.names.front(), action));
}

std::string zsh_script(const Outline& outline) {
  std::string out =
      "#compdef sluice\n# Completion of sluice for zsh, made by 'sluice completion zsh'.\n\n"
      "_sluice() {\n  local curcontext=$curcontext state line\n  local -a commands settings\n"
      "  commands=(\n";
  for (const CommandOutline& command : outline.commands) {
    out += fmt::format("    {}\n", quoted(command.name + ":" + escaped(command.meaning)));
  }
  out += "  )\n  settings=(\n";
  for (const Flag& flag : flags_of_settings(outline)) {
    out +=
        fmt::format("    {}\n", quoted(fmt::format("--{}=[{}]{}", flag.name, escaped(flag.meaning),
                                                   zsh_value(flag.words, flag.path))));
  }
  out += "  )\n  _arguments -C \\\n";
  for (const OptionOutline& option : outline.program.options) {
    out += fmt::format("    {} \\\n", zsh_option(option));
  }
  out +=
      "    '1:command:->command' '*::argument:->argument' && return\n"
      "  case $state in\n    command) _describe command commands ;;\n"
      "    argument)\n      case $words[1] in\n";
  for (const CommandOutline& command : outline.commands) {
    out += fmt::format("        {})\n          _arguments", command.name);
    for (const OptionOutline& option : command.options) {
      out += " \\\n            " +
             (option.argument ? zsh_argument(option, outline) : zsh_option(option));
    }
    out += command.settings ? " \\\n            $settings ;;\n" : " ;;\n";
  }
  return out +
         "      esac ;;\n  esac\n}\n\n"
         "# From a folder of $fpath this file is the function itself; read by 'source' it defines "
         "it.\n"
         "if [[ $funcstack[1] == _sluice ]]; then\n  _sluice \"$@\"\nelse\n"
         "  compdef _sluice sluice\nfi\n";
}

// ---- fish ---------------------------------------------------------------------------------------

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_value(const Words& words, bool path) {
  if (path) return " -r -F";
  return words.empty() ? " -x" : fmt::format(" -x -a {}", fish_quoted(joined(words)));
}

std::string fish_option(const std::string& when, const OptionOutline& option) {
  std::string out = fmt::format("complete -c sluice -n {}", when);
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (option.takes_value) out += fish_value(option.words, option.names.back() == "--write");
  return out + fmt::format(" -d {}\n", fish_quoted(option.meaning));
}

std::string fish_script(const Outline& outline) {
  const std::string none = "__fish_use_subcommand";
  std::string out =
      "# Completion of sluice for fish, made by 'sluice completion fish'.\n"
      "complete -c sluice -e\n";
  for (const OptionOutline& option : outline.program.options) out += fish_option(none, option);
  for (const CommandOutline& command : outline.commands) {
    out += fmt::format("complete -c sluice -n {} -f -a {} -d {}\n", none, command.name,
                       fish_quoted(command.meaning));
  }
  for (const CommandOutline& command : outline.commands) {
    const std::string when =
        fish_quoted(fmt::format("__fish_seen_subcommand_from {}", command.name));
    bool arguments = false;
    for (const OptionOutline& option : command.options) {
      if (!option.argument) {
        out += fish_option(when, option);
        continue;
      }
      arguments = true;
      const Words words = words_of(option, outline);
      if (words.empty()) continue;  // files, as fish completes them by itself
      out += fmt::format("complete -c sluice -n {} -f -a {} -d {}\n", when,
                         fish_quoted(joined(words)), fish_quoted(option.meaning));
    }
    if (!arguments) out += fmt::format("complete -c sluice -n {} -f\n", when);
  }
  const std::string when =
      fish_quoted("__fish_seen_subcommand_from " + joined(names_of(outline.commands, true)));
  for (const Flag& flag : flags_of_settings(outline)) {
    out += fmt::format("complete -c sluice -n {} -l {}{} -d {}\n", when, flag.name,
                       fish_value(flag.words, flag.path), fish_quoted(flag.meaning));
  }
  return out;
}

}  // namespace

std::string completion_script(const std::string& shell, const Outline& outline) {
  if (shell == "bash") return bash_script(outline);
  if (shell == "zsh") return zsh_script(outline);
  if (shell == "fish") return fish_script(outline);
  throw ConfigError(
      fmt::format("completion: there is none for '{}'; choose bash, zsh or fish", shell));
}

}  // namespace sluice
