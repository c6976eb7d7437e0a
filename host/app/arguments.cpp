// CLI11 would take the value of a flag that it does not know as a file; hence this.
#include "app/arguments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>

#include "run/config/names.hpp"
#include "run/config/value.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

/// Flags of CLI11's own.
constexpr std::string_view kPlainFlags[] = {"--help", "--quiet", "--version"};
constexpr std::string_view kWithSettings[] = {"train", "forecast", "evaluate", "report",
                                              "check", "tune",     "convert"};

bool contains(const auto& list, std::string_view text) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

/// Whether the first word of the command line is a command that takes settings.
bool begins_with_settings(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!std::string_view(argv[i]).starts_with('-')) return takes_settings(argv[i]);
  }
  return false;
}

bool begins_with_flag(std::string_view text) { return text.starts_with("--"); }

/// A setting as a file of settings has it and as messages propose it, typed on the command line:
/// data.layout = "rows", of which a shell makes three arguments.
struct Assignment {
  std::string key, value;
  int arguments = 0;  ///< that it takes; 0: it is none
};

Assignment assignment_at(int i, int argc, char** argv) {
  const std::string_view argument = argv[i];
  const std::size_t equals = argument.find('=');
  const std::string key(argument.substr(0, equals));
  std::error_code error;
  if (!is_key(key) || std::filesystem::exists(std::string(argument), error)) return {};
  std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
  int end = i + 1;
  if (equals == std::string_view::npos) {
    if (end == argc || argv[end][0] != '=') {
      throw ConfigError(fmt::format("{} is a setting: write --{} VALUE", key, key));
    }
    value = argv[end++] + 1;
  }
  if (value.empty() && end < argc && !begins_with_flag(argv[end])) value = argv[end++];
  // A list with blanks is several arguments.
  while (value.starts_with('[') && !value.ends_with(']') && end < argc) {
    value += std::string(" ") + argv[end++];
  }
  return {key, value, end - i};
}

/// "key = value" or a [section]: a file of settings, whatever its name.
bool reads_as_settings(std::ifstream& in) {
  constexpr int kLines = 200;
  std::string line;
  for (int i = 0; i < kLines && std::getline(in, line); ++i) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos || line[begin] == '#') continue;
    if (line[begin] == '[') {  // a list of JSON begins so, too
      const auto next = static_cast<unsigned char>(line.c_str()[begin + 1]);
      return std::isalnum(next) != 0 || next == '_' || next == '[' || next == ' ';
    }
    const std::size_t equals = line.find('=');
    return equals != std::string::npos && line.find_first_of(",;\t") > equals;
  }
  return false;
}

}  // namespace

bool takes_settings(std::string_view command) { return contains(kWithSettings, command); }

Arguments take_overrides(int argc, char** argv) {
  Arguments arguments;
  const bool names = begins_with_settings(argc, argv);
  std::map<std::string, std::string> given;  // by key, as written
  bool epochs_by_name = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string_view flag = argument.substr(0, equals);
    const bool dotted = flag.find('.') != std::string_view::npos;
    const Assignment assignment =
        names && !begins_with_flag(flag) ? assignment_at(i, argc, argv) : Assignment{};
    if (assignment.arguments == 0 && (!begins_with_flag(flag) || flag.size() == 2 ||
                                      (!dotted && !names) || contains(kPlainFlags, flag))) {
      arguments.rest.emplace_back(argument);
      continue;
    }
    const bool assigned = assignment.arguments > 0;
    const std::string name = assigned ? assignment.key : std::string(flag.substr(2));
    const std::string key = dotted ? name : std::string(key_of_name(name));
    std::string value;
    const bool next = i + 1 < argc && !begins_with_flag(argv[i + 1]);
    if (assigned) {
      value = assignment.value;
      i += assignment.arguments - 1;
    } else if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (is_boolean_key(key) && (!next || (std::string_view(argv[i + 1]) != "true" &&
                                                 std::string_view(argv[i + 1]) != "false" &&
                                                 std::string_view(argv[i + 1]) != "auto"))) {
      value = "true";
    } else if (next) {
      value = argv[++i];
    } else if (!key.empty()) {
      throw ConfigError(
          fmt::format("--{} needs a value: --{} VALUE (or --{}=VALUE)", name, name, name));
    }
    value = without_brackets(value);
    const Override override = dotted ? Override{key, value} : override_of_name(name, value);
    if (const auto [before, fresh] = given.emplace(override.key, name); !fresh) {
      throw ConfigError(
          fmt::format("--{} is given twice{}; {}", before->second,
                      name == before->second ? "" : fmt::format(", once as --{}", name),
                      once_remedy(override.key, before->second)));
    }
    epochs_by_name = epochs_by_name || (!dotted && key == "training.epochs");
    arguments.overrides.push_back(override);
  }
  // Who asks for epochs where there are no steps means them all: training.steps has a default.
  if (epochs_by_name && !given.contains("training.steps")) {
    arguments.overrides.push_back({"training.steps", "0"});
  }
  return arguments;
}

FileKind kind_of_file(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view kData[] = {".csv",     ".tsv", ".txt", ".parquet", ".pq", ".arrow",
                                        ".feather", ".ipc", ".tsf", ".gz",      ".zst"};
  if (ending == ".toml") return FileKind::settings;
  if (ending == ".safetensors") return FileKind::model;
  std::error_code status;
  if (contains(kData, ending) || std::filesystem::is_directory(path, status)) return FileKind::data;
  std::ifstream in(path, std::ios::binary);
  // Bytes that no text has: what it is instead is told when it is read.
  std::string start(256, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(in.gcount()));
  const auto is_binary = [](unsigned char c) {
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
  };
  const std::string_view head = start;
  // safetensors: eight bytes of the header's length, then its JSON.
  if (head.size() > 8 && head[8] == '{' && head[6] == 0 && head[7] == 0) return FileKind::model;
  if (std::any_of(head.begin(), head.end(), is_binary) || head.starts_with('<')) {
    return FileKind::data;
  }
  in.clear();
  in.seekg(0);
  return reads_as_settings(in) ? FileKind::settings : FileKind::data;
}

}  // namespace sluice
