#include "app/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <sstream>

#include "app/arguments.hpp"
#include "app/output.hpp"
#include "base/build.hpp"
#include "run/config/names.hpp"
#include "run/config/value.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/cache.hpp"

namespace sluice {
namespace {

/// One command with its help.
CLI::App* add_command(CLI::App& app, const char* name, const char* what, const char* example) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer(fmt::format("Example:\n  {}", example));
  return command;
}

/// A command with settings and data; `files` says which files its arguments may be.
void add_data_command(CLI::App& app, const char* name, const char* what, const char* files,
                      const char* example, std::vector<std::string>& given, bool& quiet) {
  CLI::App* command = add_command(app, name, what, example);
  command->add_option("FILES", given, files);
  command->add_flag("-q,--quiet", quiet, "nothing on the terminal but errors and results");
  command->footer(
      fmt::format("Every key of 'sluice explain' is a flag: --section.key value, or --key value.\n"
                  "Names of other tools are understood: --horizon, --freq, --lr.\n\n"
                  "Example:\n  {}",
                  example));
}

void add_simulate(CLI::App& app, Request& request) {
  SimulateSpec& spec = request.simulate;
  CLI::App* command =
      add_command(app, "simulate", "Write a made-up store catalogue",
                  "sluice simulate demo/sales.csv --stores 10 --items 50 --days 730");
  command->add_option("OUT", request.file, "file to write: .csv, .parquet, .arrow")->required();
  command->option_defaults()->always_capture_default();
  command->add_option("--stores", spec.stores, "stores");
  command->add_option("--items", spec.items, "items in each store");
  command->add_option("--days", spec.days, "days of history");
  command->add_option("--start", spec.start, "first day");
  command->add_option("--seed", spec.seed, "seed of all numbers");
  command->add_option("--intermittent", spec.intermittent, "share of items that sell on few days");
  command->add_option("--launches", spec.launches, "share of series that begin late");
  command->add_option("--missing", spec.missing, "share of rows left out");
  command->add_option("--future-days", spec.future_days,
                      "days past the end with known price, promotion, holiday");
  command->add_option("--schema", spec.schema, "catalog, or the article's 15 columns")
      ->check(CLI::IsMember({"catalog", "article"}));
  command->add_flag("--replace", spec.replace, "write over a file that holds something else");
}

/// Before CLI11 sees it, which would not say what was probably meant.
void refuse_command(const CLI::App& app, const std::vector<std::string>& rest) {
  if (rest.empty() || rest.front().starts_with('-')) return;
  std::vector<std::string_view> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == rest.front()) return;
    names.push_back(command->get_name());
  }
  const std::string_view near = nearest_name(rest.front(), names);
  throw ConfigError(fmt::format("there is no command '{}'; {}", rest.front(),
                                near.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                                             : fmt::format("did you mean 'sluice {}'?", near)));
}

/// CLI11 takes the first letter of "-horizon" for a flag: that would be the help, and a success.
void refuse_single_dash(const std::vector<std::string>& rest) {
  for (const std::string& word : rest) {
    if (word.size() <= 2 || word[0] != '-' || !std::isalpha(static_cast<unsigned char>(word[1])))
      continue;
    throw ConfigError(fmt::format("{}: a flag has two dashes: -{}; a file of that name is ./{}",
                                  word, word, word));
  }
}

/// A help with its longer lines broken at blanks, the rest under what is said of the name in front.
std::string in_lines(const std::string& help) {
  constexpr std::size_t kColumns = 80, kIndent = 30;
  std::istringstream lines(help);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    while (line.size() > kColumns) {
      const std::size_t end = line.rfind(' ', kColumns);
      if (end == std::string::npos || end <= kIndent) break;
      out += line.substr(0, end) + "\n";
      line = std::string(kIndent, ' ') + line.substr(end + 1);
    }
    out += line + "\n";
  }
  return out;
}

void set_once(std::string& place, const std::string& file, const char* what) {
  if (!place.empty()) {
    throw ConfigError(fmt::format("{} and {} are both {}; give one", place, file, what));
  }
  place = file;
}

/// Settings, model and data among the arguments of a command.
void sort_files(const std::vector<std::string>& files, Request& request) {
  for (const std::string& file : files) {
    if (file.empty()) {
      throw ConfigError(
          "a file's name is empty, as of a shell's variable that is not set; leave it out, or give "
          "the file");
    }
    switch (kind_of_file(file)) {
      case FileKind::settings:
        set_once(request.settings, file, "files of settings");
        break;
      case FileKind::model:
        set_once(request.model, file, "models");
        break;
      case FileKind::data:
        if (request.command == "convert" && is_cache(file)) {
          set_once(request.file, file, "converted data, which convert writes and does not read");
        } else {
          request.data.push_back(file);
        }
    }
  }
  if (request.command == "convert" && request.file.empty()) {
    throw ConfigError(
        "convert needs the file to write, NAME.slc: sluice convert sales.parquet sales.slc");
  }
  if (request.command == "train" && !request.model.empty()) {
    throw ConfigError(
        fmt::format("{}: is a trained model; to go on from it give it as --training.init_from, to "
                    "write to it as --path.model",
                    request.model));
  }
  if (request.command == "tune" && !request.model.empty()) {
    throw ConfigError(fmt::format(
        "{}: is a trained model; the trials of a search begin with random weights: leave it out",
        request.model));
  }
  for (const auto& [key, value, written] : request.overrides) {
    if (key == "path.data" && !request.data.empty()) {
      throw ConfigError(
          fmt::format("the data are given twice, as {} and as --path.data {}; give "
                      "them once",
                      request.data.front(), value));
    }
    if (key == "path.model" && !request.model.empty()) {
      throw ConfigError(
          fmt::format("the model is given twice, as {} and as --path.model {}; give "
                      "it once",
                      request.model, value));
    }
  }
}

}  // namespace

