// Forecasts with intervals from a model and a catalogue that fits it.
#include "sluice/run/forecast.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "run/calibration/distribution.hpp"
#include "run/calibration/intervals.hpp"
#include "run/calibration/outputs.hpp"
#include "run/calibration/partners.hpp"
#include "run/channels.hpp"
#include "run/engine_setup.hpp"
#include "run/forecast/left_out.hpp"
#include "run/forecast/match.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
std::size_t Forecasts::median() const {
  return static_cast<std::size_t>(std::find(probabilities.begin(), probabilities.end(), 0.5) -
                                  probabilities.begin());
}

struct Forecaster::Impl {
  const Model& model;
  const Catalog& catalog;
  Outputs outputs;
  std::unique_ptr<Engine> engine;
  SeriesScaling scaling;
  bool points_only = false;  ///< see points_at

  void make_engine_for(SeriesScaling scaling, const Config::Engine& engine);
  void run(std::span<const Window> windows, Forecasts& out);
};

std::string alike_levels_text(const Model& model, std::vector<double> levels) {
  const auto& grid = model.residual_probabilities;
  if (model.spec.loss == Loss::quantile || grid.empty() || levels.size() < 2) return {};
  std::sort(levels.begin(), levels.end());
  const std::size_t G = grid.size(), cells = model.residual_quantiles.size() / G;
  // Beyond the grid's ends the outermost quantile stands for all.
  const auto place = [&](double p) {
    const auto at = std::lower_bound(grid.begin(), grid.end(), p - 1e-9) - grid.begin();
    return std::min(static_cast<std::size_t>(at), G - 1);
  };
  const auto same = [&](double a, double b) {
    for (const double side : {-1.0, 1.0}) {
      const std::size_t i = place(0.5 + side * a / 200), j = place(0.5 + side * b / 200);
      for (std::size_t cell = 0; cell < cells; ++cell) {
        const float* q = model.residual_quantiles.data() + cell * G;
        if (q[i] != q[j]) return false;
      }
    }
    return true;
  };
  std::size_t first = levels.size() - 1;
  while (first > 0 && same(levels[first - 1], levels.back())) --first;
  if (first + 1 == levels.size()) return {};
  return fmt::format(
      "forecast.levels: the intervals of {} % are the same, as the errors of the validation range "
      "are too few to tell them apart; train with a larger data.valid or training.loss = "
      "\"quantile\"",
      fmt::join(levels.begin() + static_cast<std::ptrdiff_t>(first), levels.end(), ", "));
}

void Forecaster::Impl::make_engine_for(SeriesScaling taken, const Config::Engine& from) {
  scaling = std::move(taken);
  engine = make_engine(from.device, engine_setup_of(model, catalog, scaling, from));
}

Forecaster::Forecaster(const Model& model, const Catalog& catalog,
                       const std::vector<double>& levels, const Config::Engine& engine,
                       std::span<const std::int64_t> scaling_end)
    : impl_(new Impl{model, catalog, Outputs(model, level_quantiles(levels)), nullptr, {}}) {
  check_channels(model, catalog);
  impl_->make_engine_for(match_scaling(model, catalog, scaling_end), engine);
}

Forecaster::Forecaster(const Model& model, const Catalog& catalog,
                       const std::vector<double>& levels, const Config::Engine& engine,
                       const SeriesScaling& scaling)
    : impl_(new Impl{model, catalog, Outputs(model, level_quantiles(levels)), nullptr, {}}) {
  check_channels(model, catalog);
  impl_->make_engine_for(scaling, engine);
}

Forecaster::~Forecaster() = default;
Forecaster::Forecaster(Forecaster&&) noexcept = default;

Forecasts Forecaster::at(std::span<const std::int64_t> cutoff) {
  const ModelSpec& spec = impl_->model.spec;
  Forecasts out;
  out.K = spec.K;
  out.M = spec.M;
  out.probabilities = impl_->outputs.probabilities();
  std::vector<Window> windows;
  for (const Window& w : windows_at(cutoff)) {
    std::string reason = no_value_before(impl_->catalog, w);
    if (reason.empty()) {
      reason = missing_future(impl_->catalog, w, spec.K);
      if (!reason.empty()) ++out.without_future;
    }
    if (reason.empty() && spec.space == Space::log) {
      WithoutLogarithm found = without_logarithm(impl_->catalog, impl_->scaling, w, spec.T);
      if (found.many) {
        reason = found.text +
                 ", which a model in log space needs: train with network.space = "
                 "\"linear\"";
      } else if (!found.text.empty()) {
        out.without_logarithm.push_back({impl_->catalog.id(w.series), std::move(found.text)});
      }
    }
    if (reason.empty()) {
      windows.push_back(w);
    } else {
      out.left_out.push_back({impl_->catalog.id(w.series), std::move(reason)});
    }
  }
  impl_->run(windows, out);
  return out;
}

Forecasts Forecaster::points_at(std::span<const std::int64_t> cutoff) {
  impl_->points_only = true;
  Forecasts out = at(cutoff);
  impl_->points_only = false;
  return out;
}

void Forecaster::Impl::run(std::span<const Window> windows, Forecasts& out) {
  const auto KM = static_cast<std::size_t>(out.K * out.M), J = out.probabilities.size();
  WindowForecasts made = outputs.forecast(*engine, scaling, windows, points_only);
  std::size_t kept = 0;
  std::vector<Window> good;
  for (std::size_t r = 0; r < windows.size(); ++r) {
    const auto values = std::span(made.values).subspan(r * KM * J, KM * J);
    const auto mean =
        std::span(made.mean).subspan(made.mean.empty() ? 0 : r * KM, made.mean.empty() ? 0 : KM);
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::ranges::all_of(values, finite) || !std::ranges::all_of(mean, finite)) {
      out.left_out.push_back(
          {catalog.id(windows[r].series), "the model's result is no finite number"});
      continue;
    }
    if (kept != r) {
      std::ranges::copy(values,
                        made.values.begin() + static_cast<std::ptrdiff_t>(kept * values.size()));
      std::ranges::copy(mean, made.mean.begin() + static_cast<std::ptrdiff_t>(kept * mean.size()));
    }
    good.push_back(windows[r]);
    ++kept;
  }
  made.values.resize(kept * KM * J);
  if (!made.mean.empty()) made.mean.resize(kept * KM);
  sort_quantiles(made.values, J);
  add_partners(model.partners, model.spec, season_of(model.config, catalog.frequency()), catalog,
               good, out.median(), made);
  keep_nonnegative(model, catalog, good, J, made);
  stretch(model.stretch, out.probabilities, static_cast<std::size_t>(out.K),
          static_cast<std::size_t>(out.M), stretch_rows(catalog, good, made), made.values);
  out.values = std::move(made.values);
  out.mean = std::move(made.mean);
  out.nonnegative = std::move(made.nonnegative);
  for (const Window& w : good) {
    out.series.push_back(w.series);
    out.cutoff.push_back(w.origin + 1);
    for (int m = 0; m < out.M; ++m) out.offset.push_back(catalog.value_offset(m, w.series));
  }
  if (std::all_of(out.offset.begin(), out.offset.end(), [](double o) { return o == 0; })) {
    out.offset.clear();
  }
}

}  // namespace sluice
