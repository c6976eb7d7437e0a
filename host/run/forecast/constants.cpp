#include "run/forecast/constants.hpp"

#include <cmath>
#include <cstdint>
#include <optional>

namespace sluice {
namespace {

/// The one value of target m in steps [0, end) of series s, of which there are `least`.
std::optional<float> only_value(const Catalog& catalog, int m, std::int64_t s, std::int64_t end,
                                std::int64_t least) {
  std::optional<float> only;
  std::int64_t count = 0;
  for (const float value : catalog.values(m, s).first(static_cast<std::size_t>(end))) {
    if (std::isnan(value)) continue;
    if (only && *only != value) return std::nullopt;
    only = value;
    ++count;
  }
  return count >= least ? only : std::nullopt;
}

}  // namespace

void keep_constants(const ModelSpec& spec, const Catalog& catalog, std::span<const Window> windows,
                    std::size_t J, WindowForecasts& made) {
  const auto K = static_cast<std::size_t>(spec.K), M = static_cast<std::size_t>(spec.M);
  const std::size_t paths = windows.empty() ? 0 : made.paths.size() / (windows.size() * K * M);
#pragma omp parallel for schedule(static)
  for (std::int64_t r = 0; r < std::ssize(windows); ++r) {
    const Window& w = windows[static_cast<std::size_t>(r)];
    for (std::size_t m = 0; m < M; ++m) {
      const std::optional<float> only =
          only_value(catalog, static_cast<int>(m), w.series, w.origin + 1, spec.T);
      if (!only) continue;
      for (std::size_t k = 0; k < K; ++k) {
        const std::size_t cell = (static_cast<std::size_t>(r) * K + k) * M + m;
        if (!made.mean.empty()) made.mean[cell] = *only;
        for (std::size_t j = 0; j < J; ++j) made.values[cell * J + j] = *only;
      }
      const std::size_t first = static_cast<std::size_t>(r) * paths * K;
      for (std::size_t i = 0; i < paths * K; ++i) made.paths[(first + i) * M + m] = *only;
    }
  }
}

}  // namespace sluice
