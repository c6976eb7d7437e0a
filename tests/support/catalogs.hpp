// Small catalogues for tests, built in memory.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "sluice/data/catalog.hpp"

namespace sluice::testing {

inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// Daily series "s0", "s1", ... of one target "y", beginning on 2024-01-01 (a Monday).
inline CatalogParts daily_parts(const std::vector<std::vector<float>>& series) {
  CatalogParts parts;
  parts.axis.frequency = parse_frequency("D");
  Channel y{"y", Role::target, {}};
  parts.offsets.push_back(0);
  const std::int64_t first = *period_of(parts.axis.frequency, *parse_time("2024-01-01"));
  for (std::size_t s = 0; s < series.size(); ++s) {
    parts.ids.push_back("s" + std::to_string(s));
    y.values.insert(y.values.end(), series[s].begin(), series[s].end());
    parts.offsets.push_back(static_cast<std::int64_t>(y.values.size()));
    parts.first.push_back(first);
  }
  parts.channels.push_back(std::move(y));
  return parts;
}

/// `count` series of `length` positive values with a weekly season and a little noise, all
/// different, no randomness.
inline std::vector<std::vector<float>> weekly_series(int count, int length) {
  std::vector<std::vector<float>> out;
  for (int s = 0; s < count; ++s) {
    auto& values = out.emplace_back();
    for (int t = 0; t < length; ++t) {
      const double noise = 0.1 * std::sin(12.9898 * (s + 1) + 78.233 * t);
      values.push_back(
          static_cast<float>((5 + 2 * s) * (1 + 0.3 * std::sin(2 * 3.14159265 * t / 7) + noise)));
    }
  }
  return out;
}

}  // namespace sluice::testing
