// What is behind the handles of jobs and models, and how a job becomes settings and data.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "run/settings.hpp"
#include "sluice/c_api.h"
#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/trainer.hpp"

struct sluice_model {
  sluice::Model model;
};

struct sluice_job {
  std::string file;  ///< of settings; empty: none
  std::vector<sluice::Override> overrides;
  sluice::MemoryTables tables;
  std::array<std::vector<std::string>, 3> names;  ///< of the tables of each kind
  sluice_watch watch = nullptr;
  void* user = nullptr;
};

namespace sluice::api {

/// A library writes nothing to its host's streams. To be called before anything else of the log.
void be_silent_at_first();

/// What a job means for a command of the program, which is what the library's work is.
struct Task {
  Settings settings;
  CatalogNotes notes;
  Catalog catalog;
};

/// The settings alone, of forecast and evaluate those of `model` under the job's.
Settings settings_of(const sluice_job& job, const char* command, const Model* model);

/// Settings and data; what there is to remark goes to the log.
Task task_of(const sluice_job& job, const char* command, const Model* model);
/// `ahead` as in remarks_on_data.
Task task_of(Settings settings, bool ahead);

/// The job's watch, or one that lets everything go on: a library leaves signals alone.
TrainWatch watch_of(const sluice_job& job);

/// Puts the host's number of OpenMP threads back.
class HostThreads {
 public:
  HostThreads();
  ~HostThreads();
  HostThreads(const HostThreads&) = delete;
  HostThreads& operator=(const HostThreads&) = delete;

 private:
  int count_;
};

/// Computes with as many threads as engine.threads says while it lives.
class ThreadsInUse {
 public:
  explicit ThreadsInUse(int wanted);

 private:
  HostThreads before_;  // also where the threads cannot be had
};

}  // namespace sluice::api
