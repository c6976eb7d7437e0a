#include "run/choice/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>

namespace sluice {

std::vector<int> dependent_groups(std::span<const Window> windows, int K) {
  std::map<std::int64_t, int> series, stretches;
  // Series end at different steps: stretches are counted from the first origin of each.
  std::vector<std::int64_t> stretch_of;
  std::int64_t first = 0;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    if (w == 0 || windows[w].series != windows[w - 1].series) first = windows[w].origin;
    stretch_of.push_back((windows[w].origin - first) / K);
    series.try_emplace(windows[w].series, static_cast<int>(series.size()));
    stretches.try_emplace(stretch_of.back(), static_cast<int>(stretches.size()));
  }
  std::vector<int> groups;
  const bool by_series = series.size() >= stretches.size();
  for (std::size_t w = 0; w < windows.size(); ++w) {
    groups.push_back(by_series ? series.at(windows[w].series) : stretches.at(stretch_of[w]));
  }
  return groups;
}

Gain gain_of(const PairedErrors& errors) {
  constexpr double kNothing = std::numeric_limits<double>::infinity();
  if (errors.group_of.empty()) return {0, kNothing};
  const auto groups = static_cast<std::size_t>(*std::ranges::max_element(errors.group_of)) + 1;
  const std::size_t targets = errors.before.size() / errors.group_of.size();
  std::vector<double> sum(groups), count(groups);
  for (std::size_t i = 0; i < errors.before.size(); ++i) {
    const double gain = errors.before[i] - errors.after[i];
    if (!std::isfinite(gain)) continue;
    const auto group = static_cast<std::size_t>(errors.group_of[i / targets]);
    sum[group] += gain;
    count[group] += 1;
  }
  double n = 0, mean = 0, squares = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    if (count[g] == 0) continue;
    const double gain = sum[g] / count[g], off = gain - mean;
    n += 1;
    mean += off / n;
    squares += off * (gain - mean);
  }
  return {mean, n < 3 ? kNothing : std::sqrt(squares / (n - 1) / n)};
}

}  // namespace sluice
