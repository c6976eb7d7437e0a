// Per-series statistics of the training range, in double.
#include "sluice/data/scaling.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/region_failure.hpp"
#include "data/catalog/offset.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

struct Affine {
  double offset = 0, scale = 1;
};

/// Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996); sorted input.
double sorted_quantile(const std::vector<float>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(low);
  return (1 - part) * static_cast<double>(sorted[low]) + part * static_cast<double>(sorted[high]);
}

Affine fit(Scaling kind, std::span<const float> values, std::vector<float>& scratch) {
  double sum = 0, absolute = 0;
  std::int64_t count = 0;
  for (const float y : values) {
    if (std::isnan(y)) continue;
    sum += static_cast<double>(y);
    absolute += std::abs(static_cast<double>(y));
    ++count;
  }
  if (count == 0 || kind == Scaling::none) return {};
  const double mean = sum / static_cast<double>(count);
  if (kind == Scaling::mean) {
    return {0, absolute > 0 ? absolute / static_cast<double>(count) : 1.0};
  }
  if (kind == Scaling::standard) {
    double squares = 0;
    for (const float y : values) {
      if (!std::isnan(y))
        squares += (static_cast<double>(y) - mean) * (static_cast<double>(y) - mean);
    }
    const double deviation = std::sqrt(squares / static_cast<double>(count));
    // A spread below the rounding of the values themselves is no spread.
    return {mean, deviation > 1e-6 * std::abs(mean) && deviation > 0 ? deviation : 1.0};
  }
  scratch.clear();
  for (const float y : values) {
    if (!std::isnan(y)) scratch.push_back(y);
  }
  std::sort(scratch.begin(), scratch.end());
  const double spread = (sorted_quantile(scratch, 0.75) - sorted_quantile(scratch, 0.25)) / 1.349;
  const double median = sorted_quantile(scratch, 0.5);
  return {median, spread > 1e-6 * std::abs(median) && spread > 0 ? spread : 1.0};
}

}  // namespace

Scaling parse_scaling(std::string_view text) {
  if (text == "none") return Scaling::none;
  if (text == "standard") return Scaling::standard;
  if (text == "robust") return Scaling::robust;
  if (text == "mean") return Scaling::mean;
  throw ConfigError(
      fmt::format("unknown scaling '{}'; choose none, standard, robust or mean", text));
}

SeriesScaling fit_scaling(const Catalog& catalog, Scaling targets, Scaling covariates,
                          std::span<const std::int64_t> end) {
  const std::int64_t S = catalog.series_count();
  const auto channels = static_cast<int>(catalog.channels().size());
  SeriesScaling scaling;
  scaling.series = S;
  scaling.offset.resize(static_cast<std::size_t>(channels * S));
  scaling.scale.resize(scaling.offset.size());
  scaling.fitted.resize(scaling.offset.size());
  const int targets_count = catalog.count(Role::target);
  scaling.reference.resize(static_cast<std::size_t>(targets_count * S), 0);
  for (int c = 0; c < channels; ++c) {
    const Scaling kind =
        catalog.channels()[static_cast<std::size_t>(c)].role == Role::target ? targets : covariates;
    RegionFailure failure;
#pragma omp parallel
    {
      std::vector<float> scratch, moved;
      std::vector<double> exact;
#pragma omp for schedule(static)
      for (std::int64_t s = 0; s < S; ++s) {
        failure.keep([&] {
          const auto values = catalog.values(c, s);
          // Without any history the known values of the horizon are all that its inputs have.
          const bool ahead = end[static_cast<std::size_t>(s)] <= 0 && catalog.history(s) == 0;
          const auto upto = static_cast<std::size_t>(
              ahead ? catalog.length(s)
                    : std::clamp<std::int64_t>(end[static_cast<std::size_t>(s)], 0,
                                               catalog.length(s)));
          const auto at = static_cast<std::size_t>(c * S + s);
          const double stored = c < targets_count ? catalog.value_offset(c, s) : 0;
          double move = 0;  // from the stored values to those counted from the reference
          auto seen = values.first(upto);
          if (stored != 0) {
            exact.clear();
            for (const float y : seen) exact.push_back(static_cast<double>(y) + stored);
            scaling.reference[at] = offset_for(exact);
            move = scaling.reference[at] - stored;
          }
          if (move != 0) {
            moved.clear();
            for (const double y : exact)
              moved.push_back(static_cast<float>(y - scaling.reference[at]));
            seen = moved;
          }
          const Affine a = fit(kind, seen, scratch);
          scaling.offset[at] = static_cast<float>(a.offset + move);
          scaling.scale[at] = static_cast<float>(a.scale);
          scaling.fitted[at] =
              std::any_of(seen.begin(), seen.end(), [](float y) { return y == y; });
        });
      }
    }
    failure.rethrow();
  }
  std::vector<float> scratch;
  for (const StaticReal& real : catalog.static_reals()) {
    // Series that only a future file has must not move the others' inputs.
    std::vector<float> known;
    for (std::int64_t s = 0; s < S; ++s) {
      if (catalog.history(s) > 0) known.push_back(real.values[static_cast<std::size_t>(s)]);
    }
    const Affine a = fit(Scaling::standard, known, scratch);
    scaling.static_offset.push_back(static_cast<float>(a.offset));
    scaling.static_scale.push_back(static_cast<float>(a.scale));
  }
  return scaling;
}

