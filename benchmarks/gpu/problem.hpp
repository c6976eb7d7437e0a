// The numbers of one shape: arrays filled on the device by a counter-based generator, so that no
// large array is ever on the host, and what double precision makes of them for a few of the series
// ("probes"). Gradients are compared with dh zero outside the probes: then dW, dR and db are sums
// over the probes alone, and double precision can follow at any batch size.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/device_buffer.hpp"
#include "engine/context.hpp"
#include "gpu/bench.hpp"
#include "gpu/fill.hpp"

namespace sluice::bench {

/// Weights of the whole stack: per layer W [4H,I or H], R [4H,H], b [4H]; gates i, f, g, o.
std::int64_t weight_count(const GpuShape& shape);

class Problem {
 public:
  /// Allocates and queues the filling of the arrays; dh only for backward and train. The weights
  /// are uniform in +-1/sqrt(H), as PyTorch starts, x and dh in +-1. The context outlives it.
  Problem(const GpuShape& shape, Phase phase, DeviceContext& context);

  const GpuShape& shape() const { return shape_; }
  DeviceSpan<const float> weights() const { return weights_.span(); }  ///< [weight_count]
  DeviceSpan<const float> x() const { return x_.span(); }              ///< [T,B,I]
  DeviceSpan<const float> dh() const { return dh_.span(); }            ///< [T,B,H]

  /// Largest error of h [T,B,H] of the top layer over the probes, relative to the largest value of
  /// the reference. Blocks; computes the reference.
  double forward_error(DeviceSpan<const float> h);
  /// The same for the last step alone, h [B,H].
  double last_error(DeviceSpan<const float> h);
  /// `run` queues forward and backward from dh(). Makes dh zero outside the probes, runs, puts dh
  /// back. dx [T,B,I] (may be empty) and dweights [weight_count] in PyTorch's layout are read;
  /// the error is the largest of the two, each relative to its reference's largest value. Blocks.
  double gradient_error(const std::function<void()>& run, DeviceSpan<const float> dx,
                        DeviceSpan<const float> dweights);

 private:
  std::vector<float> probe_rows(DeviceSpan<const float> array, int steps, int width);

  GpuShape shape_;
  DeviceContext* context_;
  Probes probes_;
  DeviceBuffer<float> weights_, x_, dh_;
};

/// Relative error that a type's forward and gradients may have over T steps: fp32 1e-5 a step, tf32
/// and fp16 (both 10 bits of mantissa) 2e-3, bf16 2e-2.
double tolerance_of(Number number, int T);

}  // namespace sluice::bench
