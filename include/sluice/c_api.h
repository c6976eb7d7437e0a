/* Sluice as a C library (libsluice): train on tables, forecast them, evaluate; forecast plain
 * arrays. C99; the Python package and the program use this library too.
 *
 * Results: every function that can fail returns a sluice_status, and with it, in *error where error
 * is not NULL, the sentence that the program would print: place, what is wrong, the remedy. On
 * failure no other output is touched, but where a function says so. No C++ exception leaves the
 * library.
 *
 * Ownership: what a function gives by a pointer to a pointer is the caller's, who frees it with the
 * function of its type; freeing NULL does nothing. Text is UTF-8.
 *
 * Threads: different threads may use different handles at once, and one model; a job and a
 * forecaster are used by one thread at a time. A call computes with several threads (OpenMP;
 * engine.threads), and leaves the caller's own number of them as it was. They are not copied by a
 * fork: after such a call it is SLUICE_DEVICE_ERROR to compute with several in the new process.
 * What a caller gives to be called (a watch, a receiver of the log) may use the library, and
 * returns: no exception, longjmp or end of its thread leaves it.
 *
 * Versions: SLUICE_API_VERSION changes when something here is taken away or means something else,
 * or a struct that a caller makes (sluice_series) gets another member. Whoever loads the library at
 * run time compares it with sluice_api_version(). */
#ifndef SLUICE_C_API_H
#define SLUICE_C_API_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/arrow_c.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_API_VERSION 1
#define SLUICE_API __attribute__((visibility("default")))

typedef enum sluice_status {
  SLUICE_OK = 0,
  SLUICE_CONFIG_ERROR = 2,    /* a setting is unknown, out of range or in conflict with another */
  SLUICE_DATA_ERROR = 3,      /* a file or table is not what was expected; memory ran out */
  SLUICE_DEVICE_ERROR = 4,    /* a device is missing, out of memory, or refuses */
  SLUICE_INTERNAL_ERROR = 70, /* a bug of the library */
  SLUICE_INTERRUPTED = 130    /* the watch ended it */
} sluice_status;

typedef struct sluice_error sluice_error;
SLUICE_API const char* sluice_error_message(const sluice_error* error);
SLUICE_API void sluice_error_free(sluice_error* error);

/* MAJOR.MINOR.PATCH, and SLUICE_API_VERSION of the library that is loaded. */
SLUICE_API const char* sluice_version(void);
SLUICE_API int sluice_api_version(void);

/* Text that a function gave. */
SLUICE_API void sluice_text_free(char* text);

/* ---- the log -------------------------------------------------------------------------------- */

typedef enum sluice_log_level {
  SLUICE_LOG_INFO = 0,
  SLUICE_LOG_WARNING = 1,
  SLUICE_LOG_ERROR = 2,
  SLUICE_LOG_EVENT = 3 /* a JSON object for programs: {"event": "epoch", ...} */
} sluice_log_level;

/* Called by the thread that works, with a text that lives as long as the call. */
typedef void (*sluice_log_receiver)(sluice_log_level level, const char* message, void* user);

/* One receiver a process, for all jobs; NULL: none, as in the beginning. Nothing is written to the
 * standard streams. Once it returns, the receiver before it is not called again: it waits for one
 * that is at work in another thread, so no lock may be held that the receiver takes. */
SLUICE_API void sluice_set_log(sluice_log_receiver receiver, void* user);

/* ---- jobs: settings and tables -------------------------------------------------------------- */

/* What a training, forecast, evaluation or check is to do. Settings are those of `sluice explain`.
 */
typedef struct sluice_job sluice_job;

SLUICE_API sluice_status sluice_job_new(sluice_job** job, sluice_error** error);
SLUICE_API void sluice_job_free(sluice_job* job);

/* As `--KEY VALUE` of the program: a later one of the same key replaces the earlier. Keys and
 * values are looked at when the job is used. Results are given to the caller, and a file is written
 * only where path.model is set by this function: a training writes its model and its state there,
 * and mode.resume goes on from it. The other keys of results (path.log, path.forecast, path.sums,
 * path.samples, forecast.sums, forecast.samples, path.explanation, path.tuned, path.report,
 * path.html, path.scores, path.figures, mode.figures, mode.log_screen, mode.log_file, mode.quiet)
 * and those of explanation and tune are the program's alone. */
