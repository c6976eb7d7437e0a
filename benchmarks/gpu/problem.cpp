#include "gpu/problem.hpp"

#include <algorithm>
#include <cmath>

#include "gpu/double_lstm.hpp"
#include "gpu/roof.hpp"

namespace sluice::bench {
namespace {

enum Content : std::uint64_t { kWeights = 1, kX, kDh };

float weight_range(const GpuShape& s) { return 1 / std::sqrt(static_cast<float>(s.H)); }

/// As many as double precision does in about a second, spread over the batch: the first and the
/// last series among them, where tiles are ragged.
Probes choose_probes(const GpuShape& shape) {
  GpuShape one = shape;
  one.B = 1;
  constexpr double kMostFlops = 2e9;
  const double cost = demand_of(one, Phase::train, Number::fp32).flops;
  Probes probes;
  probes.count = static_cast<int>(std::clamp(kMostFlops / cost, 1.0, double{kMostProbes}));
  probes.count = std::min(probes.count, shape.B);
  for (int p = 0; p < probes.count; ++p) {
    probes.series[p] = probes.count == 1
                           ? shape.B - 1
                           : static_cast<int>(std::int64_t{shape.B - 1} * p / (probes.count - 1));
  }
  return probes;
}

/// Rows (t, probe) of an array [T,B,width] as fill_random() fills it.
std::vector<double> rows_of(Content content, const GpuShape& s, int width, const Probes& probes) {
  std::vector<double> out;
  for (std::int64_t t = 0; t < s.T; ++t) {
    for (int p = 0; p < probes.count; ++p) {
      for (std::int64_t k = 0; k < width; ++k) {
        out.push_back(random_value(content, (t * s.B + probes.series[p]) * width + k, 1));
      }
    }
  }
  return out;
}

/// The reference of a shape. The last one is kept: the cases of a shape follow one another.
const DoubleLstm& reference_of(const GpuShape& s, const Probes& probes) {
  static GpuShape last;
  static DoubleLstm kept;
  if (kept.h.empty() || !(last == s)) {
    std::vector<double> weights;
    for (std::int64_t i = 0; i < weight_count(s); ++i) {
      weights.push_back(random_value(kWeights, i, weight_range(s)));
    }
    kept = double_lstm(s, probes.count, weights, rows_of(kX, s, s.I, probes),
                       rows_of(kDh, s, s.H, probes));
    last = s;
  }
  return kept;
}

std::vector<float> to_host(DeviceSpan<const float> from, DeviceContext& context) {
  PinnedBuffer<float> pinned(from.size(), "results to compare");
  copy_to_host(from, pinned.span(), context.stream());
  context.synchronize();
  return {pinned.span().begin(), pinned.span().end()};
}

}  // namespace

std::int64_t weight_count(const GpuShape& s) {
  std::int64_t count = 0;
  for (int l = 0; l < s.L; ++l) count += 4LL * s.H * ((l == 0 ? s.I : s.H) + s.H + 1);
  return count;
}

Problem::Problem(const GpuShape& shape, Phase phase, DeviceContext& context)
    : shape_(shape),
      context_(&context),
      probes_(choose_probes(shape)),
      weights_(context.memory(), weight_count(shape), "weights of the benchmark"),
      x_(context.memory(), std::int64_t{shape.T} * shape.B * shape.I, "x of the benchmark") {
  fill_random(weights_.span(), kWeights, weight_range(shape), context.stream());
  fill_random(x_.span(), kX, 1, context.stream());
  if (phase == Phase::forward) return;
  dh_ = DeviceBuffer<float>(context.memory(), std::int64_t{shape.T} * shape.B * shape.H,
                            "dh of the benchmark");
  fill_random(dh_.span(), kDh, 1, context.stream());
}

std::vector<float> Problem::probe_rows(DeviceSpan<const float> array, int steps, int width) {
  const DeviceBuffer<float> rows(context_->memory(), std::int64_t{steps} * probes_.count * width,
                                 "probe rows");
  gather_probes(array, shape_.B, width, probes_, rows.span(), context_->stream());
  return to_host(rows.span(), *context_);
}

double Problem::forward_error(DeviceSpan<const float> h) {
  return relative_error(probe_rows(h, shape_.T, shape_.H), reference_of(shape_, probes_).h);
}

double Problem::last_error(DeviceSpan<const float> h) {
  const std::vector<double>& all = reference_of(shape_, probes_).h;
  const std::ptrdiff_t last = std::ptrdiff_t{probes_.count} * shape_.H;
  return relative_error(probe_rows(h, 1, shape_.H), {all.end() - last, all.end()});
}

double Problem::gradient_error(const std::function<void()>& run, DeviceSpan<const float> dx,
                               DeviceSpan<const float> dweights) {
  keep_probes(dh_.span(), shape_.B, shape_.H, probes_, context_->stream());
  run();
  const DoubleLstm& reference = reference_of(shape_, probes_);
  double error = relative_error(to_host(dweights, *context_), reference.dweights);
  if (!dx.empty()) {
    error = std::max(error, relative_error(probe_rows(dx, shape_.T, shape_.I), reference.dx));
  }
  fill_random(dh_.span(), kDh, 1, context_->stream());
  return error;
}

double tolerance_of(Number number, int T) {
  switch (number) {
    case Number::tf32:
    case Number::fp16:
      return 2e-3;
    case Number::bf16:
      return 2e-2;
    case Number::fp32:
      break;
  }
  return 1e-5 * T;
}

}  // namespace sluice::bench
