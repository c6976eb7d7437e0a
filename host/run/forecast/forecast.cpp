// Forecasts with intervals from a model and a catalogue that fits it.
#include "sluice/run/forecast.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "run/categories.hpp"
#include "run/channels.hpp"
#include "run/engine_setup.hpp"
#include "run/forecast/distribution.hpp"
#include "run/forecast/left_out.hpp"
#include "run/forecast/match.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

/// Whether y >= 0 is kept for target `m` of a series: as the model's settings say, or where no
/// value before the cutoff was negative.
bool never_negative(const Model& model, const Catalog& catalog, int m, const Window& w) {
  if (model.config.forecast.nonnegative) return *model.config.forecast.nonnegative;
  const double offset = catalog.value_offset(m, w.series);
  const auto past = catalog.values(m, w.series).first(static_cast<std::size_t>(w.origin + 1));
  return std::none_of(past.begin(), past.end(),
                      [&](float value) { return static_cast<double>(value) + offset < 0; });
}

/// From v, in a space, to units of the series' scale.
double in_scale(Space space, double v) {
  if (space == Space::log) return std::exp(v);
  return space == Space::asinh ? std::sinh(v) / static_cast<double>(kAsinhSlope) : v;
}

double mean_in_scale(Space space, const Distribution& distribution) {
  if (space == Space::log) return distribution.mean_of_exp();
  if (space == Space::linear) return distribution.mean();
  return distribution.mean_of_sinh() / static_cast<double>(kAsinhSlope);
}

/// The smallest float that is not below 0 once `offset` is added.
float zero_above(double offset) {
  const auto zero = static_cast<float>(-offset);
  const bool below = static_cast<double>(zero) + offset < 0;
  return below ? std::nextafter(zero, std::numeric_limits<float>::infinity()) : zero;
}

}  // namespace

bool has_mean(const ModelSpec& spec) {
  return is_distribution(spec.loss) &&
         !(spec.loss == Loss::student_t && spec.space != Space::linear);
}

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
  SeriesScaling scaling;
  bool points_only = false;  ///< see points_at

  void choose_outputs();
  void make_engine_for(SeriesScaling scaling, const Config::Engine& engine);
  void run(std::span<const Window> windows, Forecasts& out);
  void add_distribution(std::span<const Window> windows, std::span<const float> parameters,
                        float share, Forecasts& out) const;
  void keep_nonnegative(std::span<const Window> windows, Forecasts& out) const;
};

void Forecaster::Impl::choose_outputs() {
  const ModelSpec& spec = model.spec;
  if (is_distribution(spec.loss)) {
    engine_outputs = static_cast<std::size_t>(spec.Q());
    return;
  }
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
    throw ConfigError(fmt::format(
        "the model was trained on a point loss {}, so it has no intervals; set "
        "forecast.levels = [], or train with {} or training.loss = \"quantile\"",
        has_validation(model.config) ? "and its validation range has fewer than 20 errors"
                                     : "without a validation range",
        has_validation(model.config) ? "a larger data.valid" : "data.valid > 0"));
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
  EngineSetup setup;
  setup.catalog = &catalog;
  setup.spec = &model.spec;
  setup.scaling = &scaling;
  setup.codes = series_codes(model.vocabularies, catalog);
  setup.word_codes = word_codes(model.step_vocabularies, catalog);
  setup.batch = from.forecast_batch;
  set_engine(from, setup);
  setup.level_mean = model.level_mean;
  setup.level_spread = model.level_spread;
  engine = make_engine(from.device, setup);
}

Forecaster::Forecaster(const Model& model, const Catalog& catalog,
                       const std::vector<double>& levels, const Config::Engine& engine,
                       std::span<const std::int64_t> scaling_end)
    : impl_(new Impl{model, catalog, level_quantiles(levels), {}, 1, {}, nullptr, {}}) {
  check_channels(model, catalog);
  impl_->choose_outputs();
  impl_->make_engine_for(match_scaling(model, catalog, scaling_end), engine);
}

Forecaster::Forecaster(const Model& model, const Catalog& catalog,
                       const std::vector<double>& levels, const Config::Engine& engine,
                       const SeriesScaling& scaling)
    : impl_(new Impl{model, catalog, level_quantiles(levels), {}, 1, {}, nullptr, {}}) {
  check_channels(model, catalog);
  impl_->choose_outputs();
  impl_->make_engine_for(scaling, engine);
}

Forecaster::~Forecaster() = default;
Forecaster::Forecaster(Forecaster&&) noexcept = default;

