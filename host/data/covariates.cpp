#include "sluice/data/covariates.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace sluice {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
/// Values of a channel that are looked at for its median.
constexpr std::size_t kSample = 100'000;
/// Spreads below this are the rounding of values that never change.
constexpr double kNoSpread = 1e-6;

/// What the training part has of a channel.
struct Facts {
  float low = std::numeric_limits<float>::infinity(), high = -low;
  std::int64_t count = 0, at_low = 0, zeros = 0;
  bool two = true;  ///< no value but the first two
  float first = kMissing, second = kMissing;
  std::int64_t of_first = 0;

  void add(float x) {
    ++count;
    low = std::min(low, x), high = std::max(high, x);
    zeros += x == 0 ? 1 : 0;
    if (std::isnan(first)) first = x;
    if (x == first) {
      ++of_first;
    } else if (std::isnan(second)) {
      second = x;
    } else if (x != second) {
      two = false;
    }
  }
};

/// use(values of [0, end) of series s), series after series.
template <typename Use>
void for_each_history(const Catalog& catalog, int channel, std::span<const std::int64_t> end,
                      const Use& use) {
  for (std::int64_t s = 0; s < catalog.series_count(); ++s) {
    if (catalog.history(s) == 0) continue;
    const auto upto =
        std::clamp<std::int64_t>(end[static_cast<std::size_t>(s)], 0, catalog.length(s));
    use(catalog.values(channel, s).first(static_cast<std::size_t>(upto)));
  }
}

float median_above_zero(const Catalog& catalog, int channel, std::span<const std::int64_t> end,
                        std::int64_t count) {
  const std::size_t every = static_cast<std::size_t>(count) / kSample + 1;
  std::vector<float> sample;
  std::size_t at = 0;
  for_each_history(catalog, channel, end, [&](std::span<const float> values) {
    for (const float x : values) {
      if (x > 0 && at++ % every == 0) sample.push_back(x);
    }
  });
  if (sample.empty()) return 1;
  const auto middle = sample.begin() + static_cast<std::ptrdiff_t>(sample.size() / 2);
  std::nth_element(sample.begin(), middle, sample.end());
  return *middle;
}

CovariateMap chosen(const Catalog& catalog, int channel, std::span<const std::int64_t> end) {
  Facts facts;
  for_each_history(catalog, channel, end, [&](std::span<const float> values) {
    for (const float x : values) {
      if (!std::isnan(x)) facts.add(x);
    }
  });
  CovariateMap map;
  if (facts.count == 0 || facts.two) {
    map.encoding = Encoding::binary;
    if (facts.count == 0) return map;
    const float other = std::isnan(facts.second) ? facts.first : facts.second;
    const bool first_is_usual = 2 * facts.of_first >= facts.count;
    map.offset = first_is_usual ? facts.first : other;
    const float width = facts.high - facts.low;
    // A value that never changed: another one differs by the size of this one.
    map.scale = width > 0 ? width : std::max(std::abs(facts.first), 1.0f);
    return map;
  }
  if (facts.low > 0) {
    map.encoding = Encoding::ratio;
  } else if (facts.low == 0 && 2 * facts.zeros >= facts.count) {
    map.encoding = Encoding::amount;
    map.offset = median_above_zero(catalog, channel, end, facts.count);
  } else {
    map.encoding = Encoding::difference;
  }
  return map;
}

/// The size of the encoded values as they are `ahead` steps after their level, and their range from
/// there back to where they are their level's own step.
void fit_size(const Catalog& catalog, int channel, std::span<const std::int64_t> end, int window,
              int ahead, CovariateMap& map) {
  double squares = 0, low = 0, high = 0;
  std::int64_t count = 0;
  std::vector<float> encoded, level;
  for_each_history(catalog, channel, end, [&](std::span<const float> values) {
    encoded.resize(values.size()), level.resize(values.size());
    std::ranges::transform(values, encoded.begin(), [&](float x) { return map.value(x); });
    covariate_levels(map.encoding, encoded, window, level);
    for (std::size_t t = 0; t < encoded.size(); ++t) {
      for (const std::size_t back : {std::size_t{0}, static_cast<std::size_t>(ahead)}) {
        if (back > t) continue;
        const auto u = static_cast<double>(encoded[t]) - static_cast<double>(level[t - back]);
        if (std::isnan(u)) continue;
        squares += u * u, ++count;
        low = std::min(low, u), high = std::max(high, u);
      }
    }
  });
  if (map.encoding != Encoding::binary) {
    const double size = count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0;
    map.scale = size > kNoSpread ? static_cast<float>(size) : 1;
    low /= static_cast<double>(map.scale), high /= static_cast<double>(map.scale);
  }
  map.low = static_cast<float>(low), map.high = static_cast<float>(high);
}

}  // namespace

float CovariateMap::value(float x) const {
  switch (encoding) {
    case Encoding::ratio:
      return x > 0 ? std::log(x) / scale : kMissing;
    case Encoding::amount:
      // Below 0 there was nothing to learn from: no less than nothing.
      return std::isnan(x) ? kMissing : std::log1p(std::max(x, 0.0f) / offset) / scale;
    case Encoding::standard:
    case Encoding::binary:
    case Encoding::difference:
      break;
  }
  return (x - offset) / scale;
}

float CovariateMap::input(float value, float level) const {
  const float u = value - level;
  return std::isnan(u) ? 0.0f : std::clamp(u, low, high);
}

std::vector<CovariateMap> fit_covariates(const Catalog& catalog, int level_window, int ahead,
                                         std::span<const std::int64_t> end) {
  const int targets = catalog.count(Role::target);
  std::vector<CovariateMap> maps(catalog.channels().size() - static_cast<std::size_t>(targets));
#pragma omp parallel for schedule(dynamic)
  for (std::size_t c = 0; c < maps.size(); ++c) {
    const int channel = targets + static_cast<int>(c);
    maps[c] = chosen(catalog, channel, end);
    fit_size(catalog, channel, end, level_window, ahead, maps[c]);
  }
  return maps;
}

void covariate_levels(Encoding encoding, std::span<const float> values, int window,
                      std::span<float> level) {
  if (!has_level(encoding)) {
    std::ranges::fill(level, 0.0f);
    return;
  }
  const auto steps = static_cast<std::size_t>(window);
  double sum = 0;
  std::int64_t count = 0;
  float last = kMissing;
  for (std::size_t t = 0; t < values.size(); ++t) {
    if (!std::isnan(values[t])) sum += static_cast<double>(values[t]), ++count;
    if (t >= steps && !std::isnan(values[t - steps])) {
      sum -= static_cast<double>(values[t - steps]), --count;
    }
    if (count > 0) last = static_cast<float>(sum / static_cast<double>(count));
    level[t] = last;
  }
}

std::string encodings_text(std::span<const std::string> names,
                           std::span<const CovariateMap> covariates) {
  constexpr std::array<std::string_view, 5> kWords = {"standard", "binary", "ratio", "difference",
                                                      "amount"};
  std::string text;
  for (std::size_t c = 0; c < covariates.size(); ++c) {
    text += fmt::format("{}{} {}", c > 0 ? ", " : "", names[c],
                        kWords[static_cast<std::size_t>(covariates[c].encoding)]);
  }
  return text;
}

}  // namespace sluice
