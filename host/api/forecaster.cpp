// Forecasts of plain arrays, again and again with one model.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/job.hpp"
#include "api/status.hpp"
#include "data/catalog/offset.hpp"
#include "run/threads.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"

struct sluice_forecaster {
  sluice::Model model;
  sluice::Config config;
  std::vector<double> probabilities;
};

namespace sluice::api {
namespace {

/// "series 3 ('A/7')", or without the name where it has none.
std::string name_of(const sluice_series& series, std::size_t place) {
  return series.id == nullptr ? fmt::format("series {}", place)
                              : fmt::format("series {} ('{}')", place, series.id);
}

/// The catalogue that arrays are, one after the other.
class ArrayCatalog {
 public:
  ArrayCatalog(const Model& model, std::span<const sluice_series> series)
      : model_(model), series_(series), channels_(model.channel_names.size()) {}

  Catalog build() {
    parts_.axis.frequency = model_.frequency;
    parts_.axis.integers = model_.frequency.unit == Unit::integer;
    add_columns();
    parts_.offsets = {0};
    for (std::size_t place = 0; place < series_.size(); ++place) add(place);
    if (has_offset_) parts_.value_offset = offsets_by_target();
    return Catalog(std::move(parts_));
  }

 private:
  Role role_of(std::size_t channel) const {
    const auto targets = static_cast<std::size_t>(model_.spec.M);
    const auto past = static_cast<std::size_t>(model_.spec.past_channels);
    if (channel < targets) return Role::target;
    return channel < targets + past ? Role::past : Role::future;
  }

  void add_columns() {
    for (std::size_t c = 0; c < channels_; ++c) {
      parts_.channels.push_back({model_.channel_names[c], role_of(c), {}});
    }
    for (const std::string& name : model_.static_names) parts_.static_reals.push_back({name, {}});
    for (std::size_t c = 0; c < model_.category_names.size(); ++c) {
      parts_.static_categories.push_back({model_.category_names[c], model_.vocabularies[c], {}});
      std::unordered_map<std::string_view, std::int32_t> codes;
      const std::vector<std::string>& words = model_.vocabularies[c];
      for (std::size_t w = 0; w < words.size(); ++w) {
        codes.emplace(words[w], static_cast<std::int32_t>(w));
      }
      codes_.push_back(std::move(codes));
    }
  }

  void check(const sluice_series& one, std::size_t place) const {
    const std::string name = name_of(one, place);
    if (one.values == nullptr) throw ConfigError(name + ": values is NULL");
    if (one.history < 1 || one.steps < one.history) {
      throw ConfigError(fmt::format(
          "{}: {} steps of which {} are history; give at least one of history, and steps = history "
          "or history and horizon",
          name, one.steps, one.history));
    }
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    if (one.steps > kMost)
      throw DataError(fmt::format("{}: {} steps are too many", name, one.steps));
  }

  /// Throws for a number that no cell of a table may have: the model's inputs are floats.
  static void check_number(double number, const auto& place) {
    if (!(std::abs(number) > std::numeric_limits<float>::max())) return;
    throw DataError(
        fmt::format("{}: {} is infinite or too large (beyond 3.4e38); correct it, or give NaN "
                    "where it is missing",
                    place(), number));
  }

  std::int64_t first_period(const sluice_series& one, std::size_t place) const {
    const auto period = period_of(model_.frequency, one.start);
    if (period) return *period;
    throw DataError(fmt::format(
        "{}: its start, {}, is no step of the frequency {}; give the time of its first step in "
        "seconds since 1970-01-01, as the training's data had it",
        name_of(one, place), parts_.axis.text(one.start), to_string(model_.frequency)));
  }

