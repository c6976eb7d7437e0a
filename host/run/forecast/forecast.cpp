// A model meets a catalogue: series by id, categories by name, intervals by level.
#include "sluice/run/forecast.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "run/engine_setup.hpp"
#include "sluice/base/error.hpp"
#include "sluice/data/window.hpp"
#include "sluice/engine/engine.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

constexpr int kShownRows = 5;

void check_channels(const Model& model, const Catalog& catalog) {
  if (!(model.frequency == catalog.frequency())) {
    throw DataError(
        fmt::format("the model was trained on {} data and this is {}; give data.frequency, or "
                    "train a model for it",
                    to_string(model.frequency), to_string(catalog.frequency())));
  }
  std::vector<std::string> names;
  for (const Channel& channel : catalog.channels()) names.push_back(channel.name);
  // A single target may have another name in another file; covariates must be the same ones.
  const auto skip = static_cast<std::ptrdiff_t>(model.spec.M == 1 ? 1 : 0);
  const bool same =
      names.size() == model.channel_names.size() &&
      std::equal(names.begin() + skip, names.end(), model.channel_names.begin() + skip);
  if (!same) {
    throw DataError(
        fmt::format("the model was trained on the columns [{}] and this data has [{}]; name the "
                    "same ones in data.targets, data.past and data.future",
                    fmt::join(model.channel_names, ", "), fmt::join(names, ", ")));
  }
  const auto names_of = [](const auto& parts) {
    std::vector<std::string> out;
    for (const auto& part : parts) out.push_back(part.name);
    return out;
  };
  const auto reals = names_of(catalog.static_reals()),
             categories = names_of(catalog.static_categories());
  if (reals != model.static_names || categories != model.category_names) {
    throw DataError(
        fmt::format("the model was trained with the static columns [{}] [{}] and this data has "
                    "[{}] [{}]; name the same ones in data.static_reals and "
                    "data.static_categories",
                    fmt::join(model.static_names, ", "), fmt::join(model.category_names, ", "),
                    fmt::join(reals, ", "), fmt::join(categories, ", ")));
  }
}

/// The catalogue's category codes in the model's vocabularies; what the model has not seen is
/// unknown, 0.
std::vector<std::vector<std::int32_t>> translate_codes(const Model& model, const Catalog& catalog) {
  std::vector<std::vector<std::int32_t>> codes;
  for (std::size_t e = 0; e < model.vocabularies.size(); ++e) {
    std::unordered_map<std::string, std::int32_t> known;
    for (std::size_t i = 0; i < model.vocabularies[e].size(); ++i) {
      known.emplace(model.vocabularies[e][i], static_cast<std::int32_t>(i));
    }
    const StaticCategory& category = catalog.static_categories()[e];
    std::vector<std::int32_t> map;
    for (const std::string& word : category.vocabulary) {
      const auto found = known.find(word);
      map.push_back(found == known.end() ? 0 : found->second);
    }
    auto& out = codes.emplace_back();
    for (const std::int32_t code : category.codes)
      out.push_back(map[static_cast<std::size_t>(code)]);
  }
  return codes;
}

/// Known series keep the scaling they were trained with; new ones are fitted here.
SeriesScaling match_scaling(const Model& model, const Catalog& catalog,
                            std::span<const std::int64_t> end) {
  std::vector<std::int64_t> history;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) history.push_back(catalog.history(s));
  SeriesScaling scaling = fit_scaling(catalog, target_scaling(model.config, model.spec),
                                      parse_scaling(model.config.network.covariate_scaling),
                                      end.empty() ? std::span<const std::int64_t>(history) : end);
  scaling.static_offset = model.scaling.static_offset;
  scaling.static_scale = model.scaling.static_scale;
  std::unordered_map<std::string_view, std::int64_t> known;
  for (std::size_t s = 0; s < model.series_ids.size(); ++s) {
    known.emplace(model.series_ids[s], static_cast<std::int64_t>(s));
  }
  const auto channels = static_cast<int>(catalog.channels().size());
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const auto found = known.find(catalog.id(s));
    if (found == known.end()) continue;
    for (int c = 0; c < channels; ++c) {
      // Kept relative to an offset of this data: the training's scale was that of another.
      if (c < model.spec.M && catalog.value_offset(c, s) != 0) continue;
      const auto at = static_cast<std::size_t>(c * scaling.series + s);
      scaling.offset[at] = model.scaling.offset_of(c, found->second);
      scaling.scale[at] = model.scaling.scale_of(c, found->second);
    }
  }
  return scaling;
}

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

