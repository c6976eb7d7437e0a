#include "run/choice/trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "run/calibration/outputs.hpp"
#include "run/calibration/simple_forecasts.hpp"
#include "run/choice/evidence.hpp"
#include "run/config/left_out_columns.hpp"
#include "run/training/loop.hpp"
#include "run/training/phase.hpp"
#include "run/training/validation.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/scaling.hpp"
#include "sluice/model/params.hpp"
#include "sluice/run/checkpoint.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
/// Sample paths of each, of a recursive model: the same numbers for all candidates.
constexpr int kPaths = 50;

/// Adds what one forecast is wrong by.
void add_error(std::span<const double> actual, std::span<const double> point, double mase_scale,
               double rmsse_scale, ForecastErrors& errors) {
  double absolute = 0, squared = 0, known = 0;
  for (std::size_t k = 0; k < actual.size(); ++k) {
    const double e = point[k] - actual[k];
    if (!std::isfinite(e)) continue;
    absolute += std::abs(e), squared += e * e, known += 1;
  }
  const double mae = known > 0 ? absolute / known : kNone;
  const double mse = known > 0 ? squared / known : kNone;
  errors.mae.push_back(mae);
  errors.mase.push_back(mase_scale > 0 ? mae / mase_scale : kNone);
  errors.rmsse.push_back(rmsse_scale > 0 ? std::sqrt(mse / rmsse_scale) : kNone);
}

}  // namespace

Trials::Trials(const Config& config, const Catalog& catalog, const Split& split)
    : config_(config),
      catalog_(catalog),
      split_(split),
      K_(horizon_steps(config, catalog.frequency())),
      M_(catalog.count(Role::target)),
      season_(season_of(config, catalog.frequency())),
      vocabularies_(vocabularies_of(config, catalog, split.train_end)),
      windows_(thinned(validation_windows(split.train_end, split.valid_end, K_), kMostScored)) {
  groups_ = dependent_groups(windows_, K_);
  has_targets_ = have_targets(catalog, windows_, split.valid_end, K_);
  std::int32_t last = -1;
  for (const Window& window : windows_) {  // of one series they lie behind each other
    if (window.series != last) {
      last = window.series;
      const auto end =
          static_cast<std::size_t>(split.train_end[static_cast<std::size_t>(window.series)]);
      for (int m = 0; m < M_; ++m) {
        const auto history = catalog.values(m, last).first(end);
        const double offset = catalog.value_offset(m, last);
        const bool nonnegative = std::ranges::none_of(
            history, [&](float y) { return static_cast<double>(y) + offset < 0; });
        rows_.push_back(
            {.mase_scale = seasonal_naive_error(history, static_cast<std::int64_t>(end), season_),
             .rmsse_scale = squared_step_scale(history, offset),
             .nonnegative = config.forecast.nonnegative.value_or(nonnegative)});
      }
    }
    row_of_.push_back(static_cast<std::int64_t>(rows_.size()) - M_);
  }
}

Metrics Trials::score(int outputs, const std::vector<double>& probabilities,
                      const Forecast& forecast, ForecastErrors* errors) const {
  const auto K = static_cast<std::size_t>(K_), J = static_cast<std::size_t>(outputs);
  Scorer scorer(static_cast<std::int64_t>(rows_.size()), probabilities, {});
  std::vector<double> actual(K), point(K), all(K * J);
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    const std::int32_t s = windows_[w].series;
    const std::int64_t cutoff = windows_[w].origin + 1;
    for (int m = 0; m < M_; ++m) {
      const auto at = static_cast<std::size_t>(row_of_[w] + m);
      const auto values = catalog_.values(m, s);
      const double offset = catalog_.value_offset(m, s);
      forecast(w, m, all);
      for (std::size_t k = 0; k < K; ++k) {
        const std::int64_t t = cutoff + static_cast<std::int64_t>(k);
        const bool known = t < split_.valid_end[static_cast<std::size_t>(s)];
        actual[k] =
            known ? static_cast<double>(values[static_cast<std::size_t>(t)]) + offset : kNone;
        const auto step = std::span(all).subspan(k * J, J);
        std::ranges::sort(step);
        for (double& y : step) y = rows_[at].nonnegative ? std::max(y + offset, 0.0) : y + offset;
        point[k] = step[J / 2];  // levels lie evenly round the median
      }
      scorer.add({.row = row_of_[w] + m,
                  .actual = actual,
                  .forecast = point,
                  .quantiles = probabilities.empty() ? std::span<const double>() : all,
                  .mase_scale = rows_[at].mase_scale,
                  .rmsse_scale = rows_[at].rmsse_scale});
      if (errors != nullptr) {
        add_error(actual, point, rows_[at].mase_scale, rows_[at].rmsse_scale, *errors);
      }
    }
  }
  return scorer.total();
}

std::vector<std::pair<std::string, Trials::Method>> Trials::simple_methods() const {
  const int K = K_, season = season_;
  const int window = std::max(long_season_length(catalog_.frequency()), 4);
  return {{fmt::format("seasonal naive ({})", season),
           [=](std::span<const float> history) { return naive_seasonal(history, season, K); }},
          {"last value", [=](std::span<const float> history) { return naive_last(history, K); }},
          {fmt::format("mean of {}", window),
           [=](std::span<const float> history) { return naive_mean(history, window, K); }}};
}

Metrics Trials::score(const Method& method) const {
  return score(1, {}, [&](std::size_t w, int m, std::span<double> out) {
    const Window& window = windows_[w];
    const auto history =
        catalog_.values(m, window.series).first(static_cast<std::size_t>(window.origin + 1));
    const std::vector<float> values = method(history);
    std::ranges::copy(values, out.begin());
  });
}

