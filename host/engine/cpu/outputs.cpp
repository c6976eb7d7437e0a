#include "engine/cpu/outputs.hpp"

#include <algorithm>
#include <array>
#include <cmath>

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

int median_output(const ModelSpec& spec) {
  for (int q = 0; q < spec.Q() && spec.loss == Loss::quantile; ++q) {
    if (spec.quantiles[static_cast<std::size_t>(q)] == 0.5f) return q;
  }
  return 0;
}

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

double point_and_slope(const ModelSpec& spec, const WindowRows& batch, std::int64_t n,
                       std::int64_t i, const float* u, const AttributionSettings& settings,
                       double* slope) {
  const int m = static_cast<int>(i % spec.M);
  const Window& window = batch.windows[n];
  const SpaceView& space = batch.space;
  std::fill_n(slope, spec.Q(), 0.0);
  if (is_distribution(spec.loss)) {
    const TargetMap map = map_of(spec, batch, n, i);
    const auto point = [&](const Outputs& outputs) {
      const DistributionParameters made = distribution_parameters(
          spec.loss, outputs.data(), map, static_cast<double>(spec.tweedie_power));
      const Outputs parameters = {made.location, made.spread, made.shape};
      return settings.point(window.series, m,
                            std::span(parameters).first(static_cast<std::size_t>(spec.Q())));
    };
    const Outputs outputs = outputs_of(spec, u);
    for (int q = 0; q < spec.Q(); ++q) {
      // In double a central difference of this width is good to nine digits.
      const auto place = static_cast<std::size_t>(q);
      const double width = 1e-5 * (1 + std::abs(outputs[place]));
      Outputs up = outputs, down = outputs;
      up[place] += width, down[place] -= width;
      slope[q] = (point(up) - point(down)) / (up[place] - down[place]);
    }
    return point(outputs);
  }
  const int q = median_output(spec);
  const Affine a = row_affine(batch, m, n, window.origin);
  const double v =
      (static_cast<double>(u[q]) + static_cast<double>(a.o)) / static_cast<double>(a.s);
  const std::int64_t at = m * space.series + window.series;
  const auto scale = static_cast<double>(space.scale[at]);
  constexpr auto kSlope = static_cast<double>(kAsinhSlope);
  const double value = space.space == Space::log     ? std::exp(v)
                       : space.space == Space::asinh ? std::sinh(v) / kSlope
                                                     : v;
  const double rate = space.space == Space::log     ? value
                      : space.space == Space::asinh ? std::cosh(v) / kSlope
                                                    : 1;
  slope[q] = rate * scale / static_cast<double>(a.s);
  return value * scale + static_cast<double>(space.shift[at]);
}

}  // namespace sluice
