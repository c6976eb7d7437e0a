// Training, forecasts, evaluations and checks of a job's tables.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "api/job.hpp"
#include "api/status.hpp"
#include "base/with_memory.hpp"
#include "run/paths.hpp"
#include "sluice/data/check.hpp"
#include "sluice/data/simulate.hpp"
#include "sluice/run/backtest.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/report.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice::api {
namespace {

/// Whether the job itself says where; a file of settings that serves the program, too, does not.
bool is_to_be_saved(const sluice_job& job, const Settings& settings) {
  const bool saved = std::any_of(job.overrides.begin(), job.overrides.end(),
                                 [](const Override& o) { return o.key == "path.model"; });
  if (settings.config.mode.resume && !saved) {
    throw ConfigError(
        "mode.resume goes on from a state beside path.model, which is not set; set it, as in the "
        "training that was stopped");
  }
  if (settings.config.mode.incremental && !saved) {
    throw ConfigError(
        "mode.incremental goes on from path.model, which is not set; set it, or "
        "training.init_from");
  }
  return saved;
}

/// A table in memory is no file, and nothing that a later use of the model could find.
void forget_tables(const sluice_job& job, Config::Path& path) {
  if (!job.names[SLUICE_TABLE_DATA].empty()) path.data.clear();
  if (!job.names[SLUICE_TABLE_FUTURE].empty()) path.future.clear();
  if (!job.names[SLUICE_TABLE_STATICS].empty()) path.statics.clear();
}

/// As the program does: a model replaces nothing that is read. The library writes no other file.
void check_places(const sluice_job& job, Config config) {
  forget_tables(job, config.path);
  config.mode.log_file = config.mode.figures = false;
  SettingsRequest request;
  request.command = "train";
  request.settings = job.file;
  check_paths(request, config);
}

TrainResult train_job(const sluice_job& job) {
  Settings settings = settings_of(job, "train", nullptr);
  const bool save = is_to_be_saved(job, settings);
  if (save) check_places(job, settings.config);
  const Task task = task_of(std::move(settings), false);
  const Config& config = task.settings.config;
  const ThreadsInUse threads(config.engine.threads);
  TrainOptions options;
  options.save = save;
  options.remarks = task.notes.remarks;
  options.watch = watch_of(job);
  TrainResult result =
      with_memory("training", "make training.batch_size or network.hidden_size smaller",
                  [&] { return train(config, task.catalog, options); });
  forget_tables(job, result.model.config.path);
  return result;
}

std::string left_out_json(const std::vector<LeftOut>& left_out) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const LeftOut& one : left_out) {
    list.push_back({{"unique_id", one.id}, {"reason", one.reason}});
  }
  return list.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Forecasts forecast_job(const Task& task) {
  return with_memory("forecasting", "make engine.forecast_batch smaller", [&] {
    return forecast_series(*task.settings.model, task.catalog, task.settings.config, task.notes);
  });
}

/// The forecasts of every window; the report goes to `report`.
std::vector<Forecasts> evaluate_job(const sluice_job& job, const Task& task,
                                    EvaluationReport& report) {
  std::vector<Forecasts> windows;
  BacktestOptions options;
  options.receive = [&](const Forecasts& forecasts) { windows.push_back(forecasts); };
  options.watch = watch_of(job);
  BacktestResult result = with_memory("evaluating", "make engine.forecast_batch smaller", [&] {
    const auto& model = task.settings.model;
    return backtest(task.settings.config, task.catalog, model ? &*model : nullptr, options);
  });
  report = std::move(result.report);
  return windows;
}

const Model* model_of(const sluice_model* model) {
  return model != nullptr ? &model->model : nullptr;
}

}  // namespace
}  // namespace sluice::api

using sluice::api::guarded;
using sluice::api::require;
using sluice::api::text_of;