double seasonal_naive_error(std::span<const float> values, std::int64_t end, int season) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t t = season; t < end; ++t) {
    const float now = values[static_cast<std::size_t>(t)];
    const float before = values[static_cast<std::size_t>(t - season)];
    if (std::isnan(now) || std::isnan(before)) continue;
    sum += std::abs(static_cast<double>(now) - static_cast<double>(before));
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

namespace {
/// A series that is nearly constant, or a copy of its last season, must not be all that counts.
constexpr double kLargestWeight = 5;
}  // namespace

std::vector<float> series_weights(const Catalog& catalog, std::span<const std::int64_t> end,
                                  int season, double power) {
  const auto S = static_cast<std::size_t>(catalog.series_count());
  std::vector<float> weights(S, 1.0f);
  if (power == 0) return weights;
  std::vector<double> raw(S), valid;
  for (std::size_t s = 0; s < S; ++s) {
    const auto series = static_cast<std::int64_t>(s);
    const auto values = catalog.values(0, series);
    const double offset = catalog.value_offset(0, series);
    const auto upto = std::min<std::int64_t>(end[s], static_cast<std::int64_t>(values.size()));
    double absolute = 0;
    std::int64_t count = 0;
    for (std::int64_t t = 0; t < upto; ++t) {
      const double y = static_cast<double>(values[static_cast<std::size_t>(t)]) + offset;
      if (std::isnan(y)) continue;
      absolute += std::abs(y);
      ++count;
    }
    const double error = seasonal_naive_error(values, upto, season);
    const double mean = count > 0 ? absolute / static_cast<double>(count) : 0;
    raw[s] = mean > 0 && error > 0 ? std::pow(mean / error, power)
                                   : std::numeric_limits<double>::quiet_NaN();
    if (std::isfinite(raw[s])) valid.push_back(raw[s]);
  }
  if (valid.empty()) return weights;
  const auto middle = valid.begin() + static_cast<std::ptrdiff_t>(valid.size() / 2);
  std::nth_element(valid.begin(), middle, valid.end());
  for (std::size_t s = 0; s < S; ++s) {
    // A series whose ratio is undefined (constant, or too short) counts like the median one.
    if (std::isfinite(raw[s]))
      weights[s] = static_cast<float>(std::min(kLargestWeight, raw[s] / *middle));
  }
  return weights;
}

}  // namespace sluice
