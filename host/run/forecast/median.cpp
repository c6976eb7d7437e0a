#include "run/forecast/median.hpp"

#include <cstddef>

#include "sluice/run/report.hpp"

namespace sluice {

void keep_median(Forecasts& forecasts) {
  Forecasts::Beside& median = forecasts.beside.emplace_back();
  median.name = kMedianName;
  const auto K = static_cast<std::size_t>(forecasts.K), M = static_cast<std::size_t>(forecasts.M);
  for (std::size_t r = 0; r < forecasts.series.size(); ++r) {
    for (std::size_t k = 0; k < K; ++k) {
      for (std::size_t m = 0; m < M; ++m) {
        median.points.push_back(forecasts.y(r, k, m, forecasts.median()));
      }
    }
  }
}

}  // namespace sluice
