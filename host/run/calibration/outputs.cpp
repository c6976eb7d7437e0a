#include "run/calibration/outputs.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/region_failure.hpp"
#include "run/calibration/distribution.hpp"
#include "run/calibration/paths.hpp"
#include "run/calibration/sampler.hpp"
#include "sluice/base/error.hpp"
#include "sluice/run/forecast.hpp"
#include "sluice/run/resolve.hpp"

namespace sluice {
namespace {

/// Of sample paths that are in memory at once.
constexpr std::int64_t kMostValues = 16 << 20;

}  // namespace

bool has_mean(const ModelSpec& spec) {
  return is_distribution(spec.loss) &&
         !(spec.loss == Loss::student_t && spec.space != Space::linear);
}

Outputs::Outputs(const Model& model, std::vector<double> probabilities)
    : model_(model), probabilities_(std::move(probabilities)) {
  choose();
}

void Outputs::choose() {
  const ModelSpec& spec = model_.spec;
  if (is_distribution(spec.loss)) {
    engine_outputs_ = static_cast<std::size_t>(spec.Q());
    return;
  }
  if (spec.loss == Loss::quantile) {
    engine_outputs_ = spec.quantiles.size();
    for (const double p : probabilities_) {
      const auto found =
          std::find(spec.quantiles.begin(), spec.quantiles.end(), static_cast<float>(p));
      if (found == spec.quantiles.end()) {
        throw ConfigError(
            fmt::format("forecast.levels asks for the quantile {}, and the model has {}; ask for "
                        "one of its levels or train it with that one",
                        p, fmt::join(spec.quantiles, ", ")));
      }
      outputs_.push_back(static_cast<std::size_t>(found - spec.quantiles.begin()));
    }
    return;
  }
  if (probabilities_.size() > 1 && model_.residual_quantiles.empty()) {
    throw ConfigError(fmt::format(
        "the model was trained on a point loss {}, so it has no intervals; set "
        "forecast.levels = [], or train with {} or training.loss = \"quantile\"",
        has_validation(model_.config) ? "and its validation range has fewer than 20 errors"
                                      : "without a validation range",
        has_validation(model_.config) ? "a larger data.valid" : "data.valid > 0"));
  }
  engine_outputs_ = probabilities_.size();
  const std::size_t KM = static_cast<std::size_t>(spec.K * spec.M),
                    G = model_.residual_probabilities.size();
  for (std::size_t j = 0; j < probabilities_.size(); ++j) outputs_.push_back(j);
  for (std::size_t i = 0; i < KM; ++i) {
    for (const double p : probabilities_) {
      float offset = 0;
      if (p != 0.5) {
        // Between the stored probabilities by a straight line; outside, the outermost one.
        const auto& grid = model_.residual_probabilities;
        const auto above = std::lower_bound(grid.begin(), grid.end(), p);
        const auto high = static_cast<std::size_t>(
            std::min<std::ptrdiff_t>(above - grid.begin(), static_cast<std::ptrdiff_t>(G) - 1));
        const std::size_t low = high > 0 && grid[high] > p ? high - 1 : high;
        const double part = high > low ? (p - grid[low]) / (grid[high] - grid[low]) : 0;
        const float* q = model_.residual_quantiles.data() + i * G;
        offset = q[low] + static_cast<float>(part) * (q[high] - q[low]);
      }
      offsets_.push_back(offset);
    }
  }
}

bool Outputs::outputs_are_all() const {
  if (outputs_.size() != engine_outputs_) return false;
  for (std::size_t j = 0; j < outputs_.size(); ++j) {
    if (outputs_[j] != j) return false;
  }
  return true;
}

WindowForecasts Outputs::forecast(Engine& engine, const Catalog& catalog,
                                  const SeriesScaling& scaling, std::span<const Window> windows,
                                  const OutputWish& wish) const {
  const ModelSpec& spec = model_.spec;
  const std::size_t cells = windows.size() * static_cast<std::size_t>(spec.K * spec.M);
  const std::size_t J = probabilities_.size(), from = engine_outputs_;
  WindowForecasts out;
  out.values.assign(cells * J, 0.0f);
  if (has_mean(spec)) out.mean.assign(cells, 0.0f);
  if (spec.is_recursive()) {
    add_paths(engine, catalog, windows, wish, out);
    return out;
  }
  // Of one member whose outputs are those that are asked for, the numbers lie where they stay.
  const bool in_place =
      model_.members.size() == 1 && outputs_are_all() && !is_distribution(spec.loss);
  std::vector<float> other(in_place ? 0 : cells * from);
  const std::span<float> member = in_place ? out.values : other;
  const float share = 1.0f / static_cast<float>(model_.members.size());
  for (const std::vector<float>& params : model_.members) {
    if (windows.empty()) break;
    engine.set_evaluation_params(params);
    engine.forecast(windows, offsets_, member);
    if (is_distribution(spec.loss)) {
      add_distribution(windows, member, scaling, share, wish.points_only, out);
      continue;
    }
    if (in_place) {
#pragma omp parallel for simd schedule(static)
      for (std::size_t i = 0; i < member.size(); ++i) member[i] += 0.0f;  // as a sum has no -0
      continue;
    }
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < cells; ++i) {
      for (std::size_t j = 0; j < J; ++j) {
        out.values[i * J + j] += share * member[i * from + outputs_[j]];
      }
    }
  }
  return out;
}

