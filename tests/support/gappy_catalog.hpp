// Series of very different lengths with many gaps, and models over them: what slices of a catalogue
// (engine/slices.hpp) and their kernels have to get right.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/shared/model_space.hpp"
#include "sluice/model/params.hpp"
#include "support/rich_catalog.hpp"

namespace sluice::testing {

/// Two targets, a past and a future channel, one static number, two categories of a series, two
/// past ones and one future one of a step. In each target a value in seven is missing, besides a
/// gap that begins with series 4 and one of 45 steps in series 6.
inline Catalog gappy_catalog() {
  const std::vector<int> lengths = {1, 6, 30, 90, 120, 150, 200};
  std::mt19937 random(7);
  CatalogParts parts = daily_parts({});
  parts.channels = {{"sales", Role::target, {}},
                    {"visits", Role::target, {}},
                    {"traffic", Role::past, {}},
                    {"price", Role::future, {}}};
  parts.static_reals = {{"area", {}}};
  parts.static_categories = {{"shop", {"unknown", "a", "b"}, {}},
                             {"town", {"unknown", "c", "d", "e", "f"}, {}}};
  parts.categories = {{"weather", Role::past, {"unknown", "sun", "rain"}, {}},
                      {"promotion", Role::past, {"unknown", "no"}, {}},
                      {"day", Role::future, {"unknown", "plain", "feast", "sale"}, {}}};
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    const int length = lengths[s];
    for (std::size_t c = 0; c < parts.channels.size(); ++c) {
      for (int t = 0; t < length; ++t) {
        const bool gap = (s == 4 && t < 40) || (s == 6 && t >= 80 && t < 125) || random() % 7 == 0;
        const float value = 2 + static_cast<float>(random() % 1000) / 500;
        parts.channels[c].values.push_back(c < 2 && gap ? kMissing : value);
      }
    }
    for (int t = 0; t < length; ++t) {
      for (CategoryChannel& category : parts.categories) {  // most steps have the last word
        const auto word = static_cast<std::int32_t>(random() % 13);
        const auto last = static_cast<std::int32_t>(category.vocabulary.size()) - 1;
        category.codes.push_back(std::min(word, last));
      }
    }
    parts.ids.push_back("s" + std::to_string(s));
    parts.first.push_back(19'700 + 3 * static_cast<std::int64_t>(s));
    parts.offsets.push_back(parts.offsets.back() + length);
    parts.static_reals[0].values.push_back(static_cast<float>(s));
    parts.static_categories[0].codes.push_back(static_cast<std::int32_t>(s % 3));
    parts.static_categories[1].codes.push_back(static_cast<std::int32_t>(s % 5));
  }
  return Catalog(std::move(parts));
}

struct NamedSpec {
  std::string name;
  ModelSpec spec;
};
inline void PrintTo(const NamedSpec& named, std::ostream* out) { *out << named.name; }

/// Models that use all of gappy_catalog(): every base, space and scaling, and each of what makes a
/// model look back as the only one that does.
inline std::vector<NamedSpec> gappy_specs() {
  ModelSpec s = full_spec();
  s.M = 2, s.K = 9, s.base_season = 4, s.seasonal_context = 5, s.embeddings = {{3, 2}, {5, 3}};
  s.level_weight = 0.5f;
  const std::vector<ModelSpec::StepEmbedding> steps = {
      {3, 2, false}, {2, 1, false}, {.cardinality = 4, .width = 3, .future = true}};
  s.step_embeddings = steps;
  std::vector<NamedSpec> out;
  out.push_back({"log_seasonal", s});
  s.base = Base::last, s.missing_indicator = true;
  out.push_back({"log_last", s});
  s.space = Space::linear, s.level = Level::smoothing, s.base = Base::smoothing;
  out.push_back({"linear_smoothing", s});
  s.base = Base::trend, s.trend_damping = 0.8f, s.level = Level::mean;
  out.push_back({"linear_trend", s});
  s.space = Space::asinh, s.base_season = 1;
  out.push_back({"asinh_trend_without_season", s});
  s.patch = 3, s.base_season = 4, s.warmup = 4;
  out.push_back({"patches", s});
  s = ModelSpec();  // next to nothing is read besides the window
  s.T = 6, s.K = 2, s.M = 2, s.H = 3, s.past_channels = 1, s.future_channels = 1;
  s.static_reals = 1, s.embeddings = {{3, 1}, {5, 1}}, s.base = Base::seasonal, s.base_season = 7;
  s.step_embeddings = steps;
  const std::pair<const char*, WindowScaling> scalings[] = {
      {"window_mean", WindowScaling::mean},
      {"window_standard", WindowScaling::standard},
      {"window_robust", WindowScaling::robust}};
  for (const auto& [name, scaling] : scalings) {
    s.window_scaling = scaling;
    out.push_back({name, s});
  }
  s.base = Base::trend;
  out.push_back({"window_trend", s});
  s.window_scaling = WindowScaling::none, s.base = Base::none;
  out.push_back({"nothing_before", s});
  s.context = 11;
  out.push_back({"context", s});
  s.context = 0, s.seasonal_context = 12;
  out.push_back({"seasonal_context", s});
  s.seasonal_context = 0, s.lags = {13, 2};
  out.push_back({"lags", s});
  s.lags = {}, s.level = Level::mean, s.level_window = 5, s.level_change = true;
  s.base_season = 14;
  out.push_back({"level_change", s});
  return out;
}

/// The catalogue in the space of `spec`, with different weights of the series.
/// `earliest_origin`: as EngineSetup has it.
inline ModelSpace space_of(const Catalog& catalog, const ModelSpec& spec,
                           const std::vector<std::int64_t>& earliest_origin = {}) {
  std::vector<std::int64_t> end;
  std::vector<float> weights;
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    end.push_back(catalog.length(s));
    weights.push_back(1 + 0.25f * static_cast<float>(s));
  }
  const SeriesScaling scaling = fit_scaling(
      catalog, spec.level != Level::none ? Scaling::mean : Scaling::none, Scaling::standard, end);
  EngineSetup setup;
  setup.catalog = &catalog, setup.spec = &spec, setup.scaling = &scaling;
  setup.series_weight = weights, setup.earliest_origin = earliest_origin;
  return ModelSpace(setup);
}

/// Parameters of the model, all different from zero.
inline std::vector<float> some_params(const ModelSpec& spec) {
  std::vector<float> params(static_cast<std::size_t>(ParamLayout(spec).size()));
  init_params(spec, 5, params);
  return params;
}

/// Windows anywhere: padded, at a series' last step, and some that have not begun (origin -1).
inline std::vector<Window> random_windows(const Catalog& catalog, int count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Window> windows;
  for (int i = 0; i < count; ++i) {
    const auto below = [&](std::int64_t bound) {
      return static_cast<std::int64_t>(random()) % bound;
    };
    const std::int64_t s = below(catalog.series_count());
    const std::int64_t origin = below(catalog.length(s) + 1) - 1;
    windows.push_back({.origin = origin,
                       .series = static_cast<std::int32_t>(s),
                       .continues = static_cast<std::int8_t>(i % 2)});
  }
  return windows;
}

}  // namespace sluice::testing
