// The program. Each command below is the path of its data:
//   train     read_catalog -> train -> model
//   tune      read_catalog -> trials, scored -> settings to train with
//   forecast  load_model -> read_catalog -> forecast_series -> write_forecasts (or forecast_parts)
//   evaluate  load_model -> read_catalog -> backtest -> report
//   report    the same, as a page to read
//   convert   read_catalog -> write_cache, which the others map in place of reading
// What was asked for is found out before (command_line, settings), which files may be written
// (paths). Before any of that, main starts itself again once (wait_passively).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <optional>

#include "app/command_line.hpp"
#include "app/completion.hpp"
#include "app/info.hpp"
#include "app/manual.hpp"
#include "app/next.hpp"
#include "app/output.hpp"
#include "app/process_limits.hpp"
#include "app/several.hpp"
#include "app/signature.hpp"
#include "base/ranks/ranks.hpp"
#include "base/text.hpp"
#include "base/wait_passively.hpp"
#include "base/with_memory.hpp"
#include "run/cached_data.hpp"
#include "run/checkpoint/atomic_file.hpp"
#include "run/config/part_path.hpp"
#include "run/forecast/parts.hpp"
#include "run/interrupt.hpp"
#include "run/paths.hpp"
#include "run/settings.hpp"
#include "run/threads.hpp"
#include "run/tune/tune.hpp"
#include "sluice/c_api.h"
#include "sluice/sluice.hpp"