std::vector<std::int64_t> cutoffs_from(const Catalog& catalog, const std::string& from) {
  std::vector<std::int64_t> cutoffs;
  if (from.empty()) {
    for (std::int64_t s = 0; s < catalog.series_count(); ++s) cutoffs.push_back(catalog.history(s));
    return cutoffs;
  }
  std::optional<Timestamp> time;
  if (catalog.integer_times()) {
    try {
      time = std::stoll(from);
    } catch (const std::logic_error&) {
      throw ConfigError(
          fmt::format("forecast.from = \"{}\" is not an integer, and the data's times are", from));
    }
  } else {
    time = parse_time(from);
  }
  const auto period = time ? period_of(catalog.frequency(), *time) : std::nullopt;
  if (!period) {
    throw ConfigError(
        fmt::format("forecast.from = \"{}\" is not a time of the data's grid ({}); give one, for "
                    "instance {}",
                    from, to_string(catalog.frequency()), catalog.date(0, catalog.history(0))));
  }
  bool any = false;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    const std::int64_t t = *period - catalog.period(s, 0);
    const bool inside = t >= 1 && t <= catalog.history(s);
    cutoffs.push_back(inside ? t : -1);
    any = any || inside;
  }
  if (!any) {
    throw ConfigError(
        fmt::format("forecast.from = \"{}\": no series has data up to the step before it", from));
  }
  return cutoffs;
}

void write_forecasts(const std::filesystem::path& path, const Catalog& catalog,
                     const Forecasts& forecasts, const std::vector<double>& levels) {
  const auto K = static_cast<std::size_t>(forecasts.K), M = static_cast<std::size_t>(forecasts.M);
  const auto J = static_cast<std::size_t>(forecasts.J());
  const std::size_t rows = forecasts.series.size() * K * M;
  std::vector<OutputColumn> columns;
  OutputColumn id, ds, target;
  id.name = "unique_id";
  id.text = catalog.ids();
  id.codes.reserve(rows);
  ds.name = "ds";
  target.name = "target";
  for (std::size_t m = 0; m < M; ++m)
    target.text.push_back(catalog.target(static_cast<int>(m)).name);
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    const std::int32_t s = forecasts.series[r];
    for (std::size_t m = 0; m < M; ++m) {
      for (std::size_t k = 0; k < K; ++k) {
        const Timestamp time =
            time_of(catalog.frequency(),
                    catalog.period(s, forecasts.cutoff[r] + static_cast<std::int64_t>(k)));
        id.codes.push_back(s);
        (catalog.integer_times() ? ds.integers : ds.times).push_back(time);
        if (M > 1) target.codes.push_back(static_cast<std::int32_t>(m));
      }
    }
  }
  columns.push_back(std::move(id));
  columns.push_back(std::move(ds));
  if (M > 1) columns.push_back(std::move(target));
  const auto add = [&](const std::string& name, double probability) {
    const auto at = static_cast<std::size_t>(
        std::find(forecasts.probabilities.begin(), forecasts.probabilities.end(), probability) -
        forecasts.probabilities.begin());
    OutputColumn column;
    column.name = name;
    column.numbers.reserve(rows);
    for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
      for (std::size_t m = 0; m < M; ++m) {
        for (std::size_t k = 0; k < K; ++k) {
          column.numbers.push_back(
              static_cast<double>(forecasts.values[((r * K + k) * M + m) * J + at]));
        }
      }
    }
    columns.push_back(std::move(column));
  };
  add("sluice", 0.5);
  for (const double level : levels) {
    const std::vector<double> both = level_quantiles({level});
    add(fmt::format("sluice-lo-{:g}", level), both.front());
    add(fmt::format("sluice-hi-{:g}", level), both.back());
  }
  write_table(path, columns);
}

}  // namespace sluice
