// Forecasts with intervals from a model and a catalogue that fits it.
#include "sluice/run/forecast.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/prefetch.hpp"
#include "base/ranks/ranks.hpp"
#include "base/region_failure.hpp"
#include "run/calibration/distribution.hpp"
#include "run/calibration/intervals.hpp"
#include "run/calibration/outputs.hpp"
#include "run/calibration/partners.hpp"
#include "run/channels.hpp"
#include "run/engine_setup.hpp"
#include "run/forecast/constants.hpp"
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
  OutputWish wish = {};
  std::int64_t batch = 0;  ///< of the engine
  Workers workers = Workers::this_process;

  void make_engine_for(SeriesScaling scaling, const Config::Engine& engine,
                       std::span<const std::int64_t> earliest_cutoff = {});
  /// Windows of which a forecast can be made; the others are left out.
  std::vector<Window> windows_of(std::span<const std::int64_t> cutoff, Forecasts& out) const;
  /// Of the network alone, by all workers.
  WindowForecasts outputs_of(std::span<const Window> windows);
  /// Forecasts of the windows of all `out`, which lie one behind the other in `windows`.
  void run(std::span<const std::vector<Window>> windows, std::span<Forecasts> out);
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

void Forecaster::Impl::make_engine_for(SeriesScaling taken, const Config::Engine& from,
                                       std::span<const std::int64_t> earliest_cutoff) {
  scaling = std::move(taken);
  std::vector<std::int64_t> earliest_origin;
  for (const std::int64_t cutoff : earliest_cutoff) {
    earliest_origin.push_back(cutoff < 1 ? EngineSetup::kNoWindow : cutoff - 1);
  }
  batch = from.forecast_batch;
  EngineSetup setup = engine_setup_of(model, catalog, scaling, from);
  setup.earliest_origin = earliest_origin;
  engine = make_engine(from.device, setup);
}

Forecaster::Forecaster(const Model& model, const Catalog& catalog,
                       const std::vector<double>& levels, const Config::Engine& engine,
                       std::span<const std::int64_t> scaling_end,
                       std::span<const std::int64_t> earliest_cutoff)
    : impl_(new Impl{model, catalog, Outputs(model, level_quantiles(levels)), nullptr, {}}) {
  check_channels(model, catalog);
  impl_->make_engine_for(match_scaling(model, catalog, scaling_end), engine, earliest_cutoff);
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

std::vector<Window> Forecaster::Impl::windows_of(std::span<const std::int64_t> cutoff,
                                                 Forecasts& out) const {
  const ModelSpec& spec = model.spec;
  struct Look {
    std::string reason;  ///< why there is no forecast; empty: there is one
    bool without_future = false;
    std::string without_logarithm;
  };
  const std::vector<Window> all = windows_at(cutoff);
  std::vector<Look> looks(all.size());
  RegionFailure failure;
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + kRoundsAhead < all.size()) prefetch_looks(catalog, all[i + kRoundsAhead], spec.K);
    failure.keep([&] {
      Look& look = looks[i];
      look.reason = no_value_before(catalog, all[i]);
      if (!look.reason.empty()) return;
      look.reason = missing_future(catalog, all[i], spec.K);
      look.without_future = !look.reason.empty();
      if (!look.reason.empty() || spec.space != Space::log) return;
      WithoutLogarithm found = without_logarithm(catalog, scaling, all[i], spec.T);
      if (found.many) {
        look.reason = found.text +
                      ", which a model in log space needs: train with network.space = "
                      "\"linear\"";
      } else {
        look.without_logarithm = std::move(found.text);
      }
    });
  }
  failure.rethrow();
  std::vector<Window> windows;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Look& look = looks[i];
    if (look.without_future) ++out.without_future;
    if (!look.without_logarithm.empty()) {
      out.without_logarithm.push_back(
          {catalog.id(all[i].series), std::move(look.without_logarithm)});
    }
    if (look.reason.empty()) {
      windows.push_back(all[i]);
    } else {
      out.left_out.push_back({catalog.id(all[i].series), std::move(look.reason)});
    }
  }
  return windows;
}

Forecasts Forecaster::at(std::span<const std::int64_t> cutoff) {
  const std::vector<std::int64_t> one[] = {{cutoff.begin(), cutoff.end()}};
  return std::move(at_each(one).front());
}

std::vector<Forecasts> Forecaster::at_each(std::span<const std::vector<std::int64_t>> cutoffs) {
  const ModelSpec& spec = impl_->model.spec;
  std::vector<Forecasts> out(cutoffs.size());
  std::vector<std::vector<Window>> windows;
  for (std::size_t i = 0; i < cutoffs.size(); ++i) {
    out[i].K = spec.K;
    out[i].M = spec.M;
    out[i].probabilities = impl_->outputs.probabilities();
    windows.push_back(impl_->windows_of(cutoffs[i], out[i]));
  }
  impl_->run(windows, out);
  return out;
}

Forecasts Forecaster::points_at(std::span<const std::int64_t> cutoff) {
  const OutputWish before = impl_->wish;
  impl_->wish.points_only = true, impl_->wish.keeps_paths = false;
  Forecasts out = at(cutoff);
  impl_->wish = before;
  return out;
}

std::int64_t Forecaster::count_at(std::span<const std::int64_t> cutoff) const {
  return std::ssize(rows_at(cutoff).series);
}

Forecasts Forecaster::rows_at(std::span<const std::int64_t> cutoff) const {
  Forecasts out;
  out.K = impl_->model.spec.K;
  out.M = impl_->model.spec.M;
  out.probabilities = impl_->outputs.probabilities();
  for (const Window& w : impl_->windows_of(cutoff, out)) {
    out.series.push_back(w.series);
    out.cutoff.push_back(w.origin + 1);
  }
  return out;
}