SLUICE_API sluice_status sluice_job_set(sluice_job* job, const char* key, const char* value,
                                        sluice_error** error);
/* A file of settings (TOML), which what is set goes before. */
SLUICE_API sluice_status sluice_job_set_file(sluice_job* job, const char* path,
                                             sluice_error** error);

typedef enum sluice_table {
  SLUICE_TABLE_DATA = 0,   /* path.data: the histories */
  SLUICE_TABLE_FUTURE = 1, /* path.future: known inputs of the horizon */
  SLUICE_TABLE_STATICS = 2 /* path.statics: what belongs to a series */
} sluice_table;

/* A table in memory in place of a file. The stream is released, also on failure; its batches are
 * kept, not copied, as long as the job lives. `name` stands for the table in messages ("df: row 7:
 * column 'y'") and must be no other table's. Several tables of one kind are read together. */
SLUICE_API sluice_status sluice_job_add_table(sluice_job* job, sluice_table kind, const char* name,
                                              struct ArrowArrayStream* stream,
                                              sluice_error** error);

/* Where a training stands. */
typedef struct sluice_progress {
  const char* label;         /* "seed 1/3", "final"; "": the one choice */
  int64_t epoch;             /* closed so far */
  int64_t step, total_steps; /* total_steps 0: unknown */
  double fraction;           /* done, 0 to 1 */
  double seconds, windows_per_second;
  double train_loss, valid_loss; /* NaN: none yet */
  int epoch_end;                 /* 1: an epoch has just been closed */
  double learning_rate;          /* of the last step; 0 before the first one */
  int refit;                     /* which refit of sluice_evaluate, from 1; 0: none */
} sluice_progress;

/* Called after every training step and at every epoch's end; 0 ends the training. */
typedef int (*sluice_watch)(const sluice_progress* progress, void* user);

/* The library never touches signals: a host that wants Ctrl-C to end a training says so by the
 * watch. */
SLUICE_API sluice_status sluice_job_set_watch(sluice_job* job, sluice_watch watch, void* user,
                                              sluice_error** error);

/* ---- models --------------------------------------------------------------------------------- */

/* A trained model; the program's files are read and written. */
typedef struct sluice_model sluice_model;

SLUICE_API sluice_status sluice_model_load(const char* path, sluice_model** model,
                                           sluice_error** error);
/* Replaces the file at `path` when the new one is whole. */
SLUICE_API sluice_status sluice_model_save(const sluice_model* model, const char* path,
                                           sluice_error** error);
SLUICE_API void sluice_model_free(sluice_model* model);

/* A JSON object: horizon, window, levels, frequency, channels, statics, series, training; its keys
 * are listed in docs/deploy.md. */
SLUICE_API sluice_status sluice_model_info(const sluice_model* model, char** json,
                                           sluice_error** error);

/* ---- work on tables ------------------------------------------------------------------------- */

/* On SLUICE_INTERRUPTED, *model is the best so far; NULL if it was ended while validation chose the
 * settings, before the training. */
SLUICE_API sluice_status sluice_train(const sluice_job* job, sluice_model** model,
                                      sluice_error** error);

/* Forecasts of the job's data: unique_id, ds, [target,] sluice, sluice-lo-80, sluice-hi-80, ...
 * [new_item], as the program's file has them. `left_out`, if not NULL: a JSON array of
 * {"unique_id", "reason"}, the series that have none. */
SLUICE_API sluice_status sluice_forecast(const sluice_job* job, const sluice_model* model,
                                         struct ArrowArrayStream* forecasts, char** left_out,
                                         sluice_error** error);

/* Forecasts from evaluate.n_windows cutoffs beside what came: the columns of sluice_forecast with
 * cutoff and y before the first forecast. `report`, if not NULL: the program's report.json. `model`
 * may be NULL where evaluate.refit trains. */
SLUICE_API sluice_status sluice_evaluate(const sluice_job* job, const sluice_model* model,
                                         struct ArrowArrayStream* windows, char** report,
                                         sluice_error** error);

/* The scores of forecasts that are there already: `count` tables with the columns of
 * sluice_forecast, each with one forecast a series from an origin inside the job's data, whose
 * later values are what came. All have as many steps. The streams are released, also on failure.
 * `report`: the program's report.json. One target. */
