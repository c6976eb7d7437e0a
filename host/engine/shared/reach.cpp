#include "engine/shared/reach.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace sluice {

Reach reach_of(const ModelSpec& network) {
  Reach reach;
  for (const int lag : network.lags) {
    reach.lookback = std::max<std::int64_t>(reach.lookback, lag);
  }
  reach.lookback =
      std::max<std::int64_t>({reach.lookback, network.context, network.seasonal_context,
                              network.level_change ? network.base_season : 0});
  const bool walks = network.base != Base::none && network.base != Base::smoothing;
  reach.base_season = network.base == Base::last ? 1 : network.base_season;
  if (walks) reach.base_lookback = reach.base_season;
  return reach;
}

std::int64_t longest_walk(const float* v, std::int64_t length, int season) {
  constexpr std::int64_t kLeading = -1;
  std::vector<std::int64_t> gap(static_cast<std::size_t>(season), kLeading);  // steps of t % season
  std::int64_t longest = 0;
  for (std::int64_t t = 0; t < length; ++t) {
    std::int64_t& seasons = gap[static_cast<std::size_t>(t % season)];
    if (!std::isnan(v[t])) {
      seasons = 0;
    } else if (seasons != kLeading) {
      longest = std::max(longest, ++seasons);
    }
  }
  return longest * season;
}

}  // namespace sluice