int Outputs::paths_of(const OutputWish& wish) const {
  return wish.paths > 0 ? wish.paths : sample_count(model_);
}

std::int64_t Outputs::together(std::int64_t batch, const OutputWish& wish) const {
  const ModelSpec& spec = model_.spec;
  if (!spec.is_recursive()) return batch;
  const std::int64_t each = std::int64_t{paths_of(wish)} * spec.K * spec.M;
  return std::max<std::int64_t>(1, kMostValues / each);
}

/// Some windows at a time: what is drawn for them is in memory as a whole.
void Outputs::add_paths(Engine& engine, const Catalog& catalog, std::span<const Window> windows,
                        const OutputWish& wish, WindowForecasts& out) const {
  const ModelSpec& spec = model_.spec;
  const auto KM = static_cast<std::size_t>(spec.K * spec.M), J = probabilities_.size();
  const auto P = static_cast<std::size_t>(paths_of(wish));
  const std::size_t members = model_.members.size(), each = P * KM;
  const auto together = static_cast<std::size_t>(this->together(0, wish));
  const bool whole = is_count(spec.loss);
  std::vector<float> drawn, part;
  for (std::size_t begin = 0; begin < windows.size(); begin += together) {
    const auto some = windows.subspan(begin, std::min(together, windows.size() - begin));
    const std::vector<std::uint64_t> streams = path_streams(catalog, spec.M, some);
    drawn.resize(some.size() * each);
    for (std::size_t i = 0; i < members; ++i) {
      const std::size_t first = P * i / members, count = P * (i + 1) / members - first;
      if (count == 0) continue;
      part.resize(some.size() * count * KM);
      engine.set_evaluation_params(model_.members[i]);
      engine.sample(some,
                    {.first = static_cast<std::int64_t>(first),
                     .count = static_cast<std::int64_t>(count),
                     .seed = static_cast<std::uint64_t>(model_.config.training.seed),
                     .streams = streams},
                    part);
      for (std::size_t w = 0; w < some.size(); ++w) {
        std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(w * count * KM), count * KM,
                    drawn.begin() + static_cast<std::ptrdiff_t>(w * each + first * KM));
      }
    }
    RegionFailure failure;
#pragma omp parallel for schedule(static)
    for (std::size_t w = 0; w < some.size(); ++w) {
      failure.keep([&] {
        std::vector<double> values(P);
        for (std::size_t i = 0; i < KM; ++i) {
          double sum = 0;
          for (std::size_t p = 0; p < P; ++p) {
            values[p] = static_cast<double>(drawn[w * each + p * KM + i]);
            sum += values[p];
          }
          const std::size_t cell = (begin + w) * KM + i;
          if (!out.mean.empty()) out.mean[cell] = static_cast<float>(sum / static_cast<double>(P));
          if (!std::isfinite(sum)) {  // no order among what is no number
            std::fill_n(out.values.begin() + static_cast<std::ptrdiff_t>(cell * J), J,
                        std::numeric_limits<float>::quiet_NaN());
            continue;
          }
          std::ranges::sort(values);
          for (std::size_t j = 0; j < J; ++j) {
            const double p = probabilities_[j];
            out.values[cell * J + j] = static_cast<float>(whole ? counted_quantile(values, p)
                                                                : sample_quantile(values, p));
          }
        }
      });
    }
    failure.rethrow();
    if (wish.keeps_paths) out.paths.insert(out.paths.end(), drawn.begin(), drawn.end());
  }
}