std::optional<Request> read_command_line(int argc, char** argv) {
  Request request;
  std::vector<std::string> files;
  CLI::App app("Sluice: an LSTM forecasting engine", "sluice");
  app.set_version_flag("--version", fmt::format("sluice {}", kBuild.version));
  app.require_subcommand(0, 1);
  app.footer(
      "Begin:\n  sluice simulate demo/sales.csv\n  sluice check demo/sales.csv\n"
      "  sluice train demo/sales.csv\n"
      "  sluice forecast runs/model.safetensors demo/sales.csv\n"
      "  sluice evaluate runs/model.safetensors demo/sales.csv");
  add_data_command(app, "train", "Train a model on the data's windows",
                   "data, or a TOML file of settings that names them, or both",
                   "sluice train sales.csv --horizon 28", files, request.quiet);
  add_data_command(app, "tune", "Search settings by trainings scored on the validation part",
                   "data, or a TOML file of settings with [tune.space], or both",
                   "sluice tune space.toml sales.csv --trials 27 --jobs 2", files, request.quiet);
  add_data_command(app, "forecast", "Forecast all series with a trained model",
                   "a model, data, a TOML file of settings; what is left out the model knows",
                   "sluice forecast runs/model.safetensors sales.csv", files, request.quiet);
  add_data_command(app, "evaluate", "Score forecasts from past origins beside naive ones",
                   "a model, data, a TOML file of settings; what is left out the model knows",
                   "sluice evaluate runs/model.safetensors sales.csv --evaluate.n_windows 4", files,
                   request.quiet);
  add_data_command(app, "report", "Write an evaluation as a page to read, one HTML file",
                   "a model, data, a TOML file of settings; what is left out the model knows",
                   "sluice report runs/model.safetensors sales.csv --evaluate.n_windows 4", files,
                   request.quiet);
  add_data_command(app, "check", "Say what is in a data file",
                   "data, or a TOML file of settings that names them, or a model",
                   "sluice check sales.csv --data.id store,item", files, request.quiet);
  add_data_command(app, "convert", "Write data as a catalogue that is mapped, not parsed",
                   "data, or a TOML file of settings that names them, or a model whose settings "
                   "hold; and the file to write, NAME.slc",
                   "sluice convert sales.parquet sales.slc --data.future price", files,
                   request.quiet);
  add_simulate(app, request);
  CLI::App* explain_command =
      add_command(app, "explain", "Explain the settings", "sluice explain network.lags");
  explain_command->add_option("KEY", request.filter, "a section or a key; all without it");
  explain_command->add_flag("--markdown", request.markdown, "as configs/README.md");
  CLI::App* info_command = add_command(app, "info", "Tell about the program, a model or a forecast",
                                       "sluice info runs/model.safetensors");
  info_command->add_option(
      "FILE", request.file,
      "a trained model, a forecast (a file, or a directory of parts), or converted data");
  info_command->add_flag("--signature", request.signature,
                         "train 50 steps of a small fixed problem on each instruction set that "
                         "this processor has, and print what came out, as JSON");
  add_command(app, "devices", "List what can compute, as engine.device takes it", "sluice devices");
  CLI::App* completion_command = add_command(
      app, "completion", "Print a script by which a shell completes commands and settings",
      "source <(sluice completion bash)");
  completion_command->add_option("SHELL", request.word, "the shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  CLI::App* manual_command = add_command(app, "manual", "Print a page of the manual, for man",
                                         "sluice manual train | man -l -");
  manual_command->add_option("COMMAND", request.word, "a command; the program without it");
  manual_command->add_option("--write", request.file, "folder to write all pages to");

  const Arguments arguments = take_overrides(argc, argv);
  refuse_command(app, arguments.rest);
  refuse_single_dash(arguments.rest);
  try {
    app.parse(std::vector<std::string>(arguments.rest.rbegin(), arguments.rest.rend()));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) {
      throw ConfigError(fmt::format("{}; 'sluice --help' lists what there is", e.what()));
    }
    std::ostringstream out, err;  // help, version
    app.exit(e, out, err);
    print_result(in_lines(out.str()));
    return std::nullopt;
  }
  const std::vector<CLI::App*> commands = app.get_subcommands();
  if (commands.empty()) {
    print_result(in_lines(app.help()));
    return std::nullopt;
  }
  request.command = commands.front()->get_name();
  request.overrides = arguments.overrides;
  if (!request.filter.empty() && !meant_key(request.filter).empty()) {
    request.filter = meant_key(request.filter);
  }
  sort_files(files, request);
  if (request.command == "completion" || request.command == "manual") {
    request.outline = outline_of(app);
  }
  if (!takes_settings(request.command) && !request.overrides.empty()) {
    throw ConfigError(fmt::format("--{} has no meaning for 'sluice {}'; leave it out",
                                  request.overrides.front().flag(), request.command));
  }
  return request;
}

}  // namespace sluice
