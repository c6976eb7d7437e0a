// A small catalogue with everything that a catalogue can have, and a model that uses all of it.
#pragma once

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "sluice/data/window.hpp"
#include "sluice/model/spec.hpp"
#include "support/catalogs.hpp"

namespace sluice::testing {

/// Six series with a price and a day's name known ahead, traffic and weather known afterwards, a
/// few missing values, one short series. Some days have no name, and no day is named "never".
inline CatalogParts rich_parts(bool missing) {
  auto series = weekly_series(6, 60);
  series[3].resize(9);
  if (missing) series[1][20] = series[1][21] = series[4][59] = series[2][0] = kMissing;
  CatalogParts parts = daily_parts(series);
  Channel past{"traffic", Role::past, {}}, future{"price", Role::future, {}};
  StaticReal area{"area", {}};
  StaticCategory shop{"shop", {"unknown", "a", "b"}, {}};
  for (std::size_t i = 0; i < parts.channels[0].values.size(); ++i) {
    past.values.push_back(static_cast<float>(std::sin(0.7 * static_cast<double>(i))));
    future.values.push_back(static_cast<float>(10 + std::cos(1.3 * static_cast<double>(i))));
  }
  if (missing) past.values[5] = kMissing;
  CategoryChannel weather{"weather", Role::past, {"unknown", "sun", "rain"}, {}};
  CategoryChannel day{"day", Role::future, {"unknown", "plain", "feast", "never", "sale"}, {}};
  for (std::size_t i = 0; i < parts.channels[0].values.size(); ++i) {
    weather.codes.push_back(1 + static_cast<std::int32_t>(i * i / 3 % 2));
    day.codes.push_back(std::array{1, 0, 2, 1, 1, 4, 1, 2, 1, 1, 1}[i % 11]);
  }
  parts.categories = {weather, day};
  for (int s = 0; s < 6; ++s) {
    area.values.push_back(static_cast<float>(100 + 10 * s * s));
    shop.codes.push_back(s % 3);
  }
  parts.channels.push_back(past);
  parts.channels.push_back(future);
  parts.static_reals.push_back(area);
  parts.static_categories.push_back(shop);
  return parts;
}

inline Catalog rich_catalog(bool missing) { return Catalog(rich_parts(missing)); }

/// The same without what is known afterwards alone.
inline CatalogParts known_parts(bool missing) {
  CatalogParts parts = rich_parts(missing);
  std::erase_if(parts.channels, [](const Channel& c) { return c.role == Role::past; });
  std::erase_if(parts.categories, [](const CategoryChannel& c) { return c.role == Role::past; });
  return parts;
}

/// Of the catalogue's categories of steps.
inline std::vector<ModelSpec::StepEmbedding> rich_step_embeddings() {
  return {{.cardinality = 3, .width = 1, .future = false},
          {.cardinality = 5, .width = 3, .future = true}};
}

inline ModelSpec full_spec() {
  ModelSpec s;
  s.T = 12, s.H = 5, s.L = 2, s.K = 4, s.M = 1;
  s.space = Space::log, s.level = Level::mean, s.level_window = 10;
  s.base = Base::seasonal, s.base_season = 7, s.lags = {7, 14};
  s.context = 7, s.seasonal_context = 14, s.forking = true, s.warmup = 3, s.head_hidden = 6;
  s.level_change = true, s.level_input = true, s.calendar = 8;
  s.past_channels = 1, s.future_channels = 1, s.static_reals = 1, s.embeddings = {{3, 2}};
  s.step_embeddings = rich_step_embeddings();
  s.head_starts_at_zero = false;
  s.loss = Loss::mse;
  return s;
}

/// The same with K steps that are drawn one after the other, of what known_parts() have.
inline ModelSpec recursive_spec(int K) {
  ModelSpec s = full_spec();
  s.decoding = Decoding::recursive, s.K = K, s.loss = Loss::gaussian;
  s.past_channels = 0;
  std::erase_if(s.step_embeddings, [](const auto& e) { return !e.future; });
  return s;
}

/// One of them mostly padding, one at the end of its series.
inline std::vector<Window> some_windows() {
  std::vector<Window> windows;
  for (const auto& [series, origin] : std::vector<std::pair<int, int>>{
           {0, 30}, {1, 25}, {2, 11}, {3, 7}, {4, 57}, {5, 40}, {1, 5}, {0, 58}}) {
    Window w;
    w.series = series;
    w.origin = origin;
    windows.push_back(w);
  }
  return windows;
}

}  // namespace sluice::testing
