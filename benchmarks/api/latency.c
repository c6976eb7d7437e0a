/* How long a service waits for libsluice: from the start of the process to its first forecast of
 * one series, and then for each further one. Prints one JSON object.
 *
 *   sluice-latency MODEL.safetensors [FORECASTS]
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sluice/c_api.h"

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* SLUICE_LATENCY_START: what CLOCK_MONOTONIC said just before whoever started this process did. */
static double start_of_process(void) {
  const char* given = getenv("SLUICE_LATENCY_START");
  if (given == NULL) {
    fprintf(stderr, "sluice-latency: set SLUICE_LATENCY_START to CLOCK_MONOTONIC's seconds\n");
    exit(2);
  }
  return strtod(given, NULL);
}

static void check(sluice_status status, sluice_error** error) {
  if (status == SLUICE_OK) return;
  fprintf(stderr, "sluice-latency: %s\n", sluice_error_message(*error));
  exit(status);
}

static int ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: sluice-latency MODEL.safetensors [FORECASTS]\n");
    return 2;
  }
  const double start = start_of_process(), in_main = now(CLOCK_MONOTONIC);
  const int count = argc > 2 ? atoi(argv[2]) : 1000;
  sluice_error* error = NULL;
  sluice_job* job = NULL;
  sluice_model* model = NULL;
  sluice_forecaster* forecaster = NULL;
  check(sluice_job_new(&job, &error), &error);
  check(sluice_model_load(argv[1], &model, &error), &error);
  check(sluice_forecaster_new(job, model, &forecaster, &error), &error);
  const double loaded = now(CLOCK_MONOTONIC);

  int64_t horizon = 0, targets = 0, outputs = 0;
  sluice_forecaster_shape(forecaster, &horizon, &targets, &outputs, NULL);
  double history[400];
  for (int t = 0; t < 400; ++t) history[t] = 20 + 8 * sin(t * 2 * 3.14159265358979 / 7);
  const sluice_series series = {
      .start = 1704067200, .history = 400, .steps = 400, .values = history};
  double* forecasts = malloc((size_t)(horizon * targets * outputs) * sizeof *forecasts);
  double* seconds = malloc((size_t)count * sizeof *seconds);
  if (forecasts == NULL || seconds == NULL || targets != 1) return 1;
  check(sluice_forecaster_run(forecaster, &series, 1, forecasts, &error), &error);
  const double first = now(CLOCK_MONOTONIC);
  for (int i = 0; i < count; ++i) {
    const double before = now(CLOCK_MONOTONIC);
    history[399] = 20 + i % 9;
    check(sluice_forecaster_run(forecaster, &series, 1, forecasts, &error), &error);
    seconds[i] = now(CLOCK_MONOTONIC) - before;
  }
  qsort(seconds, (size_t)count, sizeof *seconds, ascending);
  printf(
      "{\"start_to_main_ms\": %.3f, \"load_ms\": %.3f, \"start_to_first_forecast_ms\": %.3f, "
      "\"warm_ms\": {\"median\": %.4f, \"p10\": %.4f, \"p90\": %.4f, \"p99\": %.4f}, "
      "\"forecasts\": %d}\n",
      1e3 * (in_main - start), 1e3 * (loaded - in_main), 1e3 * (first - start),
      1e3 * seconds[count / 2], 1e3 * seconds[count / 10], 1e3 * seconds[count * 9 / 10],
      1e3 * seconds[count * 99 / 100], count);
  return 0;
}