std::string Forecaster::recurrence() const { return impl_->engine->recurrence(); }

void Forecaster::keep_paths() { impl_->wish.keeps_paths = true; }

void Forecaster::share_out() { impl_->workers = Workers::all_ranks; }

// In whole batches: wide products are summed in an order that depends on a batch's rows.
WindowForecasts Forecaster::Impl::outputs_of(std::span<const Window> windows) {
  const std::int64_t count = std::ssize(windows), together = outputs.together(batch, wish);
  const std::int64_t parts = (count + together - 1) / together;
  const auto first = [&](std::int64_t part) { return std::min(part * together, count); };
  const Share share = share_of(parts, workers);
  const std::int64_t begin = first(share.begin), own = first(share.end) - begin;
  WindowForecasts made = outputs.forecast(
      *engine, catalog, scaling,
      windows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(own)), wish);
  if (workers == Workers::this_process || ranks().size() == 1) return made;
  if (wish.keeps_paths) throw InternalError("sample paths are not kept by several processes");
  std::vector<std::int64_t> counts;
  for (int rank = 0; rank < ranks().size(); ++rank) {
    const Share of_rank = share_of(parts, rank, ranks().size());
    counts.push_back(first(of_rank.end) - first(of_rank.begin));
  }
  const auto join = [&](std::vector<float>& of_own, std::size_t width) {
    std::vector<float> all(windows.size() * width);
    std::ranges::copy(of_own, all.begin() + begin * static_cast<std::ptrdiff_t>(width));
    std::vector<std::int64_t> numbers;
    for (const std::int64_t n : counts) numbers.push_back(n * static_cast<std::int64_t>(width));
    ranks().join(std::span(all), numbers);
    of_own = std::move(all);
  };
  const auto KM = static_cast<std::size_t>(model.spec.K * model.spec.M);
  join(made.values, KM * outputs.probabilities().size());
  if (has_mean(model.spec)) join(made.mean, KM);
  return made;
}

void Forecaster::Impl::run(std::span<const std::vector<Window>> windows, std::span<Forecasts> out) {
  const auto K = static_cast<std::size_t>(model.spec.K), M = static_cast<std::size_t>(model.spec.M);
  const std::size_t KM = K * M, J = outputs.probabilities().size();
  std::vector<Window> all;
  for (const std::vector<Window>& some : windows) all.insert(all.end(), some.begin(), some.end());
  WindowForecasts made = outputs_of(all);
  const std::size_t mean_width = made.mean.empty() ? 0 : KM;
  const std::size_t path_width = all.empty() ? 0 : made.paths.size() / all.size();
  std::vector<Window> good;
  std::size_t r = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (const Window& w : windows[i]) {
      const auto values = std::span(made.values).subspan(r * KM * J, KM * J);
      const auto mean = std::span(made.mean).subspan(r * mean_width, mean_width);
      const auto paths = std::span(made.paths).subspan(r * path_width, path_width);
      ++r;
      const auto finite = [](float value) { return std::isfinite(value); };
      if (!std::ranges::all_of(values, finite) || !std::ranges::all_of(mean, finite)) {
        out[i].left_out.push_back({catalog.id(w.series), "the model's result is no finite number"});
        continue;
      }
      const auto kept = static_cast<std::ptrdiff_t>(good.size());
      std::ranges::copy(values, made.values.begin() + kept * std::ssize(values));
      std::ranges::copy(mean, made.mean.begin() + kept * std::ssize(mean));
      std::ranges::copy(paths, made.paths.begin() + kept * std::ssize(paths));
      good.push_back(w);
      out[i].series.push_back(w.series);
      out[i].cutoff.push_back(w.origin + 1);
      for (int m = 0; m < out[i].M; ++m) out[i].offset.push_back(catalog.value_offset(m, w.series));
    }
  }
  made.values.resize(good.size() * KM * J);
  made.mean.resize(good.size() * mean_width);
  made.paths.resize(good.size() * path_width);
  sort_quantiles(made.values, J);
  const auto median = static_cast<std::size_t>(std::ranges::find(outputs.probabilities(), 0.5) -
                                               outputs.probabilities().begin());
  add_partners(model.partners, model.spec, season_of(model.config, catalog.frequency()), catalog,
               good, median, made, workers);
  keep_nonnegative(model, catalog, good, J, made);
  stretch(model.stretch, outputs.probabilities(), K, M, stretch_rows(catalog, good, made),
          made.values);
  keep_constants(model.spec, catalog, good, J, made);
  // The only one that has rows takes the numbers as they are: nobody looks at `made` afterwards.
  const auto part = [&](auto& of, std::size_t begin, std::size_t rows, std::size_t width) {
    using Values = std::remove_reference_t<decltype(of)>;
    if (rows == 0) return Values();
    if (rows == good.size()) return Values(std::move(of));
    const auto first = of.begin() + static_cast<std::ptrdiff_t>(begin * width);
    return Values(first, first + static_cast<std::ptrdiff_t>(rows * width));
  };
  std::size_t begin = 0;
  for (Forecasts& one : out) {
    const std::size_t rows = one.series.size();
    one.values = part(made.values, begin, rows, KM * J);
    one.mean = part(made.mean, begin, rows, mean_width);
    one.paths = part(made.paths, begin, rows, path_width);
    one.nonnegative = part(made.nonnegative, begin, rows, M);
    begin += rows;
    if (std::all_of(one.offset.begin(), one.offset.end(), [](double o) { return o == 0; })) {
      one.offset.clear();
    }
  }
}

}  // namespace sluice