  void add(std::size_t place) {
    const sluice_series& one = series_[place];
    check(one, place);
    // Without an id the model has not seen it: no id of a file has a line break in front.
    std::string id = one.id != nullptr ? one.id : fmt::format("\n{}", place);
    if (!ids_.emplace(id, place).second) {
      throw DataError(fmt::format("series {} and {} have one id, '{}'; give each its own, or NULL",
                                  ids_.at(id), place, id));
    }
    parts_.ids.push_back(std::move(id));
    parts_.first.push_back(first_period(one, place));
    parts_.offsets.push_back(parts_.offsets.back() + one.steps);
    parts_.history.push_back(one.history);
    std::vector<double> column(static_cast<std::size_t>(one.steps));
    for (std::size_t c = 0; c < channels_; ++c) {
      const Role role = parts_.channels[c].role;
      for (std::size_t t = 0; t < column.size(); ++t) {
        const bool known = role == Role::future || static_cast<std::int64_t>(t) < one.history;
        column[t] =
            known ? one.values[t * channels_ + c] : std::numeric_limits<double>::quiet_NaN();
        check_number(column[t], [&] {
          return fmt::format("{}: step {}: '{}'", name_of(one, place), t, parts_.channels[c].name);
        });
      }
      const double offset = role == Role::target ? offset_for(column) : 0;
      if (role == Role::target) offsets_.push_back(offset);
      has_offset_ = has_offset_ || offset != 0;
      for (const double value : column) {
        parts_.channels[c].values.push_back(static_cast<float>(value - offset));
      }
    }
    for (std::size_t c = 0; c < parts_.static_reals.size(); ++c) {
      const double value = one.static_reals != nullptr ? one.static_reals[c]
                                                       : std::numeric_limits<double>::quiet_NaN();
      check_number(value, [&] {
        return fmt::format("{}: '{}'", name_of(one, place), parts_.static_reals[c].name);
      });
      parts_.static_reals[c].values.push_back(static_cast<float>(value));
    }
    for (std::size_t c = 0; c < codes_.size(); ++c) {
      const char* word = one.static_categories != nullptr ? one.static_categories[c] : nullptr;
      const auto known = word != nullptr ? codes_[c].find(word) : codes_[c].end();
      parts_.static_categories[c].codes.push_back(known != codes_[c].end() ? known->second : 0);
    }
  }

  /// [M * S] of [S * M].
  std::vector<double> offsets_by_target() const {
    const auto M = static_cast<std::size_t>(model_.spec.M);
    std::vector<double> by_target(offsets_.size());
    for (std::size_t s = 0; s < series_.size(); ++s) {
      for (std::size_t m = 0; m < M; ++m) {
        by_target[m * series_.size() + s] = offsets_[s * M + m];
      }
    }
    return by_target;
  }

