// Evaluation by rolling origins: forecasts from past cutoffs, scored beside simple methods.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/config.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/report.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {

struct BacktestResult {
  EvaluationReport report;
  std::vector<Figure> figures;  ///< real against predicted, the first few rows
  std::vector<std::string> figure_names;
  bool chinese = false;  ///< the language of what is for people (path.figure_language)
};

/// One forecast as it was scored: a series' target from one cutoff. The spans hold for the call.
struct ScoredRow {
  std::int64_t series = 0;
  int target = 0;
  std::int64_t cutoff = 0;            ///< first forecast step
  std::span<const double> actual;     ///< [K], NaN = missing
  std::span<const double> methods;    ///< [methods, K], as EvaluationReport::methods
  std::span<const double> quantiles;  ///< [K, J], of level_quantiles(forecast.levels)
};

struct BacktestOptions {
  /// Each window's forecasts, in the order of the cutoffs.
  std::function<void(const Forecasts&)> receive;
  /// Each row of it, as it was scored.
  std::function<void(const ScoredRow&)> scored;
  /// Of the trainings of evaluate.refit: TrainOptions::watch. One that it ends ends the evaluation.
  TrainWatch watch;
};

/// evaluate.n_windows cutoffs, evaluate.step apart, the last one K steps before each series' end.
/// With evaluate.refit > 0 the model is trained anew (as `config` says, on data before the cutoff
/// only) every so many cutoffs and `model` may be null; otherwise `model` is used, and a cutoff
/// that it has already seen is a DataError. All processes of a job (base/ranks) call it together
/// and come to the same, that of one process bit for bit (after a refit, as near as its training
/// is).
BacktestResult backtest(const Config& config, const Catalog& catalog, const Model* model,
                        const BacktestOptions& options = {});

/// The scores of forecasts that are there already, as `backtest` gives them of its own: at least
/// one window, all of one K, the quantiles of forecast.levels and the catalogue's targets, from
/// origins inside the histories. Throws DataError if none has a value beside it.
EvaluationReport score_forecasts(const Config& config, const Catalog& catalog,
                                 std::span<const Forecasts> windows);

}  // namespace sluice
