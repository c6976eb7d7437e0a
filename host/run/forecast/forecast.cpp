// Forecasts with intervals from a model and a catalogue that fits it.
#include "sluice/run/forecast.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "run/categories.hpp"
#include "run/engine_setup.hpp"
#include "run/forecast/match.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr int kShownRows = 5;

}  // namespace

std::size_t Forecasts::median() const {
  return static_cast<std::size_t>(std::find(probabilities.begin(), probabilities.end(), 0.5) -
                                  probabilities.begin());
}

struct Forecaster::Impl {
  const Model& model;
  const Catalog& catalog;
  std::vector<double> probabilities;  ///< asked for
  std::vector<std::size_t> outputs;   ///< which of the engine's outputs they are
  std::size_t engine_outputs = 1;
  std::vector<float> offsets;  ///< [K, M, J] for point models with intervals
  std::unique_ptr<Engine> engine;

  void choose_outputs();
  void check_future(std::span<const Window> windows) const;
};

void Forecaster::Impl::choose_outputs() {
  const ModelSpec& spec = model.spec;
  if (spec.loss == Loss::quantile) {
    engine_outputs = spec.quantiles.size();
    for (const double p : probabilities) {
      const auto found =
          std::find(spec.quantiles.begin(), spec.quantiles.end(), static_cast<float>(p));
      if (found == spec.quantiles.end()) {
        throw ConfigError(
            fmt::format("forecast.levels asks for the quantile {}, and the model has {}; ask for "
                        "one of its levels or train it with that one",
                        p, fmt::join(spec.quantiles, ", ")));
      }
      outputs.push_back(static_cast<std::size_t>(found - spec.quantiles.begin()));
    }
    return;
  }
  if (probabilities.size() > 1 && model.residual_quantiles.empty()) {
    throw ConfigError(
        "the model was trained on a point loss without a validation range, so it has no intervals; "
        "set "
        "forecast.levels = [], or train with data.valid > 0 or training.loss = \"quantile\"");
  }
  engine_outputs = probabilities.size();
  const std::size_t KM = static_cast<std::size_t>(spec.K * spec.M),
                    G = model.residual_probabilities.size();
  for (std::size_t j = 0; j < probabilities.size(); ++j) outputs.push_back(j);
  for (std::size_t i = 0; i < KM; ++i) {
    for (const double p : probabilities) {
      float offset = 0;
      if (p != 0.5) {
        // Between the stored probabilities by a straight line; outside, the outermost one.
        const auto& grid = model.residual_probabilities;
        const auto above = std::lower_bound(grid.begin(), grid.end(), p);
        const auto high = static_cast<std::size_t>(
            std::min<std::ptrdiff_t>(above - grid.begin(), static_cast<std::ptrdiff_t>(G) - 1));
        const std::size_t low = high > 0 && grid[high] > p ? high - 1 : high;
        const double part = high > low ? (p - grid[low]) / (grid[high] - grid[low]) : 0;
        const float* q = model.residual_quantiles.data() + i * G;
        offset = q[low] + static_cast<float>(part) * (q[high] - q[low]);
      }
      offsets.push_back(offset);
    }
  }
}

void Forecaster::Impl::check_future(std::span<const Window> windows) const {
  const ModelSpec& spec = model.spec;
  if (spec.future_channels == 0) return;
  std::vector<std::string> rows;
  std::int64_t missing = 0;
  for (const Window& w : windows) {
    const std::int64_t s = w.series;
    for (int f = 0; f < spec.future_channels; ++f) {
      const int channel = spec.M + spec.past_channels + f;
      const auto values = catalog.values(channel, s);
      // A column that has gaps in the series' past may have them in its future.
      const auto past = values.first(static_cast<std::size_t>(w.origin + 1));
      const bool gaps =
          std::any_of(past.begin(), past.end(), [](float x) { return std::isnan(x); });
      for (std::int64_t t = w.origin + 1; t <= w.origin + spec.K; ++t) {
        const bool there =
            t < catalog.length(s) && (gaps || !std::isnan(values[static_cast<std::size_t>(t)]));
        if (there) continue;
        if (missing++ < kShownRows) {
          rows.push_back(fmt::format("{} {} {}", catalog.id(s), catalog.date(s, t),
                                     catalog.channels()[static_cast<std::size_t>(channel)].name));
        }
      }
    }
  }
  if (missing > 0) {
    throw DataError(
        fmt::format("{} future-known values are missing for the horizon: {}{}; give them in "
                    "path.future (columns: id, time, {})",
                    missing, fmt::join(rows, "; "), missing > kShownRows ? "; ..." : "",
                    fmt::join(model.channel_names.begin() + spec.M + spec.past_channels,
                              model.channel_names.end(), ", ")));
  }
}

Forecaster::Forecaster(const Model& model, const Catalog& catalog,
                       const std::vector<double>& levels, const Config::Engine& engine,
                       std::span<const std::int64_t> scaling_end)
    : impl_(new Impl{model, catalog, level_quantiles(levels), {}, 1, {}, nullptr}) {
  check_channels(model, catalog);
  impl_->choose_outputs();
  const SeriesScaling scaling = match_scaling(model, catalog, scaling_end);
  EngineSetup setup;
  setup.catalog = &catalog;
  setup.spec = &model.spec;
  setup.scaling = &scaling;
  setup.codes = translate_codes(model, catalog);
  setup.word_codes = word_codes(model.step_vocabularies, catalog);
  setup.batch = engine.forecast_batch;
  set_engine(engine, setup);
  setup.level_mean = model.level_mean;
  setup.level_spread = model.level_spread;
  impl_->engine = make_engine(engine.device, setup);
}

Forecaster::~Forecaster() = default;
Forecaster::Forecaster(Forecaster&&) noexcept = default;

Forecasts Forecaster::at(std::span<const std::int64_t> cutoff) {
  const ModelSpec& spec = impl_->model.spec;
  const std::vector<Window> windows = windows_at(cutoff);
  impl_->check_future(windows);
  Forecasts out;
  out.K = spec.K;
  out.M = spec.M;
  out.probabilities = impl_->probabilities;
  for (const Window& w : windows) {
    out.series.push_back(w.series);
    out.cutoff.push_back(w.origin + 1);
  }
  const std::size_t cells = windows.size() * static_cast<std::size_t>(spec.K * spec.M);
  const std::size_t J = out.probabilities.size(), from = impl_->engine_outputs;
  out.values.assign(cells * J, 0.0f);
  std::vector<float> member(cells * from);
  const float share = 1.0f / static_cast<float>(impl_->model.members.size());
  for (const std::vector<float>& params : impl_->model.members) {
    impl_->engine->set_evaluation_params(params);
    impl_->engine->forecast(windows, impl_->offsets, member);
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < cells; ++i) {
      for (std::size_t j = 0; j < J; ++j) {
        out.values[i * J + j] += share * member[i * from + impl_->outputs[j]];
      }
    }
  }
  // Quantiles that cross are put in order, which never makes their loss larger (Chernozhukov et al.
  // 2010).
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < cells; ++i) {
    const auto begin = out.values.begin() + static_cast<std::ptrdiff_t>(i * J);
    std::sort(begin, begin + static_cast<std::ptrdiff_t>(J));
  }
  return out;
}

}  // namespace sluice
