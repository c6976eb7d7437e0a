#include "engine/cpu/outputs.hpp"

#include <algorithm>
#include <array>

#include "sluice/model/likelihood.hpp"
#include "sluice/model/loss.hpp"

namespace sluice {
namespace {

using Outputs = std::array<double, kMostParameters>;

Outputs outputs_of(const ModelSpec& spec, const float* u) {
  Outputs outputs = {};
  std::copy_n(u, spec.Q(), outputs.begin());
  return outputs;
}

TargetMap map_of(const ModelSpec& spec, const WindowRows& batch, std::int64_t n, std::int64_t i) {
  return target_map(batch, spec.loss, static_cast<int>(i % spec.M), n, batch.windows[n].origin);
}

// Mean over the outputs.
double point_loss(const ModelSpec& spec, const float* u, float target) {
  double sum = 0;
  for (int q = 0; q < spec.Q(); ++q) {
    const float parameter = spec.loss == Loss::quantile
                                ? spec.quantiles[static_cast<std::size_t>(q)]
                                : spec.huber_delta;
    sum += static_cast<double>(loss_value(spec.loss, u[q] - target, parameter).value);
  }
  return sum / spec.Q();
}

}  // namespace

double output_loss(const ModelSpec& spec, const WindowRows& batch, std::int64_t n, std::int64_t i,
                   const float* u, float target) {
  if (!is_distribution(spec.loss)) return point_loss(spec, u, target);
  const Outputs outputs = outputs_of(spec, u);
  const TargetMap map = map_of(spec, batch, n, i);
  return with_distribution(spec.loss, [&](auto loss) {
    return likelihood_value<decltype(loss)::value>(outputs.data(), static_cast<double>(target), map,
                                                   static_cast<double>(spec.tweedie_power))
        .value;
  });
}

void write_output(const ModelSpec& spec, const WindowRows& batch, std::int64_t n, std::int64_t i,
                  const float* u, std::span<const float> offsets, float* y) {
  if (is_distribution(spec.loss)) {
    const DistributionParameters made =
        distribution_parameters(spec.loss, outputs_of(spec, u).data(), map_of(spec, batch, n, i),
                                static_cast<double>(spec.tweedie_power));
    const Outputs parameters = {made.location, made.spread, made.shape};
    for (int q = 0; q < spec.Q(); ++q) {
      y[q] = static_cast<float>(parameters[static_cast<std::size_t>(q)]);
    }
    return;
  }
  const int m = static_cast<int>(i % spec.M);
  const Window& window = batch.windows[n];
  const Affine a = row_affine(batch, m, n, window.origin);
  const std::size_t J = offsets.empty() ? static_cast<std::size_t>(spec.Q()) : offsets.size();
  for (std::size_t j = 0; j < J; ++j) {
    const float moved = offsets.empty() ? u[j] : u[0] + offsets[j];
    y[j] = to_y(batch.space, m, window.series, (moved + a.o) / a.s);
  }
}

}  // namespace sluice
