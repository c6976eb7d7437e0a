#include "model_space.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sluice/base/error.hpp"
#include "sluice/data/calendar.hpp"

namespace sluice {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// In linear space a level is never smaller than this share of the series' own mean, so that a
/// product that has not sold for a season does not divide by zero.
constexpr double kLevelFloor = 0.02;

/// Exponential smoothing whose first steps are plain means: alpha_t = max(alpha, 1 / age).
class Smoother {
 public:
  explicit Smoother(double alpha) : alpha_(alpha) {}
  double next(float value, double fallback) {
    if (!std::isnan(value)) {
      ++age_;
      const double a = std::max(alpha_, 1.0 / static_cast<double>(age_));
      state_ += a * (static_cast<double>(value) - state_);
    }
    return age_ > 0 ? state_ : fallback;
  }

 private:
  double alpha_, state_ = 0;
  std::int64_t age_ = 0;
};

}  // namespace

ModelSpace::ModelSpace(const EngineSetup& setup) : spec_(*setup.spec), scaling_(*setup.scaling) {
  const Catalog& catalog = *setup.catalog;
  offsets_.assign(catalog.offsets().begin(), catalog.offsets().end());
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) first_.push_back(catalog.period(s, 0));
  if (setup.series_weight.empty()) {
    weight_.assign(static_cast<std::size_t>(catalog.series_count()), 1.0f);
  } else {
    weight_.assign(setup.series_weight.begin(), setup.series_weight.end());
  }
  if (catalog.count(Role::target) != spec_.M || catalog.count(Role::past) != spec_.past_channels ||
      catalog.count(Role::future) != spec_.future_channels) {
    throw InternalError("the model's channels are not the catalogue's");
  }
  fill_values(catalog);
  fill_levels();
  fill_level_statistics(setup);
  fill_covariates(catalog);
  fill_statics(setup);
  fill_calendar(catalog);
}

void ModelSpace::fill_values(const Catalog& catalog) {
  const std::int64_t S = catalog.series_count();
  for (int m = 0; m < spec_.M; ++m) {
    auto& v = v_.emplace_back(static_cast<std::size_t>(catalog.total_steps()));
    std::int64_t bad = std::numeric_limits<std::int64_t>::max();  // first step without a logarithm
#pragma omp parallel for schedule(static) reduction(min : bad)
    for (std::int64_t s = 0; s < S; ++s) {
      const auto y = catalog.values(m, s);
      float* out = v.data() + offset(s);
      const float shift = scaling_.offset_of(m, s), scale = scaling_.scale_of(m, s);
      for (std::size_t t = 0; t < y.size(); ++t) {
        const float value = (y[t] - shift) / scale;
        if (spec_.space == Space::log) {
          if (value <= 0) bad = std::min(bad, offset(s) + static_cast<std::int64_t>(t));
          out[t] = std::log(value);
        } else {
          out[t] = value;
        }
      }
    }
    if (bad != std::numeric_limits<std::int64_t>::max()) {
      const auto after = std::upper_bound(offsets_.begin(), offsets_.end(), bad);
      const auto s = static_cast<std::int64_t>(after - offsets_.begin()) - 1;
      throw DataError(
          fmt::format("series '{}', {}: {} is {}, and log space needs values above 0; set "
                      "network.space = \"linear\"",
                      catalog.id(s), catalog.date(s, bad - offset(s)), catalog.target(m).name,
                      catalog.target(m).values[static_cast<std::size_t>(bad)]));
    }
  }
}

void ModelSpace::fill_levels() {
  const std::int64_t S = series_count();
  const bool log = spec_.space == Space::log;
  const auto total = static_cast<std::size_t>(offsets_.back());
  for (int m = 0; m < spec_.M; ++m) {
    if (spec_.base == Base::smoothing) smoothed_.emplace_back(total);
    if (spec_.level != Level::none) {
      o_.emplace_back(total);
      if (!log) s_.emplace_back(total);
    }
    const auto mi = static_cast<std::size_t>(m);
#pragma omp parallel for schedule(static)
    for (std::int64_t s = 0; s < S; ++s) {
      const float* values = v(m, s);
      const auto n = static_cast<std::size_t>(length(s));
      const auto begin = static_cast<std::size_t>(offset(s));
      if (spec_.base == Base::smoothing) {
        Smoother smooth(static_cast<double>(spec_.smoothing_alpha));
        for (std::size_t t = 0; t < n; ++t) {
          smoothed_[mi][begin + t] = static_cast<float>(smooth.next(values[t], 0));
        }
      }
      if (spec_.level == Level::none) continue;
      Smoother smooth(static_cast<double>(spec_.smoothing_alpha));
      const auto window = static_cast<std::size_t>(spec_.level_window);
      double sum = 0, level = 1;
      std::int64_t count = 0;
      for (std::size_t t = 0; t < n; ++t) {
        const auto size_of = [&](std::size_t at) {
          return log ? std::exp(static_cast<double>(values[at]))
                     : std::abs(static_cast<double>(values[at]));
        };
        if (spec_.level == Level::smoothing) {
          level =
              smooth.next(std::isnan(values[t]) ? kMissing : static_cast<float>(size_of(t)), 1.0);
        } else {
          if (!std::isnan(values[t])) sum += size_of(t), ++count;
          if (t >= window && !std::isnan(values[t - window])) sum -= size_of(t - window), --count;
          if (count > 0) level = std::max(sum / static_cast<double>(count), 0.0);
        }
        if (log) {
          o_[mi][begin + t] = static_cast<float>(std::log(std::max(level, 1e-30)));
        } else {
          s_[mi][begin + t] = static_cast<float>(1.0 / (level + kLevelFloor));
          o_[mi][begin + t] = 1.0f;
        }
      }
    }
  }
}

