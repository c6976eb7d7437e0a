#include "app/manual.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/build.hpp"
#include "run/config/keys.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// `text` as roff prints it: hyphens that can be copied, no escapes of its own, no line that would
/// be a request.
std::string roff(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool line_begins = i == 0 || text[i - 1] == '\n';
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }

std::string page_name(std::string_view command) {
  return command.empty() ? "sluice" : fmt::format("sluice-{}", command);
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// Without a date: the version says which program it is of, and the same sources make the same
/// page.
std::string heading(const CommandOutline& command, std::string_view name) {
  return fmt::format(".TH {} 1 \"\" \"sluice {}\" \"Sluice's manual\"\n.SH NAME\n{} \\- {}\n",
                     roff(upper(std::string(name))), roff(kBuild.version), roff(name),
                     roff(command.meaning));
}

std::string options(const CommandOutline& command) {
  std::string out = ".SH OPTIONS\n";
  for (const OptionOutline& option : command.options) {
    std::string names;
    for (const std::string& name : option.names) {
      names += (names.empty() ? "" : ", ") +
               (option.argument ? "\\fI" + roff(name) + "\\fR" : bold(name));
    }
    if (option.takes_value && !option.argument) names += " \\fIVALUE\\fR";
    std::string text = option.meaning;
    for (std::size_t i = 0; i < option.words.size(); ++i) {
      text += (i == 0 ? ": " : ", ") + option.words[i];
    }
    if (!option.default_value.empty() && option.takes_value) {
      text += fmt::format(" (default: {})", option.default_value);
    }
    out += fmt::format(".TP\n{}\n{}\n", names, roff(text));
  }
  return out;
}

std::string examples(const CommandOutline& command) {
  return fmt::format(".SH EXAMPLES\n.nf\n{}\n.fi\n", roff(command.example));
}

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n"
    ".TP\n0\nDone.\n"
    ".TP\n2\nThe settings or the command line are wrong.\n"
    ".TP\n3\nThe data, or a file, is wrong.\n"
    ".TP\n4\nThe device failed.\n"
    ".TP\n70\nAn error of the program: please report it.\n"
    ".TP\n130\nInterrupted: a training can be resumed.\n";

std::string settings(const Outline& outline) {
  std::string out = ".SH SETTINGS\n";
  for (const Section& section : kSections) {
    out += fmt::format(".SS [{}] {}\n", section.name, roff(section.meaning));
    for (const Explanation& e : outline.settings) {
      if (e.key.substr(0, e.key.find('.')) != section.name) continue;
      out += fmt::format(".TP\n{} = {}\n{}\nTakes {}.\n", bold(e.key), roff(e.default_value),
                         roff(e.meaning), roff(e.type));
      if (!e.automatic.empty()) out += fmt::format("Auto: {}.\n", roff(e.automatic));
    }
  }
  return out;
}

std::string see_also(const Outline& outline, std::string_view own) {
  std::string out = ".SH SEE ALSO\n", pages = own.empty() ? "" : bold("sluice") + "(1)";
  for (const CommandOutline& command : outline.commands) {
    if (command.name == own) continue;
    pages += (pages.empty() ? "" : ",\n") + bold(page_name(command.name)) + "(1)";
  }
  return out + pages + "\n";
}

std::string command_page(const CommandOutline& command, const Outline& outline) {
  std::string out = heading(command, page_name(command.name));
  out += fmt::format(".SH SYNOPSIS\n{}", bold("sluice " + command.name));
  for (const OptionOutline& option : command.options) {
    if (option.argument) out += fmt::format(" \\fI{}\\fR", roff(usage_of(option)));
  }
  out += " [\\fIOPTION\\fR...]\n";
  if (!command.more.empty()) {
    out += fmt::format(".SH DESCRIPTION\n{}\nThe keys are in {}(1).\n", roff(command.more),
                       bold("sluice-explain"));
  }
  out += options(command);
  if (command.name == "explain") out += settings(outline);
  return out + examples(command) + std::string(kExitStatus) + see_also(outline, command.name);
}

std::string program_page(const Outline& outline) {
  const CommandOutline& program = outline.program;
  std::string out = heading(program, "sluice");
  out += fmt::format(".SH SYNOPSIS\n{} \\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n",
                     bold("sluice"));
  out += ".SH COMMANDS\n";
  for (const CommandOutline& command : outline.commands) {
    out += fmt::format(".TP\n{}(1)\n{}\n", bold(page_name(command.name)), roff(command.meaning));
  }
  return out + options(program) + examples(program) + std::string(kExitStatus) +
         see_also(outline, "");
}

}  // namespace

std::string manual_page(const std::string& command, const Outline& outline) {
  if (command.empty()) return program_page(outline);
  const auto known = std::ranges::find(outline.commands, command, &CommandOutline::name);
  if (known == outline.commands.end()) {
    throw ConfigError(
        fmt::format("manual: there is no command '{}'; 'sluice --help' lists them", command));
  }
  return command_page(*known, outline);
}

void write_manual(const std::filesystem::path& folder, const Outline& outline) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::vector<std::string> commands{""};
  for (const CommandOutline& command : outline.commands) commands.push_back(command.name);
  for (const std::string& command : commands) {
    const std::filesystem::path path = folder / (page_name(command) + ".1");
    std::ofstream out(path, std::ios::binary);
    out << manual_page(command, outline);
    out.close();
    if (!out) {
      throw DataError(
          fmt::format("{}: cannot be written; name another folder as --write", path.string()));
    }
  }
}

}  // namespace sluice
