// The program. Each command below is the path of its data:
//   train     read_catalog -> train -> model
//   forecast  read_catalog -> load_model -> forecast_series -> write_forecasts
//   evaluate  read_catalog -> backtest -> report
// Before any of that, main starts itself again once (wait_passively).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/arguments.hpp"
#include "app/info.hpp"
#include "base/wait_passively.hpp"
#include "run/checkpoint/atomic_file.hpp"
#include "run/config/value.hpp"
#include "run/training/interrupt.hpp"
#include "sluice/sluice.hpp"

namespace sluice {
namespace {

constexpr int kInterrupted = 130;  // as a shell reports Ctrl-C: the job is not done

/// What the command line asks for.
struct Request {
  std::string file;   ///< CONFIG, FILE, OUT or MODEL
  std::string again;  ///< " CONFIG --path.data ...": for the commands that messages suggest
  bool quiet = false;
  std::string filter;  ///< explain
  bool markdown = false;
  SimulateSpec simulate;
};

/// File and flags that a later command on the same data and model needs too.
std::string repeated(const std::string& file, const std::vector<Override>& overrides) {
  std::string text = file.empty() ? "" : " " + file;
  for (const auto& [key, value] : overrides) {
    if (key.starts_with("data.") || key.starts_with("path.")) {
      text += fmt::format(" --{} {}", key, value);
    }
  }
  return text;
}

/// A newcomer gives the data where the settings belong.
void refuse_data_file(const std::filesystem::path& file) {
  constexpr std::string_view kEndings[] = {".csv",     ".tsv", ".txt", ".parquet", ".arrow",
                                           ".feather", ".tsf", ".gz",  ".zst"};
  if (std::ranges::find(kEndings, file.extension().string()) == std::end(kEndings)) return;
  throw ConfigError(
      fmt::format("{0}: is a data file, where a TOML file of settings belongs; give the data as "
                  "--path.data {0}",
                  file.string()));
}

Config read_config(const Request& request, std::vector<Override> overrides) {
  refuse_data_file(request.file);
  if (request.quiet) overrides.emplace_back("mode.quiet", "true");
  return load_config(request.file, overrides);
}

void open_log(const Config& config) {
  LogOptions options{.screen = config.mode.log_screen && !config.mode.quiet, .file = {}};
  if (config.mode.log_file) options.file = config.path.log;
  open_log(options);
}

int train(const Request& request, const Config& config) {
  open_log(config);
  const Catalog catalog = read_catalog(catalog_spec(config));
  const TrainResult result = train(config, catalog);
  log_info(fmt::format("model: {}", config.path.model));
  if (result.interrupted) {
    log_info(fmt::format("interrupted; go on: sluice train{} --mode.resume true", request.again));
    return kInterrupted;
  }
  log_info(fmt::format("next: sluice forecast{0}, or sluice evaluate{0}", request.again));
  return 0;
}

/// The trained model, with what may still be chosen when it is used.
Model trained_model(const Config& config) {
  Model model = load_model(config.path.model);
  if (config.forecast.nonnegative) model.config.forecast.nonnegative = config.forecast.nonnegative;
  return model;
}

int forecast(const Request&, const Config& config) {
  open_log(config);
  CatalogNotes notes;
  const Catalog catalog = read_catalog(catalog_spec(config), &notes);
  const Model model = trained_model(config);
  const Forecasts forecasts = forecast_series(model, catalog, config, notes);
  write_forecasts(config.path.forecast, catalog, forecasts, config.forecast.levels);
  log_info(fmt::format("forecast: {} ({} series, {} steps){}", config.path.forecast,
                       forecasts.series.size(), forecasts.K, remarks_text(forecasts)));
  return 0;
}

int evaluate(const Request&, const Config& config) {
  open_log(config);
  const Catalog catalog = read_catalog(catalog_spec(config));
  std::optional<Model> model;
  if (config.evaluate.refit == 0) model = trained_model(config);
  const BacktestResult result = backtest(config, catalog, model ? &*model : nullptr);
  fmt::print("{}", report_table(result.report));
  std::fflush(stdout);  // before the messages below, which are not buffered
  const std::string json = report_json(result.report) + "\n";
  const std::string_view parts[] = {json};
  write_atomically(config.path.report, parts, "path.report");
  log_info(fmt::format("report: {}", config.path.report));
  if (!config.path.scores.empty()) {
    write_row_scores(result.report, config.path.scores);
    log_info(fmt::format("scores: {}", config.path.scores));
  }
  if (config.mode.figures) {
    const auto drawn = draw_figures(config.path.figures, result.figures, result.figure_names);
    log_info(fmt::format("figures: {} ({} PNG)", config.path.figures, drawn.size()));
  }
  return 0;
}

/// A data file, or a configuration that names some.
int check(Request request, const std::vector<Override>& overrides) {
  const std::filesystem::path file = request.file;
  const bool is_config = file.empty() || file.extension() == ".toml";
  if (!is_config) request.file.clear();
  Config config = read_config(request, overrides);
  if (!is_config) config.path.data = {file.string()};
  if (config.path.data.empty()) {
    throw ConfigError(
        "check needs a data file, a directory of them or a CONFIG.toml that names one: "
        "sluice check sales.csv");
  }
  CatalogNotes notes;
  const Catalog catalog = read_catalog(catalog_spec(config), &notes);
  fmt::print("{}", check_text(catalog, notes, check_catalog(catalog),
                              fmt::format("{}", fmt::join(config.path.data, ", "))));
  return 0;
}

int simulate(const Request& request) {
  simulate(request.simulate, request.file);
  log_info(fmt::format("simulated: {}; look at it: sluice check {}", request.file, request.file));
  return 0;
}

int explain(const Request& request) {
  fmt::print("{}", request.markdown ? explain_markdown() : explain_keys(request.filter));
  return 0;
}

int info(const Request& request) {
  fmt::print("{}", request.file.empty() ? program_info() : model_info(request.file));
  return 0;
}

/// One command with its help.
CLI::App* add_command(CLI::App& app, const char* name, const char* what, const char* example) {
  CLI::App* command = app.add_subcommand(name, what);
  command->footer(fmt::format("Example:\n  {}", example));
  return command;
}

CLI::App* add_config_command(CLI::App& app, const char* name, const char* what, const char* example,
                             Request& request) {
  CLI::App* command = add_command(app, name, what, example);
  command->add_option("CONFIG", request.file, "TOML file of settings; without it the defaults");
  command->add_flag("-q,--quiet", request.quiet, "nothing on the terminal but errors and results");
  command->footer(
      fmt::format("Every key of 'sluice explain' is a flag: --section.key value\n\n"
                  "Example:\n  {}",
                  example));
  return command;
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

int run(int argc, char** argv) {
  const Arguments arguments = take_overrides(argc, argv);
  Request request;
  CLI::App app("Sluice: an LSTM forecasting engine", "sluice");
  app.set_version_flag("--version", "sluice " SLUICE_VERSION);
  app.require_subcommand(0, 1);
  app.footer(
      "Begin:\n  sluice simulate demo/sales.csv\n  sluice check demo/sales.csv\n"
      "  sluice train --path.data demo/sales.csv\n"
      "  sluice forecast --path.data demo/sales.csv");
  const CLI::App* train_command =
      add_config_command(app, "train", "Train a model on the data's windows",
                         "sluice train configs/shop.toml --training.steps 500", request);
  const CLI::App* forecast_command =
      add_config_command(app, "forecast", "Forecast all series with a trained model",
                         "sluice forecast configs/shop.toml --forecast.levels 50,80,95", request);
  const CLI::App* evaluate_command =
      add_config_command(app, "evaluate", "Score forecasts from past origins beside naive ones",
                         "sluice evaluate configs/shop.toml --evaluate.n_windows 4", request);
  CLI::App* check_command = add_command(app, "check", "Say what is in a data file",
                                        "sluice check sales.csv --data.id store,item");
  check_command->add_option("FILE", request.file, "data file, directory, or CONFIG.toml");
  add_simulate(app, request);
  CLI::App* explain_command =
      add_command(app, "explain", "Explain the settings", "sluice explain network.lags");
  explain_command->add_option("KEY", request.filter, "a section or a key; all without it");
  explain_command->add_flag("--markdown", request.markdown, "as configs/README.md");
  CLI::App* info_command = add_command(app, "info", "Tell about the program, or a model",
                                       "sluice info runs/model.safetensors");
  info_command->add_option("MODEL", request.file, "a trained model");

  refuse_command(app, arguments.rest);
  try {
    app.parse(std::vector<std::string>(arguments.rest.rbegin(), arguments.rest.rend()));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // help, version
    throw ConfigError(fmt::format("{}; 'sluice --help' lists what there is", e.what()));
  }
  const std::vector<CLI::App*> commands = app.get_subcommands();
  if (commands.empty()) {
    fmt::print("{}", app.help());
    return 0;
  }
  const CLI::App* command = commands.front();
  if (command == check_command) return check(request, arguments.overrides);
  if (command == train_command || command == forecast_command || command == evaluate_command) {
    request.again = repeated(request.file, arguments.overrides);
    const Config config = read_config(request, arguments.overrides);
    if (command == train_command) return train(request, config);
    return command == forecast_command ? forecast(request, config) : evaluate(request, config);
  }
  if (!arguments.overrides.empty()) {
    throw ConfigError(fmt::format("--{} has no meaning for 'sluice {}'; leave it out",
                                  arguments.overrides.front().first, command->get_name()));
  }
  if (command == explain_command) return explain(request);
  return command == info_command ? info(request) : simulate(request);
}

int fail(const char* message, int exit_code) {
  fmt::print(stderr, "sluice: {}\n", message);
  const nlohmann::json event = {{"event", "failed"}, {"exit_code", exit_code}, {"text", message}};
  log_event(event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return exit_code;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  sluice::wait_passively(argv);
  sluice::keep_interrupts_off_this_thread();
  try {
    return sluice::run(argc, argv);
  } catch (const sluice::Error& e) {
    return sluice::fail(e.what(), e.exit_code());
  } catch (const std::exception& e) {
    return sluice::fail(e.what(), 70);
  }
}
