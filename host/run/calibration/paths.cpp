#include "run/calibration/paths.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "base/checksum.hpp"
#include "run/calibration/dependence.hpp"
#include "sluice/model/sampling.hpp"

namespace sluice {

int sample_count(const Model& model) {
  constexpr int kPaths = 200;  // as DeepAR draws
  return model.config.forecast.samples.value_or(kPaths);
}

std::vector<std::uint64_t> path_streams(const Catalog& catalog, int M,
                                        std::span<const Window> windows) {
  std::vector<std::uint64_t> streams;
  for (const Window& window : windows) {
    for (int m = 0; m < M; ++m) {
      Checksum stream;
      stream.add(std::string_view(catalog.id(window.series)));
      stream.add(std::string_view(catalog.target(m).name));
      stream.add(static_cast<std::uint64_t>(catalog.period(window.series, window.origin)));
      streams.push_back(stream.value());
    }
  }
  return streams;
}

void follow_quantiles(std::span<const float> quantiles, std::span<const double> scores,
                      std::uint64_t seed, std::uint64_t stream, std::span<double> paths,
                      std::size_t K) {
  const std::size_t J = scores.size(), P = paths.size() / K;
  const std::vector<double> values(quantiles.begin(), quantiles.end());
  std::vector<std::size_t> order(P);
  std::vector<double> among(P);
  for (std::size_t k = 0; k < K; ++k) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t p = 0; p < P; ++p) among[p] = path_uniforms(~seed, stream, p, k).first;
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      const double left = paths[a * K + k], right = paths[b * K + k];
      return left < right || (left == right && among[a] < among[b]);
    });
    for (std::size_t rank = 0; rank < P; ++rank) {
      const double p = (static_cast<double>(rank) + 0.5) / static_cast<double>(P);
      paths[order[rank] * K + k] =
          value_at_score(sampling::normal_quantile(p), std::span(values).subspan(k * J, J), scores);
    }
  }
}

}  // namespace sluice