SLUICE_API sluice_status sluice_score(const sluice_job* job, struct ArrowArrayStream* windows,
                                      size_t count, char** report, sluice_error** error);

/* What `sluice check` prints, with a line "note ..." for each remark. */
SLUICE_API sluice_status sluice_check(const sluice_job* job, char** text, sluice_error** error);

/* The settings that the job means with the model, or NULL, as TOML. */
SLUICE_API sluice_status sluice_job_settings(const sluice_job* job, const sluice_model* model,
                                             char** toml, sluice_error** error);
/* What `sluice explain FILTER` prints; "": every key. */
SLUICE_API sluice_status sluice_explain(const char* filter, char** text, sluice_error** error);
/* A made-up catalogue of stores * items daily series, as `sluice simulate` writes it: to `path` by
 * its ending, and its known future beside it as NAME.future.EXT. Files there that hold something
 * else are not written over: an error of data. */
SLUICE_API sluice_status sluice_simulate(const char* path, int stores, int items, int days,
                                         uint64_t seed, sluice_error** error);

/* The program itself: what main of `sluice` returns. Reads argv, writes to the standard streams,
 * installs handlers of signals; for a process that does nothing else. Where argv is what the
 * process was started with, it is started once more, unless OMP_WAIT_POLICY or GOMP_SPINCOUNT is
 * set. */
SLUICE_API int sluice_main(int argc, char** argv);

/* ---- forecasts of arrays -------------------------------------------------------------------- */

/* A model made ready to forecast again and again, for a service. */
typedef struct sluice_forecaster sluice_forecaster;

/* One series up to its forecast origin, and what is known of the horizon. */
typedef struct sluice_series {
  const char* id; /* as in training; NULL or unknown: a series that the model has not seen */
  /* When the first step is, on the grid of the model's frequency: seconds since 1970-01-01 as the
   * data's own clock shows them. Steps shorter than a day of times that carried an offset or a zone
   * count in UTC, and with data.time_zone in that zone's standard time. Where the training's times
   * were integers, the number of the step. */
  int64_t start;
  int64_t history; /* steps with targets, at least 1 */
  int64_t steps;   /* history, or with known inputs history and the horizon */
  /* [steps, channels] row by row, in the order of the model's channels (sluice_model_info):
   * targets, past inputs, known inputs. NaN: missing, as what is not known of the horizon; an
   * infinite number is an error. */
  const double* values;
  const double* static_reals;           /* [statics] in the model's order, or NULL: missing */
  const char* const* static_categories; /* [categories] words in the model's order, or NULL */
} sluice_series;

/* `job`: its forecast.levels and engine.* count. The model is copied. One with words as inputs of
 * steps is refused. */
SLUICE_API sluice_status sluice_forecaster_new(const sluice_job* job, const sluice_model* model,
                                               sluice_forecaster** forecaster,
                                               sluice_error** error);
SLUICE_API void sluice_forecaster_free(sluice_forecaster* forecaster);

/* Steps K, targets M, and outputs J of a forecast: quantiles at `probabilities`, ascending, the
 * median among them. The pointer lives as long as the forecaster. */
SLUICE_API void sluice_forecaster_shape(const sluice_forecaster* forecaster, int64_t* horizon,
                                        int64_t* targets, int64_t* outputs,
                                        const double** probabilities);

/* forecasts [count, K, M, J], in the data's units. A series of which none can be made (no value
 * before the origin, known values of the horizon missing) is an error that names it. */
SLUICE_API sluice_status sluice_forecaster_run(sluice_forecaster* forecaster,
                                               const sluice_series* series, size_t count,
                                               double* forecasts, sluice_error** error);
/* The same, and the point forecasts: means [count, K, M] of the distributions that a likelihood was
 * trained for ("mean" of sluice_model_info is true), else the medians. */
SLUICE_API sluice_status sluice_forecaster_run_with_means(sluice_forecaster* forecaster,
                                                          const sluice_series* series, size_t count,
                                                          double* forecasts, double* means,
                                                          sluice_error** error);

#ifdef __cplusplus
}
#endif

#endif /* SLUICE_C_API_H */
