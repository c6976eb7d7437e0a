#include "model/simple/intermittent.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "model/simple/golden_section.hpp"

namespace sluice::simple {
namespace {

constexpr double kCrostonAlpha = 0.1, kDebiased = 0.95;

std::vector<double> demands(std::span<const double> y) {
  std::vector<double> out;
  std::copy_if(y.begin(), y.end(), std::back_inserter(out), [](double v) { return v != 0; });
  return out;
}

/// Steps from each demand to the one before it, the first from the beginning.
std::vector<double> intervals(std::span<const double> y) {
  std::vector<double> out;
  double since = 0;
  for (const double v : y) {
    ++since;
    if (v == 0) continue;
    out.push_back(since);
    since = 0;
  }
  return out;
}

}  // namespace

double smoothed(std::span<const double> y, double alpha) {
  double level = y.front();
  for (const double v : y.subspan(1)) level += alpha * (v - level);
  return level;
}

double best_alpha(std::span<const double> y, double low, double high) {
  return golden_section(low, high, [&](double alpha) {
    double level = y.front(), sum = 0;
    for (const double v : y.subspan(1)) {
      sum += (v - level) * (v - level);
      level += alpha * (v - level);
    }
    return sum;
  });
}

double tsb(std::span<const double> y, double alpha_demand, double alpha_probability) {
  const std::vector<double> sizes = demands(y);
  if (sizes.empty()) return 0;
  std::vector<double> comes;
  for (const double v : y) comes.push_back(v == 0 ? 0 : 1);
  return smoothed(sizes, alpha_demand) * smoothed(comes, alpha_probability);
}

double adida(std::span<const double> y) {
  const std::vector<double> between = intervals(y);
  if (between.empty()) return 0;
  const double mean =
      std::accumulate(between.begin(), between.end(), 0.0) / static_cast<double>(between.size());
  const auto together = static_cast<std::size_t>(std::nearbyint(mean));
  std::vector<double> sums;
  for (std::size_t t = y.size() % together; t < y.size(); t += together) {
    const auto part = y.subspan(t, together);
    sums.push_back(std::accumulate(part.begin(), part.end(), 0.0));
  }
  return smoothed(sums, best_alpha(sums, 0.1, 0.3)) / static_cast<double>(together);
}

double croston_sba(std::span<const double> y) {
  const std::vector<double> sizes = demands(y);
  if (sizes.empty()) return 0;
  return kDebiased * smoothed(sizes, kCrostonAlpha) / smoothed(intervals(y), kCrostonAlpha);
}

}  // namespace sluice::simple