float ModelSpace::log_level(int m, std::int64_t s, std::int64_t t) const {
  const Affine a = affine(m, s, t);
  const float relative = spec_.space == Space::log ? a.o : -std::log(a.s);
  return relative + std::log(scaling_.scale_of(m, s));
}

void ModelSpace::fill_level_statistics(const EngineSetup& setup) {
  level_mean_ = setup.level_mean;
  level_spread_ = setup.level_spread;
  if (!spec_.level_input || level_spread_ > 0) return;
  double sum = 0, squares = 0;
  const std::int64_t S = series_count();
  for (std::int64_t s = 0; s < S; ++s) {
    const double x = std::log(static_cast<double>(scaling_.scale_of(0, s)));
    sum += x;
    squares += x * x;
  }
  const double mean = sum / static_cast<double>(S);
  level_mean_ = static_cast<float>(mean);
  level_spread_ =
      static_cast<float>(std::sqrt(std::max(1e-4, squares / static_cast<double>(S) - mean * mean)));
}

float ModelSpace::level_input(int m, std::int64_t s, std::int64_t t) const {
  return (log_level(m, s, t) - level_mean_) / level_spread_;
}

float ModelSpace::level_change(int m, std::int64_t s, std::int64_t t) const {
  if (t < spec_.base_season) return 0;
  return log_level(m, s, t) - log_level(m, s, t - spec_.base_season);
}

void ModelSpace::fill_covariates(const Catalog& catalog) {
  const std::int64_t S = catalog.series_count();
  const auto channels = static_cast<int>(catalog.channels().size());
  for (int c = spec_.M; c < channels; ++c) {
    auto& out = covariates_.emplace_back(static_cast<std::size_t>(catalog.total_steps()));
#pragma omp parallel for schedule(static)
    for (std::int64_t s = 0; s < S; ++s) {
      const auto y = catalog.values(c, s);
      float* to = out.data() + offset(s);
      const float shift = scaling_.offset_of(c, s), scale = scaling_.scale_of(c, s);
      for (std::size_t t = 0; t < y.size(); ++t) {
        const float value = (y[t] - shift) / scale;
        to[t] = std::isnan(value) ? 0.0f : std::clamp(value, -10.0f, 10.0f);
      }
    }
  }
}

void ModelSpace::fill_statics(const EngineSetup& setup) {
  const Catalog& catalog = *setup.catalog;
  const std::int64_t S = catalog.series_count();
  static_reals_.resize(static_cast<std::size_t>(S * spec_.static_reals));
  for (int r = 0; r < spec_.static_reals; ++r) {
    const auto ri = static_cast<std::size_t>(r);
    const auto& values = catalog.static_reals()[ri].values;
    for (std::int64_t s = 0; s < S; ++s) {
      const float x = values[static_cast<std::size_t>(s)];
      static_reals_[static_cast<std::size_t>(s * spec_.static_reals + r)] =
          std::isnan(x) ? 0.0f : (x - scaling_.static_offset[ri]) / scaling_.static_scale[ri];
    }
  }
  const std::size_t categories = spec_.embeddings.size();
  codes_.resize(static_cast<std::size_t>(S) * categories);
  for (std::size_t e = 0; e < categories; ++e) {
    const auto& codes = setup.codes.empty() ? catalog.static_categories()[e].codes : setup.codes[e];
    for (std::size_t s = 0; s < static_cast<std::size_t>(S); ++s) {
      codes_[s * categories + e] = codes[s];
    }
  }
}

void ModelSpace::fill_calendar(const Catalog& catalog) {
  if (spec_.calendar == 0) return;
  std::int64_t low = std::numeric_limits<std::int64_t>::max(), high = -low;
  for (std::int64_t s = 0; s < series_count(); ++s) {
    low = std::min(low, catalog.period(s, 0));
    high = std::max(high, catalog.period(s, length(s)));
  }
  calendar_first_ = low;
  calendar_.resize(static_cast<std::size_t>((high - low + 2) * spec_.calendar));
  for (std::int64_t p = low; p <= high + 1; ++p) {
    calendar_features(catalog.frequency(), p, calendar_.data() + (p - low) * spec_.calendar);
  }
}

float ModelSpace::to_y(int m, std::int64_t s, float v) const {
  const float scaled = spec_.space == Space::log ? std::exp(v) : v;
  const float y = scaled * scaling_.scale_of(m, s) + scaling_.offset_of(m, s);
  return spec_.nonnegative ? std::max(y, 0.0f) : y;
}

}  // namespace sluice