namespace sluice {
namespace {

/// The last preparation of whatever takes long.
void begin(const Request& request, const Settings& settings) {
  const Config& config = settings.config;
  const bool speaks = ranks().rank() == 0;  // and writes: files of one name are one file
  if (speaks) check_paths(request, config);
  LogOptions options{.screen = speaks && config.mode.log_screen && !config.mode.quiet, .file = {}};
  if (speaks && config.mode.log_file) options.file = config.path.log;
  open_log(options);
  for (const std::string& remark : settings.remarks) log_warning(remark);
  use_threads(config.engine.threads > 0 ? config.engine.threads : threads_of_rank());
}

/// Says what was made of the data, and how much of it the model's training said already.
void tell(const Request& request, const Settings& settings, const CatalogNotes& notes, bool ahead) {
  const auto [fresh, known] = remarks_on_data(settings, notes, ahead);
  for (const std::string& remark : fresh) log_warning(remark);
  if (known == 0) return;
  log_info(fmt::format("{} on the data as the training had {}: sluice check{}",
                       known == 1 ? "1 remark" : fmt::format("{} remarks", known),
                       known == 1 ? "it" : "them", check_arguments(request, settings)));
}

int train(const Request& request) {
  const Settings settings = read_settings(request);
  const Config& config = settings.config;
  begin(request, settings);
  CatalogNotes notes;
  const Catalog catalog = read_data(settings, notes);
  for (const std::string& remark : notes.remarks) log_warning(remark);
  check_sums(config, horizon_steps(config, catalog.frequency()));  // the model carries them
  const TrainResult result = with_memory(
      "training", "make training.batch_size or network.hidden_size smaller",
      [&] { return train(config, catalog, TrainOptions{.end = {}, .remarks = notes.remarks}); });
  log_info(fmt::format("model: {}", config.path.model));
  if (asks_for_samples(config) && result.model.dependence.empty() &&
      !result.model.spec.is_recursive()) {
    log_warning(
        "forecast.sums and path.samples: the validation part is too small, or there is none, to "
        "say "
        "how the errors of steps hang together; this model will have no totals (make data.valid "
        "larger)");
  }
  if (result.interrupted) {
    const std::string again = same_arguments(request);
    log_info(
        result.state_saved
            ? fmt::format("interrupted; go on: sluice train{} --mode.resume true", again)
            : fmt::format("interrupted, and its state is not saved; begin anew: sluice train{}",
                          again));
    return kInterrupted;
  }
  const std::string ahead = needed_ahead(result.model, catalog, notes);
  const auto next = [&](const char* command) {
    return fmt::format(
        "sluice {}{}", command,
        next_arguments(command, request, settings.file, config, result.model.config));
  };
  const std::string short_of = too_short_to_evaluate(config, catalog);
  log_info(short_of.empty()
               ? fmt::format("next: {}{}, or {}", next("forecast"), ahead, next("evaluate"))
               : fmt::format("next: {}{}; {}", next("forecast"), ahead, short_of));
  return 0;
}

int tune(const Request& request) {
  const Settings settings = read_settings(request);
  const Config& config = settings.config;
  const TuneSpace space = load_space(request.settings);
  begin(request, settings);
  log_info(fmt::format("searching {}: {}", space.origin, space_text(space)));
  CatalogNotes notes;
  const Catalog catalog = read_data(settings, notes);
  for (const std::string& remark : notes.remarks) log_warning(remark);
  const TuneResult result =
      with_memory("tuning", "make tune.jobs, training.batch_size or network.hidden_size smaller",
                  [&] { return tune(config, space, catalog); });
  const bool printed = result.table.empty() || try_print_result(result.table);
  if (result.trial >= 0) {
    const std::string tuned = shell_quoted(config.path.tuned);
    log_info(fmt::format("settings: {} (trial {}{}); next: sluice train {}", config.path.tuned,
                         result.trial, result.trial == 0 ? ", the settings as given" : "", tuned));
  }
  if (result.interrupted) {
    log_info(fmt::format("interrupted; go on: sluice tune{}", same_arguments(request)));
    return kInterrupted;
  }
  if (result.trial < 0) {
    throw DataError(
        "no trial has a score: no training had a finite loss; look at the data with `sluice "
        "check`, "
        "or search smaller learning rates");
  }
  if (!printed) refuse_output();
  return 0;
}

int forecast_into_parts(const Request& request, const Settings& settings, const Catalog& catalog,
                        const CatalogNotes& notes) {
  const Config& config = settings.config;
  const PartsResult made = with_memory("forecasting", "make engine.forecast_batch smaller", [&] {
    return forecast_parts(*settings.model, catalog, config, notes, this_program().version);
  });
  if (made.interrupted) {
    log_info(fmt::format("interrupted; go on: sluice forecast{}", same_arguments(request)));
    return kInterrupted;
  }
  const bool complete = made.found == made.parts;
  log_info(fmt::format("forecast: {} ({} series, {} steps, {} parts{}){}", config.path.forecast,
                       made.series, made.rows.K, made.parts,
                       complete ? ", all of which were there" : "", remarks_text(made.rows)));
  return 0;
}

int forecast(const Request& request) {
  const Settings settings = read_settings(request);
  const Config& config = settings.config;
  const bool in_parts = is_path_of_parts(config.path.forecast);
  if (in_parts) check_parts(config);
  check_ranks(in_parts, config.path.forecast);
  begin(request, settings);
  CatalogNotes notes;
  const Catalog catalog = read_data(settings, notes);
  tell(request, settings, notes, true);
  if (in_parts) return forecast_into_parts(request, settings, catalog, notes);
  const bool samples = asks_for_samples(config);
  std::optional<std::vector<double>> levels;
  if (samples) levels = levels_of_samples(*settings.model, config);
  // What cannot be kept is refused before it is made.
  check_sample_memory(*settings.model, catalog, config);
  if (!config.path.explanation.empty()) check_explanation(*settings.model, catalog, config);
  const Forecasts forecasts = with_memory("forecasting", "make engine.forecast_batch smaller", [&] {
    return forecast_series(*settings.model, catalog, config, notes, levels);
  });
  const Provenance from = provenance_of(config, catalog, &*settings.model);
  write_forecasts(config.path.forecast, catalog, forecasts, config.forecast.levels, from);
  if (config.forecast.sidecar) write_sidecar(config.path.forecast, from);
  log_info(fmt::format("forecast: {} ({} series, {} steps){}", config.path.forecast,
                       forecasts.series.size(), forecasts.K, remarks_text(forecasts)));
  if (samples) {
    with_memory("drawing sample paths", "make forecast.samples smaller",
                [&] { write_samples(*settings.model, catalog, forecasts, config, from); });
  }
  if (config.path.explanation.empty()) return 0;
  const Contributions moved = with_memory("explaining", "name series in explanation.series", [&] {
    return contributions_of(*settings.model, catalog, config, forecasts);
  });
  write_contributions(config.path.explanation, catalog, forecasts, moved, from);
  log_info(fmt::format("explanation: {} ({})", config.path.explanation, contributions_text(moved)));
  return 0;
}

/// What evaluate and report find out; `page` collects, if there is one, and `last` is its last
/// window's forecasts.
BacktestResult evaluated(const Settings& settings, const Catalog& catalog, HtmlReport* page,
                         Forecasts& last) {
  BacktestOptions options;
  if (page != nullptr) options.receive = [&last](const Forecasts& window) { last = window; };
  if (page != nullptr) options.scored = [page](const ScoredRow& row) { page->add(row); };
  return with_memory("evaluating", "make engine.forecast_batch smaller", [&] {
    return backtest(settings.config, catalog, settings.model ? &*settings.model : nullptr, options);
  });
}

/// Of the page's featured series, where one model made the forecasts and can explain them.
std::optional<Contributions> explained(const HtmlReport& page, const Settings& settings,
                                       const Catalog& catalog, const BacktestResult& result,
                                       const Forecasts& last) {
  if (!settings.model || settings.config.evaluate.refit > 0) return std::nullopt;
  if (settings.model->spec.carry_state || settings.model->spec.is_recursive()) return std::nullopt;
  Config few = settings.config;
  few.engine.device = "cpu", few.engine.recurrence = few.engine.precision = "auto";
  few.explanation.series = page.explained(result);
  std::erase_if(few.explanation.series, [&](const std::string& id) {
    return std::ranges::none_of(last.series, [&](auto s) { return catalog.id(s) == id; });
  });
  if (few.explanation.series.empty()) return std::nullopt;
  return contributions_of(*settings.model, catalog, few, last);
}

void write_page(const HtmlReport& page, const Settings& settings, const Catalog& catalog,
                const BacktestResult& result, const Forecasts& last) {
  const Config& config = settings.config;
  const std::optional<Contributions> moved = explained(page, settings, catalog, result, last);
  // The network and its training are the model's own, whatever was said since.
  Config used = config;
  std::string model;
  if (settings.model) {
    used.network = settings.model->config.network;
    used.training = settings.model->config.training;
    model = config.path.model;
  }
  page.write(config.path.html, result,
             {.settings = to_toml(used),
              .versions = program_info() + provenance_lines(result.report.provenance),
              .log = config.path.log,
              .model = model,
              .contributions = moved ? &*moved : nullptr,
              .forecasts = &last});
  log_info(fmt::format("page: {}", config.path.html));
}

int evaluate(const Request& request) {
  const Settings settings = read_settings(request);
  const Config& config = settings.config;
  begin(request, settings);
  CatalogNotes notes;
  const Catalog catalog = read_data(settings, notes);
  tell(request, settings, notes, false);
  const bool writes = ranks().rank() == 0;
  std::optional<HtmlReport> page;
  if (writes && !config.path.html.empty()) page.emplace(catalog, notes, config);
  Forecasts last;
  const BacktestResult result = evaluated(settings, catalog, page ? &*page : nullptr, last);
  if (!writes) return 0;
  // What else is asked for is written also where the table could not be.
  const bool printed = try_print_result(report_table(result.report, output_width() > 80));
  const std::string json = report_json(result.report) + "\n";
  const std::string_view parts[] = {json};
  write_atomically(config.path.report, parts, "path.report");
  log_info(fmt::format("report: {}", config.path.report));
  if (page) write_page(*page, settings, catalog, result, last);
  if (!config.path.scores.empty()) {
    write_row_scores(result.report, config.path.scores);
    log_info(fmt::format("scores: {}", config.path.scores));
  }
  if (config.mode.figures && !config.path.figures.empty()) {
    const auto drawn = draw_figures(config.path.figures, result.figures, result.figure_names);
    log_info(fmt::format("figures: {} ({} PNG)", config.path.figures, drawn.size()));
  }
  if (!printed) refuse_output();
  return 0;
}

int report(const Request& request) {
  Settings settings = read_settings(request);
  Config& config = settings.config;
  if (config.path.html.empty()) {
    config.path.html = std::filesystem::path(config.path.report).replace_extension(".html");
  }
  begin(request, settings);
  CatalogNotes notes;
  const Catalog catalog = read_data(settings, notes);
  tell(request, settings, notes, false);
  std::optional<HtmlReport> page;
  if (ranks().rank() == 0) page.emplace(catalog, notes, config);
  Forecasts last;
  const BacktestResult result = evaluated(settings, catalog, page ? &*page : nullptr, last);
  if (page) write_page(*page, settings, catalog, result, last);
  return 0;
}

int check(const Request& request) {
  const Settings settings = read_settings(request);
  const Config& config = settings.config;
  if (config.path.data.empty()) {
    throw ConfigError(
        "check needs a data file, a directory of them or a CONFIG.toml that names one: "
        "sluice check sales.csv");
  }
  CatalogNotes notes;
  const Catalog catalog = read_data(settings, notes);
  const std::string text = check_text(catalog, notes, check_catalog(catalog),
                                      fmt::format("{}", fmt::join(config.path.data, ", ")));
  std::vector<std::string> remarks = settings.remarks;
  remarks.insert(remarks.end(), notes.remarks.begin(), notes.remarks.end());
  print_result(cut_lines(text, output_width()) + labelled_lines("note", remarks));
  return 0;
}

int convert(const Request& request) {
  const Settings settings = read_settings(request);
  begin(request, settings);
  CatalogNotes notes;
  const Catalog catalog = with_memory("reading the data", "read fewer columns or rows", [&] {
    return convert(settings.config, request.file, notes);
  });
  for (const std::string& remark : notes.remarks) log_warning(remark);
  const std::size_t channels = catalog.channels().size() + catalog.categories().size();
  log_info(fmt::format("converted: {} ({} series, {} steps, {} channel{}); next: sluice train {}",
                       request.file, catalog.series_count(), catalog.total_steps(), channels,
                       channels == 1 ? "" : "s", shell_quoted(request.file)));
  return 0;
}

int simulate(const Request& request) {
  simulate(request.simulate, request.file);
  log_info(fmt::format("simulated: {}; look at it: sluice check {}", request.file,
                       shell_quoted(request.file)));
  return 0;
}

int explain(const Request& request) {
  print_result(request.markdown ? explain_markdown() : explain_keys(request.filter));
  return 0;
}

int info(const Request& request) {
  if (request.signature && !request.file.empty()) {
    throw ConfigError(
        fmt::format("--signature is of the program; leave out '{}', or --signature", request.file));
  }
  if (request.signature) {
    print_result(signature_json());
    return 0;
  }
  print_result(request.file.empty() ? program_info() : file_info(request.file));
  return 0;
}

int devices(const Request&) {
  print_result(devices_info());
  return 0;
}

int completion(const Request& request) {
  print_result(completion_script(request.word, request.outline));
  return 0;
}

int manual(const Request& request) {
  if (request.file.empty()) {
    print_result(manual_page(request.word, request.outline));
  } else if (!request.word.empty()) {
    throw ConfigError(fmt::format("--write {} writes all pages; leave out '{}', or --write",
                                  request.file, request.word));
  } else {
    write_manual(request.file, request.outline);
  }
  return 0;
}

int run(int argc, char** argv) {
  const std::optional<Request> request = read_command_line(argc, argv);
  if (!request) return 0;
  constexpr std::pair<std::string_view, int (*)(const Request&)> kCommands[] = {
      {"train", train},     {"tune", tune},   {"forecast", forecast}, {"evaluate", evaluate},
      {"report", report},   {"check", check}, {"convert", convert},   {"simulate", simulate},
      {"explain", explain}, {"info", info},   {"devices", devices},   {"completion", completion},
      {"manual", manual}};
  for (const auto& [name, command] : kCommands) {
    if (name != request->command) continue;
    join_ranks(request->command);
    const int status = command(*request);
    close_ranks();
    return status;
  }
  throw InternalError(fmt::format("the command '{}' has no function", request->command));
}

}  // namespace
}  // namespace sluice

int sluice_main(int argc, char** argv) {
  sluice::wait_passively(argv);  // before what a process that it starts would inherit
  sluice::ready_process();
  sluice::ready_for_limits();
  try {
    sluice::keep_interrupts_off_this_thread();
    return sluice::run(argc, argv);
  } catch (const sluice::Error& e) {
    return sluice::fail_on_rank(e.what(), e.exit_code());
  } catch (const std::bad_alloc&) {
    return sluice::fail_on_rank(sluice::kMemoryRanOut, 3);
  } catch (const std::exception& e) {
    return sluice::fail_on_rank(e.what(), 70);
  }
}
