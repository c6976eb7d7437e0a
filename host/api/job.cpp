#include "api/job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "api/status.hpp"
#include "run/threads.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"

namespace sluice::api {
namespace {

/// The key of the paths that a kind of tables stands for.
constexpr std::array kPathKeys = {"path.data", "path.future", "path.statics"};

/// Keys of files that only the program writes, and of its commands that the library has not.
constexpr std::array<std::string_view, 17> kOfProgram = {
    "path.log",         "path.forecast",       "path.sums",       "path.samples",  "forecast.sums",
    "path.explanation", "path.tuned",          "path.report",     "path.html",     "path.scores",
    "path.figures",     "mode.figures",        "mode.log_screen", "mode.log_file", "mode.quiet",
    "forecast.replace", "forecast.part_series"};
constexpr std::array<std::string_view, 2> kSectionsOfProgram = {"explanation.", "tune."};

bool is_of_program(std::string_view key) {
  return std::ranges::find(kOfProgram, key) != kOfProgram.end() ||
         std::ranges::any_of(kSectionsOfProgram,
                             [&](std::string_view section) { return key.starts_with(section); });
}

void refuse_keys_of_program(const sluice_job& job) {
  for (const Override& override : job.overrides) {
    if (!is_of_program(override.key)) continue;
    throw ConfigError(fmt::format(
        "{}: has an effect in the program alone; the library gives its results and its log to "
        "whoever calls it",
        override.key));
  }
}

}  // namespace

void be_silent_at_first() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (log_has_screen()) open_log({.screen = false});
  });
}

Settings settings_of(const sluice_job& job, const char* command, const Model* model) {
  refuse_keys_of_program(job);
  SettingsRequest request{.command = command,
                          .settings = job.file,
                          .model = {},
                          .data = job.names[SLUICE_TABLE_DATA],
                          .overrides = job.overrides,
                          .reads_models = false};
  for (const int kind : {SLUICE_TABLE_DATA, SLUICE_TABLE_FUTURE, SLUICE_TABLE_STATICS}) {
    const auto& names = job.names[static_cast<std::size_t>(kind)];
    const char* key = kPathKeys[static_cast<std::size_t>(kind)];
    if (names.empty()) continue;
    const auto given = std::find_if(job.overrides.begin(), job.overrides.end(),
                                    [&](const Override& o) { return o.key == key; });
    if (given != job.overrides.end()) {
      throw ConfigError(fmt::format("{} is '{}', and the table '{}' is given too; leave one out",
                                    key, given->value, names.front()));
    }
    if (kind != SLUICE_TABLE_DATA) {
      request.overrides.push_back({key, fmt::format("{}", fmt::join(names, ","))});
    }
  }
  Settings settings = read_settings(request, model);
  settings.memory = job.tables;
  return settings;
}

Task task_of(const sluice_job& job, const char* command, const Model* model) {
  const bool ahead = std::string_view(command) == "forecast";
  return task_of(settings_of(job, command, model), ahead);
}

Task task_of(Settings settings, bool ahead) {
  for (const std::string& remark : settings.remarks) log_warning(remark);
  CatalogNotes notes;
  Catalog catalog = read_data(settings, notes);
  for (const std::string& remark : remarks_on_data(settings, notes, ahead).fresh) {
    log_warning(remark);
  }
  return {std::move(settings), std::move(notes), std::move(catalog)};
}

TrainWatch watch_of(const sluice_job& job) {
  if (job.watch == nullptr) return [](const TrainProgress&) { return true; };
  return [watch = job.watch, user = job.user](const TrainProgress& p) {
    const std::string label(p.label);
    const sluice_progress progress{.label = label.c_str(),
                                   .epoch = p.epoch,
                                   .step = p.step,
                                   .total_steps = p.total_steps,
                                   .fraction = p.fraction,
                                   .seconds = p.seconds,
                                   .windows_per_second = p.windows_per_second,
                                   .train_loss = p.train_loss,
                                   .valid_loss = p.valid_loss,
                                   .epoch_end = p.epoch_end ? 1 : 0,
                                   .learning_rate = p.learning_rate,
                                   .refit = p.refit};
    return watch(&progress, user) != 0;
  };
}

HostThreads::HostThreads() : count_(omp_get_max_threads()) {}
HostThreads::~HostThreads() { omp_set_num_threads(count_); }
ThreadsInUse::ThreadsInUse(int wanted) { use_threads(wanted); }

}  // namespace sluice::api

using sluice::api::guarded;
using sluice::api::require;

sluice_status sluice_job_new(sluice_job** job, sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_job_new", "job");
    sluice::api::be_silent_at_first();
    *job = std::make_unique<sluice_job>().release();
  });
}

void sluice_job_free(sluice_job* job) { delete job; }

sluice_status sluice_job_set(sluice_job* job, const char* key, const char* value,
                             sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_job_set", "job");
    require(key, "sluice_job_set", "key");
    require(value, "sluice_job_set", "value");
    const auto known = std::find_if(job->overrides.begin(), job->overrides.end(),
                                    [&](const sluice::Override& o) { return o.key == key; });
    if (known != job->overrides.end()) {
      known->value = value;
    } else {
      job->overrides.push_back({key, value});
    }
  });
}

sluice_status sluice_job_set_file(sluice_job* job, const char* path, sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_job_set_file", "job");
    require(path, "sluice_job_set_file", "path");
    job->file = path;
  });
}

sluice_status sluice_job_add_table(sluice_job* job, sluice_table kind, const char* name,
                                   ArrowArrayStream* stream, sluice_error** error) {
  const sluice_status status = guarded(error, [&] {
    require(job, "sluice_job_add_table", "job");
    require(name, "sluice_job_add_table", "name");
    require(stream, "sluice_job_add_table", "stream");
    const std::string_view text = name;
    if (kind < SLUICE_TABLE_DATA || kind > SLUICE_TABLE_STATICS) {
      throw sluice::ConfigError(
          fmt::format("sluice_job_add_table: {} is no kind of table; use SLUICE_TABLE_DATA, "
                      "SLUICE_TABLE_FUTURE or SLUICE_TABLE_STATICS",
                      static_cast<int>(kind)));
    }
    if (text.empty() || text.find(',') != std::string_view::npos) {
      throw sluice::ConfigError(fmt::format(
          "sluice_job_add_table: a table's name must not be empty, nor have a comma: '{}'", text));
    }
    if (job->tables.contains(name)) {
      throw sluice::ConfigError(fmt::format(
          "sluice_job_add_table: there is a table '{}' already; give this one another name", text));
    }
    auto table = std::make_shared<const sluice::Table>(sluice::take_stream(*stream, name));
    job->names[static_cast<std::size_t>(kind)].emplace_back(name);
    job->tables.emplace(name, std::move(table));
  });
  if (stream != nullptr && stream->release != nullptr) stream->release(stream);
  return status;
}

sluice_status sluice_job_set_watch(sluice_job* job, sluice_watch watch, void* user,
                                   sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_job_set_watch", "job");
    job->watch = watch;
    job->user = user;
  });
}
