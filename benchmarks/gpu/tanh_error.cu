// Each thread strides over the bits of a range's floats, each block leaves its worst, the host
// combines those.
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>

#include "base/block_reduce.cuh"
#include "base/launch.cuh"
#include "base/ptx.cuh"
#include "gpu/tanh_error.hpp"
#include "sluice/base/host_device.hpp"

namespace sluice::bench {
namespace {

constexpr int kThreads = 256;
constexpr int kMostBlocks = 1024;

SLUICE_HD inline TanhError worse(const TanhError& a, const TanhError& b) {
  TanhError out = a;
  if (b.absolute > a.absolute) out.absolute = b.absolute, out.absolute_at = b.absolute_at;
  if (b.relative > a.relative) out.relative = b.relative, out.relative_at = b.relative_at;
  return out;
}

__device__ TanhError error_at(float x) {
  const double expected = tanh(static_cast<double>(x));
  const double error = fabs(static_cast<double>(tanh_approx(x)) - expected);
  if (!(error <= 2)) return {INFINITY, x, INFINITY, x};  // NaN
  const double relative = error == 0 ? 0 : error / fabs(expected);
  return {static_cast<float>(error), x, static_cast<float>(relative), x};
}

/// Floats from `first` on, all with the sign bit clear; `count` of them, `step` apart but for the
/// last, which is `last`.
struct Bits {
  std::uint32_t first, last;
  std::int64_t step, count;
};

__global__ void tanh_error_kernel(Bits bits, TanhError* out) {
  TanhError mine{0, 0, 0, 0};
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
       i < bits.count; i += stride) {
    const std::int64_t at = bits.first + i * bits.step;
    const float x = __uint_as_float(at < bits.last ? static_cast<std::uint32_t>(at) : bits.last);
    mine = worse(mine, worse(error_at(x), error_at(-x)));
  }
  const TanhError block = block_reduce(mine, worse);
  if (threadIdx.x == 0) out[blockIdx.x] = block;
}

Bits bits_of(const TanhRange& range, std::int64_t step) {
  Bits bits{};
  bits.first = std::bit_cast<std::uint32_t>(range.from);
  bits.last = std::bit_cast<std::uint32_t>(range.to) - (std::isinf(range.to) ? 0 : 1);
  bits.step = step;
  bits.count = (std::int64_t{bits.last} - bits.first + step - 1) / step + 1;
  return bits;
}

}  // namespace

std::span<const TanhRange> tanh_ranges() {
  static const std::array<TanhRange, 8> ranges{{{"below 1.2e-38", 0, FLT_MIN},
                                                {"1.2e-38..1e-4", FLT_MIN, 1e-4f},
                                                {"1e-4..1e-3", 1e-4f, 1e-3f},
                                                {"1e-3..1e-2", 1e-3f, 1e-2f},
                                                {"1e-2..0.1", 1e-2f, 0.1f},
                                                {"0.1..1", 0.1f, 1},
                                                {"1..10", 1, 10},
                                                {"from 10", 10, INFINITY}}};
  return ranges;
}

TanhProbe::TanhProbe(DeviceContext& context)
    : context_(&context), blocks_(context.memory(), kMostBlocks, "errors of tanh") {}

void TanhProbe::run(const TanhRange& range, std::int64_t step) {
  const Bits bits = bits_of(range, step);
  set_zero(blocks_.span(), context_->stream());  // fewer blocks may run than there are
  launch(tanh_error_kernel,
         {.blocks = std::min<std::int64_t>(kMostBlocks, blocks_for(bits.count, kThreads)),
          .threads = kThreads,
          .shared_bytes = kThreads * sizeof(TanhError)},
         context_->stream(), bits, blocks_.data());
}

TanhError TanhProbe::result() const {
  PinnedBuffer<TanhError> host(blocks_.size(), "errors of tanh");
  copy_to_host(DeviceSpan<const TanhError>(blocks_.span()), host.span(), context_->stream());
  context_->synchronize();
  TanhError all;
  for (const TanhError& block : host.span()) all = worse(all, block);
  return all;
}

std::int64_t TanhProbe::inputs(const TanhRange& range, std::int64_t step) {
  return 2 * bits_of(range, step).count;
}

}  // namespace sluice::bench
