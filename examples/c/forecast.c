/* Trains a model on a file, then forecasts a series that it has never seen from a plain array.
 *
 *   cc forecast.c -lsluice -o forecast && ./forecast sales.csv
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sluice/c_api.h"

/* Prints the sentence of a call that failed, and ends. */
static void check(sluice_status status, sluice_error** error) {
  if (status == SLUICE_OK) return;
  fprintf(stderr, "forecast: %s\n", sluice_error_message(*error));
  sluice_error_free(*error);
  exit(status);
}

int main(int argc, char** argv) {
  sluice_error* error = NULL;
  sluice_job* job = NULL;
  sluice_model* model = NULL;
  sluice_forecaster* forecaster = NULL;
  if (argc != 2) {
    fprintf(stderr, "usage: forecast SALES.csv\n");
    return 2;
  }
  if (sluice_api_version() != SLUICE_API_VERSION) {
    fprintf(stderr, "forecast: libsluice %s has another interface\n", sluice_version());
    return 1;
  }

  check(sluice_job_new(&job, &error), &error);
  check(sluice_job_set(job, "path.data", argv[1], &error), &error);
  check(sluice_job_set(job, "network.predict_day", "7", &error), &error);
  check(sluice_job_set(job, "training.steps", "100", &error), &error);
  check(sluice_train(job, &model, &error), &error);
  check(sluice_forecaster_new(job, model, &forecaster, &error), &error);

  /* Eight weeks with a peak every seventh day, from Monday 2024-01-01. */
  double history[56];
  for (int t = 0; t < 56; ++t) history[t] = t % 7 == 5 ? 30 : 10;
  const sluice_series series = {.start = 1704067200, .history = 56, .steps = 56, .values = history};

  int64_t horizon = 0, outputs = 0;
  const double* probabilities = NULL;
  sluice_forecaster_shape(forecaster, &horizon, NULL, &outputs, &probabilities);
  double* forecasts = malloc((size_t)(horizon * outputs) * sizeof *forecasts);
  if (forecasts == NULL) return 1;
  check(sluice_forecaster_run(forecaster, &series, 1, forecasts, &error), &error);
  for (int64_t k = 0; k < horizon; ++k) {
    printf("day %d:", (int)k + 1);
    for (int64_t j = 0; j < outputs; ++j) {
      printf("  %g: %.2f", probabilities[j], forecasts[k * outputs + j]);
    }
    printf("\n");
  }

  free(forecasts);
  sluice_forecaster_free(forecaster);
  sluice_model_free(model);
  sluice_job_free(job);
  return 0;
}