Metrics Trials::score(const BesideForecasts& beside, std::size_t method) const {
  const auto K = static_cast<std::size_t>(K_), M = static_cast<std::size_t>(M_);
  std::size_t next = 0;  // of beside.windows, which are in the same order
  return score(1, {}, [&](std::size_t w, int m, std::span<double> out) {
    const Window& window = windows_[w];
    const auto is_before = [&](const Window& other) {
      return std::pair(other.series, other.origin) < std::pair(window.series, window.origin);
    };
    while (next < beside.windows.size() && is_before(beside.windows[next])) ++next;
    const bool there = next < beside.windows.size() && beside.windows[next] == window;
    const double offset = catalog_.value_offset(m, window.series);
    const std::size_t from =
        ((next * M + static_cast<std::size_t>(m)) * beside.names.size() + method) * K;
    for (std::size_t k = 0; k < K; ++k) out[k] = there ? beside.points[from + k] - offset : kNone;
  });
}

std::int64_t Trials::total_steps(const Config& config) const {
  if (config.training.epochs == 0) return config.training.steps;
  const ModelSpec spec = resolve_model(config, catalog_, split_.train_end, split_.valid_end);
  return steps_in_all(config.training, *plan_of(config, spec), windows());
}

std::int64_t Trials::training_windows(const Config& config) const {
  const ModelSpec spec = resolve_model(config, catalog_, split_.train_end, split_.valid_end);
  return plan_of(config, spec)->size();
}

/// Candidates differ in what they make of windows, hardly ever in the windows.
std::shared_ptr<const TrainingPlan> Trials::plan_of(const Config& config,
                                                    const ModelSpec& spec) const {
  const PlanSpec wanted = plan_spec(config, spec);
  const std::scoped_lock lock(plan_mutex_);
  if (!plan_ || !(plan_spec_ == wanted)) {
    plan_ = std::make_shared<const TrainingPlan>(catalog_, split_.train_end, wanted);
    plan_spec_ = wanted;
  }
  return plan_;
}

TrialResult Trials::run(const Config& config, const TrialLimits& limits,
                        const TrainWatch& watch) const {
  const std::optional<Catalog> reduced = reduced_catalog(catalog_, config.data);
  const Catalog& catalog = reduced ? *reduced : catalog_;
  const Vocabularies vocabularies =
      reduced ? vocabularies_of(config, catalog, split_.train_end) : vocabularies_;
  const ModelSpec spec = resolve_model(config, catalog, split_.train_end, split_.valid_end);
  const Phase phase = make_phase({.config = &config,
                                  .catalog = &catalog,
                                  .spec = &spec,
                                  .vocabularies = &vocabularies,
                                  .season = season_,
                                  .start = nullptr,
                                  .plan = plan_of(config, spec)},
                                 split_.train_end);
  MemberState state;
  state.engine.params.resize(static_cast<std::size_t>(ParamLayout(spec).size()));
  init_params(spec, static_cast<std::uint64_t>(config.training.seed), state.engine.params);
  phase.engine->set_state(state.engine);
  state.engine = phase.engine->state();

  LoopSetup setup;
  setup.engine = phase.engine.get();
  setup.catalog = &catalog;
  setup.plan = phase.plan.get();
  setup.training = &config.training;
  setup.unknown = phase.unknown;
  setup.seed = static_cast<std::uint64_t>(config.training.seed);
  setup.steps = limits.steps;
  setup.max_seconds = limits.seconds;
  setup.announce = false;
  setup.events = false;
  setup.label = "choice";
  setup.watch = watch;
  if (limits.keep_best) {
    setup.validation = windows_;
    setup.valid_limit = split_.valid_end;
  }
  TrialResult result;
  std::vector<float> params;
  try {
    if (limits.steps == 0) {
      params = state.engine.params;
    } else {
      LoopResult loop = run_loop(setup, state);
      result.steps = loop.step;
      params = std::move(loop.params);
    }
  } catch (const DataError&) {  // no finite loss: of this candidate, and perhaps of it alone
    result.score.mase = result.score.rmsse = result.score.wape = result.score.wql = kNone;
    result.failed = true;
    return result;
  }
  Model model;  // of this candidate, for what its outputs mean
  model.spec = spec;
  model.config = config;
  model.members = {std::move(params)};
  const bool is_point = spec.loss != Loss::quantile && !is_distribution(spec.loss);
  const Outputs outputs(
      model, is_point ? std::vector<double>{0.5} : level_quantiles(config.forecast.levels));
  const WindowForecasts made =
      outputs.forecast(*phase.engine, catalog, phase.scaling, windows_, {.paths = kPaths});
  const auto K = static_cast<std::size_t>(K_), M = static_cast<std::size_t>(M_);
  const auto copy_from = [K, M](const std::vector<float>& values, std::size_t J) {
    return [&values, K, M, J](std::size_t w, int m, std::span<double> out) {
      for (std::size_t k = 0; k < K; ++k) {
        const std::size_t from = ((w * K + k) * M + static_cast<std::size_t>(m)) * J;
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(from), J,
                    out.begin() + static_cast<std::ptrdiff_t>(k * J));
      }
    };
  };
  const std::size_t J = outputs.probabilities().size();
  result.score =
      score(static_cast<int>(J), is_point ? std::vector<double>() : outputs.probabilities(),
            copy_from(made.values, J), &result.errors);
  if (!made.mean.empty()) {
    // A distribution's median has the least absolute error, its mean the least squared one.
    ForecastErrors of_means;
    result.mean_score = score(1, {}, copy_from(made.mean, 1), &of_means);
    result.score.rmsse = result.mean_score.rmsse;
    result.errors.rmsse = std::move(of_means.rmsse);
  }
  return result;
}

}  // namespace sluice