sluice_status sluice_train(const sluice_job* job, sluice_model** model, sluice_error** error) {
  bool interrupted = false;
  const sluice_status status = guarded(error, [&] {
    require(job, "sluice_train", "job");
    require(model, "sluice_train", "model");
    sluice::TrainResult result = sluice::api::train_job(*job);
    interrupted = result.interrupted;
    *model = new sluice_model{std::move(result.model)};
  });
  if (status == SLUICE_INTERRUPTED) *model = nullptr;  // before there was any
  if (status != SLUICE_OK || !interrupted) return status;
  return sluice::api::failed(error, SLUICE_INTERRUPTED,
                             "interrupted: the model is the best so far");
}

sluice_status sluice_forecast(const sluice_job* job, const sluice_model* model,
                              ArrowArrayStream* forecasts, char** left_out, sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_forecast", "job");
    require(model, "sluice_forecast", "model");
    require(forecasts, "sluice_forecast", "forecasts");
    const sluice::api::Task task = sluice::api::task_of(*job, "forecast", &model->model);
    const sluice::api::ThreadsInUse threads(task.settings.config.engine.threads);
    const sluice::Forecasts made = sluice::api::forecast_job(task);
    auto columns =
        sluice::forecast_columns(task.catalog, {&made, 1}, task.settings.config.forecast.levels,
                                 sluice::ForecastRows::forecasts_alone);
    sluice::api::Text reasons(
        left_out != nullptr ? text_of(sluice::api::left_out_json(made.left_out)) : nullptr);
    sluice::give_stream(std::move(columns), *forecasts);
    if (left_out != nullptr) *left_out = reasons.release();
  });
}

sluice_status sluice_evaluate(const sluice_job* job, const sluice_model* model,
                              ArrowArrayStream* windows, char** report, sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_evaluate", "job");
    require(windows, "sluice_evaluate", "windows");
    const sluice::api::Task task =
        sluice::api::task_of(*job, "evaluate", sluice::api::model_of(model));
    const sluice::api::ThreadsInUse threads(task.settings.config.engine.threads);
    sluice::EvaluationReport scores;
    const auto made = sluice::api::evaluate_job(*job, task, scores);
    auto columns =
        sluice::forecast_columns(task.catalog, made, task.settings.config.forecast.levels,
                                 sluice::ForecastRows::with_actuals);
    sluice::api::Text text(report != nullptr ? text_of(sluice::report_json(scores)) : nullptr);
    sluice::give_stream(std::move(columns), *windows);
    if (report != nullptr) *report = text.release();
  });
}

sluice_status sluice_check(const sluice_job* job, char** text, sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_check", "job");
    require(text, "sluice_check", "text");
    const sluice::Settings settings = sluice::api::settings_of(*job, "check", nullptr);
    sluice::CatalogNotes notes;
    const sluice::Catalog catalog = sluice::read_data(settings, notes);
    std::string lines =
        sluice::check_text(catalog, notes, sluice::check_catalog(catalog),
                           fmt::format("{}", fmt::join(settings.config.path.data, ", ")));
    std::vector<std::string> remarks = settings.remarks;
    remarks.insert(remarks.end(), notes.remarks.begin(), notes.remarks.end());
    for (const std::string& remark : remarks) lines += "note        " + remark + "\n";
    *text = text_of(lines);
  });
}

sluice_status sluice_job_settings(const sluice_job* job, const sluice_model* model, char** toml,
                                  sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_job_settings", "job");
    require(toml, "sluice_job_settings", "toml");
    const char* command = model != nullptr ? "forecast" : "train";
    *toml = text_of(sluice::to_toml(
        sluice::api::settings_of(*job, command, sluice::api::model_of(model)).config));
  });
}

sluice_status sluice_explain(const char* filter, char** text, sluice_error** error) {
  return guarded(error, [&] {
    require(filter, "sluice_explain", "filter");
    require(text, "sluice_explain", "text");
    *text = text_of(sluice::explain_keys(filter));
  });
}

sluice_status sluice_simulate(const char* path, int stores, int items, int days, uint64_t seed,
                              sluice_error** error) {
  return guarded(error, [&] {
    require(path, "sluice_simulate", "path");
    sluice::simulate({.stores = stores, .items = items, .days = days, .seed = seed}, path);
  });
}