  const Model& model_;
  std::span<const sluice_series> series_;
  std::size_t channels_;
  CatalogParts parts_;
  std::vector<std::unordered_map<std::string_view, std::int32_t>> codes_;
  std::unordered_map<std::string, std::size_t> ids_;
  std::vector<double> offsets_;  ///< [S, M]
  bool has_offset_ = false;
};

/// For the series of `catalog`, which `forecaster` and it must outlive.
Forecaster forecaster_of(const sluice_forecaster& forecaster, const Catalog& catalog) {
  Config::Engine engine = forecaster.config.engine;
  engine.forecast_batch =
      static_cast<int>(std::min<std::int64_t>(engine.forecast_batch, catalog.series_count()));
  return {forecaster.model, catalog, forecaster.config.forecast.levels, engine};
}

/// Makes one for a series without values, which fails as any would: a level that the model has not,
/// a device that there is not.
void try_out(const sluice_forecaster& forecaster) {
  const HostThreads before;
  use_threads_again(forecaster.config.engine.threads);
  const Model& model = forecaster.model;
  const std::vector<double> missing(model.channel_names.size(),
                                    std::numeric_limits<double>::quiet_NaN());
  const sluice_series series{.id = nullptr,
                             .start = time_of(model.frequency, 0),
                             .history = 1,
                             .steps = 1,
                             .values = missing.data(),
                             .static_reals = nullptr,
                             .static_categories = nullptr};
  const Catalog catalog = ArrayCatalog(model, {&series, 1}).build();
  forecaster_of(forecaster, catalog);
}

/// `means`: or null.
void run(const sluice_forecaster& forecaster, std::span<const sluice_series> series, double* out,
         double* means) {
  const HostThreads before;
  use_threads_again(forecaster.config.engine.threads);
  const Model& model = forecaster.model;
  const Catalog catalog = ArrayCatalog(model, series).build();
  Forecaster one = forecaster_of(forecaster, catalog);
  std::vector<std::int64_t> cutoffs;
  for (const sluice_series& each : series) cutoffs.push_back(each.history);
  const Forecasts made = one.at(cutoffs);
  if (!made.left_out.empty()) {
    const auto place =
        std::find_if(catalog.ids().begin(), catalog.ids().end(),
                     [&](const auto& id) { return id == made.left_out.front().id; }) -
        catalog.ids().begin();
    const auto at = static_cast<std::size_t>(place);
    throw DataError(fmt::format("{}: {}", name_of(series[at], at), made.left_out.front().reason));
  }
  const auto K = static_cast<std::size_t>(made.K), M = static_cast<std::size_t>(made.M);
  for (std::size_t r = 0; r < made.series.size(); ++r) {
    for (std::size_t k = 0; k < K; ++k) {
      for (std::size_t m = 0; m < M; ++m) {
        for (std::size_t j = 0; j < made.probabilities.size(); ++j) *out++ = made.y(r, k, m, j);
        if (means != nullptr) *means++ = made.point(r, k, m);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::api

using sluice::api::guarded;
using sluice::api::require;

sluice_status sluice_forecaster_new(const sluice_job* job, const sluice_model* model,
                                    sluice_forecaster** forecaster, sluice_error** error) {
  return guarded(error, [&] {
    require(job, "sluice_forecaster_new", "job");
    require(model, "sluice_forecaster_new", "model");
    require(forecaster, "sluice_forecaster_new", "forecaster");
    if (!model->model.step_category_names.empty()) {
      throw sluice::ConfigError(fmt::format(
          "the model has words as inputs of steps ('{}'), which arrays cannot give; forecast a "
          "table with it (sluice_forecast)",
          model->model.step_category_names.front()));
    }
    sluice::Settings settings = sluice::api::settings_of(*job, "forecast", &model->model);
    auto made = std::make_unique<sluice_forecaster>();
    made->model = std::move(*settings.model);
    made->config = std::move(settings.config);
    made->probabilities = sluice::level_quantiles(made->config.forecast.levels);
    sluice::api::try_out(*made);
    *forecaster = made.release();
  });
}

void sluice_forecaster_free(sluice_forecaster* forecaster) { delete forecaster; }

void sluice_forecaster_shape(const sluice_forecaster* forecaster, int64_t* horizon,
                             int64_t* targets, int64_t* outputs, const double** probabilities) {
  if (forecaster == nullptr) return;
  if (horizon != nullptr) *horizon = forecaster->model.spec.K;
  if (targets != nullptr) *targets = forecaster->model.spec.M;
  if (outputs != nullptr) *outputs = static_cast<std::int64_t>(forecaster->probabilities.size());
  if (probabilities != nullptr) *probabilities = forecaster->probabilities.data();
}

sluice_status sluice_forecaster_run(sluice_forecaster* forecaster, const sluice_series* series,
                                    size_t count, double* forecasts, sluice_error** error) {
  return guarded(error, [&] {
    require(forecaster, "sluice_forecaster_run", "forecaster");
    if (count == 0) return;
    require(series, "sluice_forecaster_run", "series");
    require(forecasts, "sluice_forecaster_run", "forecasts");
    sluice::api::run(*forecaster, {series, count}, forecasts, nullptr);
  });
}

sluice_status sluice_forecaster_run_with_means(sluice_forecaster* forecaster,
                                               const sluice_series* series, size_t count,
                                               double* forecasts, double* means,
                                               sluice_error** error) {
  return guarded(error, [&] {
    constexpr const char* kName = "sluice_forecaster_run_with_means";
    require(forecaster, kName, "forecaster");
    if (count == 0) return;
    require(series, kName, "series");
    require(forecasts, kName, "forecasts");
    require(means, kName, "means");
    sluice::api::run(*forecaster, {series, count}, forecasts, means);
  });
}