Forecasts Forecaster::at(std::span<const std::int64_t> cutoff) {
  const ModelSpec& spec = impl_->model.spec;
  Forecasts out;
  out.K = spec.K;
  out.M = spec.M;
  out.probabilities = impl_->probabilities;
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
  const auto KM = static_cast<std::size_t>(out.K * out.M);
  const std::size_t cells = windows.size() * KM, J = probabilities.size(), from = engine_outputs;
  out.values.assign(cells * J, 0.0f);
  if (has_mean(model.spec)) out.mean.assign(cells, 0.0f);
  std::vector<float> member(cells * from);
  const float share = 1.0f / static_cast<float>(model.members.size());
  for (const std::vector<float>& params : model.members) {
    if (windows.empty()) break;
    engine->set_evaluation_params(params);
    engine->forecast(windows, offsets, member);
    if (is_distribution(model.spec.loss)) {
      add_distribution(windows, member, share, out);
      continue;
    }
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < cells; ++i) {
      for (std::size_t j = 0; j < J; ++j) {
        out.values[i * J + j] += share * member[i * from + outputs[j]];
      }
    }
  }
  std::size_t kept = 0;
  std::vector<Window> good;
  for (std::size_t r = 0; r < windows.size(); ++r) {
    const auto values = std::span(out.values).subspan(r * KM * J, KM * J);
    const auto mean =
        std::span(out.mean).subspan(out.mean.empty() ? 0 : r * KM, out.mean.empty() ? 0 : KM);
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::ranges::all_of(values, finite) || !std::ranges::all_of(mean, finite)) {
      out.left_out.push_back(
          {catalog.id(windows[r].series), "the model's result is no finite number"});
      continue;
    }
    if (kept != r) {
      std::ranges::copy(values,
                        out.values.begin() + static_cast<std::ptrdiff_t>(kept * values.size()));
      std::ranges::copy(mean, out.mean.begin() + static_cast<std::ptrdiff_t>(kept * mean.size()));
    }
    good.push_back(windows[r]);
    ++kept;
  }
  out.values.resize(kept * KM * J);
  if (!out.mean.empty()) out.mean.resize(kept * KM);
    // Quantiles that cross are put in order, which never makes their loss larger (Chernozhukov et
    // al. 2010).
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < kept * KM; ++i) {
    const auto begin = out.values.begin() + static_cast<std::ptrdiff_t>(i * J);
    std::sort(begin, begin + static_cast<std::ptrdiff_t>(J));
  }
  for (const Window& w : good) {
    out.series.push_back(w.series);
    out.cutoff.push_back(w.origin + 1);
    for (int m = 0; m < out.M; ++m) out.offset.push_back(catalog.value_offset(m, w.series));
  }
  keep_nonnegative(good, out);
  if (std::all_of(out.offset.begin(), out.offset.end(), [](double o) { return o == 0; })) {
    out.offset.clear();
  }
}

/// The quantiles and means of one member, of which `share` is added.
void Forecaster::Impl::add_distribution(std::span<const Window> windows,
                                        std::span<const float> parameters, float share,
                                        Forecasts& out) const {
  const ModelSpec& spec = model.spec;
  const auto KM = static_cast<std::size_t>(out.K * out.M), M = static_cast<std::size_t>(out.M);
  const std::size_t J = points_only && !out.mean.empty() ? 0 : probabilities.size(),
                    Q = engine_outputs;
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < windows.size() * KM; ++i) {
    const float* given = parameters.data() + i * Q;
    DistributionParameters taken;
    double* const fields[] = {&taken.location, &taken.spread, &taken.shape};
    for (std::size_t q = 0; q < Q; ++q) *fields[q] = static_cast<double>(given[q]);
    const Distribution distribution(spec.loss, taken, static_cast<double>(spec.tweedie_power));
    const int m = static_cast<int>(i % M);
    const std::int64_t s = windows[i / KM].series;
    // From v, where the distribution is not one of y, and to the values that are stored.
    const double scale =
        is_nonnegative(spec.loss) ? 1.0 : static_cast<double>(scaling.scale_of(m, s));
    const auto shift = static_cast<double>(scaling.offset_of(m, s));
    for (std::size_t j = 0; j < J; ++j) {
      const double value = in_scale(spec.space, distribution.quantile(probabilities[j]));
      out.values[i * J + j] += share * static_cast<float>(value * scale + shift);
    }
    if (out.mean.empty()) continue;
    out.mean[i] +=
        share * static_cast<float>(mean_in_scale(spec.space, distribution) * scale + shift);
  }
}

void Forecaster::Impl::keep_nonnegative(std::span<const Window> windows, Forecasts& out) const {
  const auto K = static_cast<std::size_t>(out.K), M = static_cast<std::size_t>(out.M);
  const std::size_t J = probabilities.size();
  out.nonnegative.assign(windows.size() * M, 0);
#pragma omp parallel for schedule(static)
  for (std::size_t r = 0; r < windows.size(); ++r) {
    for (std::size_t m = 0; m < M; ++m) {
      if (!never_negative(model, catalog, static_cast<int>(m), windows[r])) continue;
      out.nonnegative[r * M + m] = 1;
      const float low = zero_above(out.offset[r * M + m]);
      for (std::size_t k = 0; k < K; ++k) {
        float* cell = out.values.data() + ((r * K + k) * M + m) * J;
        for (std::size_t j = 0; j < J; ++j) cell[j] = std::max(cell[j], low);
        if (out.mean.empty()) continue;
        float& mean = out.mean[(r * K + k) * M + m];
        mean = std::max(mean, low);
      }
    }
  }
}

}  // namespace sluice