/// The quantiles and means of one member, of which `share` is added.
void Outputs::add_distribution(std::span<const Window> windows, std::span<const float> parameters,
                               const SeriesScaling& scaling, float share, bool points_only,
                               WindowForecasts& out) const {
  const ModelSpec& spec = model_.spec;
  const auto KM = static_cast<std::size_t>(spec.K * spec.M), M = static_cast<std::size_t>(spec.M);
  const std::size_t J = probabilities_.size(), Q = engine_outputs_;
  const std::size_t computed = points_only && !out.mean.empty() ? 0 : J;
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < windows.size() * KM; ++i) {
    double given[kMostParameters] = {};
    std::copy_n(parameters.data() + i * Q, Q, given);
    const StoredDistribution distribution(spec, std::span(given).first(Q), scaling,
                                          static_cast<int>(i % M), windows[i / KM].series);
    for (std::size_t j = 0; j < computed; ++j) {
      out.values[i * J + j] += share * static_cast<float>(distribution.quantile(probabilities_[j]));
    }
    if (!out.mean.empty()) out.mean[i] += share * static_cast<float>(distribution.mean());
  }
}

void sort_quantiles(std::span<float> values, std::size_t J) {
#pragma omp parallel for schedule(static)
  for (std::size_t i = 0; i < values.size() / J; ++i) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i * J);
    std::sort(begin, begin + static_cast<std::ptrdiff_t>(J));
  }
}

bool never_negative(const Model& model, const Catalog& catalog, int m, const Window& w) {
  if (model.config.forecast.nonnegative) return *model.config.forecast.nonnegative;
  const double offset = catalog.value_offset(m, w.series);
  const auto past = catalog.values(m, w.series).first(static_cast<std::size_t>(w.origin + 1));
  // Block by block, as vectors do not leave a loop early.
  constexpr std::size_t kBlock = 128;
  for (std::size_t begin = 0; begin < past.size(); begin += kBlock) {
    bool any = false;
    for (const float value : past.subspan(begin, std::min(kBlock, past.size() - begin))) {
      any |= static_cast<double>(value) + offset < 0;
    }
    if (any) return false;
  }
  return true;
}

void keep_nonnegative(const Model& model, const Catalog& catalog, std::span<const Window> windows,
                      std::size_t J, WindowForecasts& forecasts) {
  const auto K = static_cast<std::size_t>(model.spec.K), M = static_cast<std::size_t>(model.spec.M);
  forecasts.nonnegative.assign(windows.size() * M, 0);
#pragma omp parallel for schedule(static)
  for (std::size_t r = 0; r < windows.size(); ++r) {
    for (std::size_t m = 0; m < M; ++m) {
      const int target = static_cast<int>(m);
      if (!never_negative(model, catalog, target, windows[r])) continue;
      forecasts.nonnegative[r * M + m] = 1;
      const float low = zero_above(catalog.value_offset(target, windows[r].series));
      const std::size_t each = forecasts.paths.size() / windows.size();
      for (std::size_t i = m; i < each; i += M) {
        float& y = forecasts.paths[r * each + i];
        y = std::max(y, low);
      }
      for (std::size_t k = 0; k < K; ++k) {
        float* cell = forecasts.values.data() + ((r * K + k) * M + m) * J;
        for (std::size_t j = 0; j < J; ++j) cell[j] = std::max(cell[j], low);
        if (forecasts.mean.empty()) continue;
        float& mean = forecasts.mean[(r * K + k) * M + m];
        mean = std::max(mean, low);
      }
    }
  }
}

std::vector<StretchRow> stretch_rows(const Catalog& catalog, std::span<const Window> windows,
                                     const WindowForecasts& forecasts) {
  const std::size_t M = windows.empty() ? 1 : forecasts.nonnegative.size() / windows.size();
  std::vector<StretchRow> out;
  for (std::size_t i = 0; i < windows.size() * M; ++i) {
    out.push_back({catalog.value_offset(static_cast<int>(i % M), windows[i / M].series),
                   forecasts.nonnegative[i] != 0});
  }
  return out;
}

}  // namespace sluice
