// Rolling origins: forecasts from past cutoffs beside those of simple methods, scored the same way.
#include "sluice/run/backtest.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/checksum.hpp"
#include "base/ranks/ranks.hpp"
#include "base/steady_seconds.hpp"
#include "run/config/left_out_columns.hpp"
#include "run/forecast/evaluated_steps.hpp"
#include "run/forecast/hierarchy.hpp"
#include "run/forecast/match.hpp"
#include "run/forecast/median.hpp"
#include "run/forecast/scoring.hpp"
#include "run/interrupt.hpp"
#include "run/known_series.hpp"
#include "sluice/base/error.hpp"
#include "sluice/base/log.hpp"
#include "sluice/run/choice.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"
#include "sluice/run/trainer.hpp"

namespace sluice {
namespace {

void check_alike(const Provenance& own) {
  Checksum sum;
  sum.add(to_json(own));
  check_alike(ranks(), sum.value(), "model, data, settings or instruction set");
}

[[noreturn]] void end_incomplete() {
  throw Interrupted("interrupted: the evaluation is not complete, nothing was written");
}

void stop_if_interrupted() {
  InterruptGuard::agree();
  if (InterruptGuard::requested()) end_incomplete();
}

}  // namespace

BacktestResult backtest(const Config& config, const Catalog& catalog, const Model* model,
                        const BacktestOptions& how) {
  const int refit = config.evaluate.refit;
  if (refit == 0 && model == nullptr) throw InternalError("a backtest without refit needs a model");
  int K = model != nullptr ? model->spec.K : config.network.predict_day;
  if (K == 0) K = horizon_steps(config, catalog.frequency());
  check_reconciliation(catalog, config, K);
  const Provenance from = provenance_of(config, catalog, refit > 0 ? nullptr : model);
  check_alike(from);
  Scoring test(config, catalog, K);
  // Around all windows: a training's own guard would forget a signal that came after its last step.
  std::optional<InterruptGuard> guard;
  if (refit > 0 && !how.watch) guard.emplace();
  const auto cutoffs = test.cutoffs();
  double train_seconds = 0, forecast_seconds = 0;
  std::string description;
  std::int64_t windows = 0;
  const std::size_t group = refit > 0 ? static_cast<std::size_t>(refit) : cutoffs.size();
  const Config asked = with_loss_of_refits(config, catalog, cutoffs);
  Config settings = asked;  // what the first refit chooses holds for those after it
  for (std::size_t begin = 0; begin < cutoffs.size(); begin += group) {
    Model fresh;
    const Model* used = model;
    std::optional<Catalog> reduced;
    const Catalog* seen = &catalog;  // without what a training here leaves out
    if (refit > 0) {
      TrainOptions options;
      options.save = false;
      options.end = refit_end(config, catalog, cutoffs[begin]);
      options.watch = how.watch;
      options.refit = static_cast<int>(begin / group) + 1;
      log_info(fmt::format("refit {} of {}: data before window {}", options.refit,
                           (cutoffs.size() + group - 1) / group, begin + 1));
      const bool log_holds =
          settings.network.space != "log" || have_logarithms(catalog, options.end);
      TrainResult trained = train(log_holds ? settings : asked, catalog, options);
      take_choices(trained.model.config, settings);
      train_seconds += trained.seconds;
      if (trained.interrupted) end_incomplete();
      if (guard) stop_if_interrupted();
      fresh = std::move(trained.model);
      used = &fresh;
      reduced = reduced_catalog(catalog, fresh.config.data);
      if (reduced) seen = &*reduced;
    } else {
      refuse_seen(*model, catalog, cutoffs[begin], config.evaluate.n_windows);
      train_seconds = model->train_seconds;
    }
    description = describe(used->spec);
    if (const std::string text = alike_levels_text(*used, config.forecast.levels);
        begin == 0 && !text.empty()) {
      log_warning(text);
    }
    const bool anew = scaling_follows_end(*used, *seen);
    std::optional<Forecaster> forecaster;
    const auto of_model =
        std::span(cutoffs).subspan(begin, std::min(group, cutoffs.size() - begin));
    for (std::size_t w = 0; w < of_model.size();) {
      // Each window is scaled by what comes before it.
      if (!forecaster || anew) {
        forecaster.reset();  // first, for the memory that it holds
        forecaster.emplace(*used, *seen, config.forecast.levels, config.engine, of_model[w],
                           looks_back(catalog, config) ? std::vector<std::int64_t>()
                                                       : earliest_cutoffs(of_model.subspan(
                                                             w, anew ? 1 : of_model.size() - w)));
        forecaster->share_out();
      }
      const std::size_t count = anew ? 1 : windows_together(of_model.subspan(w), config.engine);
      const double start = steady_seconds();
      std::vector<Forecasts> made = forecaster->at_each(of_model.subspan(w, count));
      for (Forecasts& forecasts : made) {
        make_coherent(*forecaster, catalog, config, of_model[w++], false, true, forecasts);
        if (has_mean(used->spec)) keep_median(forecasts);
        windows += static_cast<std::int64_t>(forecasts.series.size());
      }
      forecast_seconds += steady_seconds() - start;
      test.score(made, how);
      if (guard) stop_if_interrupted();
    }
  }
  BacktestResult result = test.result(description, train_seconds, forecast_seconds, windows);
  result.report.provenance = from;
  if (guard) {
    guard.reset();  // from here on a signal ends the process itself
    stop_if_interrupted();
  }
  return result;
}

EvaluationReport score_forecasts(const Config& config, const Catalog& catalog,
                                 std::span<const Forecasts> windows) {
  Scoring test(config, catalog, windows.front().K);
  std::int64_t count = 0;
  for (const Forecasts& forecasts : windows)
    count += static_cast<std::int64_t>(forecasts.series.size());
  test.score(windows, {});
  return std::move(test.result("", 0, 0, count).report);
}

}  // namespace sluice
