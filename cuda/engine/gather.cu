// Memory bound throughout: a row of x or of the head's context is a copy with one multiplication
// and one subtraction an element.
#include "engine/gather.hpp"

#include <cmath>
#include <type_traits>

#include "base/launch.cuh"
#include "recurrence/shared/elements.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 128;
constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kHeadLanes = 8;  // threads of a row of the head: 32 bytes, a sector, at a time
constexpr std::int64_t kSharedFloats = kMostPitchedInputs + 1;

/// The floats behind each other of one staged row: an odd number, so that the threads of a warp,
/// each in its own row, write to different banks.
SLUICE_HD constexpr int pitch_of(int C) { return C | 1; }

// One thread a row of x, which is many small pieces from all over the catalogue. The block puts its
// `staged` rows together in shared memory and writes them as one run; rows that are too long for
// that (staged = 0) go straight to memory, a block's worth at a time: floats, without a pitch.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    inputs_kernel(WindowRows rows, int staged, std::int64_t pitch, T* __restrict__ x) {
  const int C = rows.space.C, thread = static_cast<int>(threadIdx.x);
  const std::int64_t count = patches(rows.space) * rows.N;
  const int block_rows = staged > 0 ? staged : static_cast<int>(blockDim.x);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * block_rows;
  const std::int64_t r = first + thread;
  float* shared = shared_memory<float>();
  if (thread < block_rows && r < count) {
    float* row = shared + thread * pitch_of(C);
    if constexpr (std::is_same_v<T, float>) {
      if (staged == 0) row = x + r * C;
    }
    input_row(rows, r % rows.N, static_cast<int>(r / rows.N), row);
  }
  if (staged == 0) return;
  __syncthreads();
  const int live = count - first < block_rows ? static_cast<int>(count - first) : block_rows;
  for (int i = thread; i < live * C; i += static_cast<int>(blockDim.x)) {
    const int row = i / C;
    const int column = i - row * C;
    x[(first + row) * pitch + column] = from_float<T>(shared[row * pitch_of(C) + column]);
  }
}

// kHeadLanes threads a row.
__global__ void __launch_bounds__(kThreads)
    head_kernel(WindowRows rows, int first_step, std::int64_t row, std::int64_t count, int F,
                float* __restrict__ context, float* __restrict__ base, float* __restrict__ target) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t i = thread / kHeadLanes;
  const int lane = static_cast<int>(threadIdx.x) % kHeadLanes;
  if (i >= count) return;
  const std::int64_t r = row + i, n = r % rows.N, KM = rows.space.K * rows.space.M;
  const std::int64_t t = patch_end(rows.space, rows.windows[n], first_step + static_cast<int>(r / rows.N));
  context_row<kHeadLanes>(rows, n, t, F, context + i * F, lane);
  base_row<kHeadLanes>(rows, n, t, base + i * KM, lane);
  if (target != nullptr) target_row<kHeadLanes>(rows, n, t, target + i * KM, lane);
}

/// The sum over the warp, in an order that never changes.
template <typename T>
__device__ inline T warp_sum(T value) {
  for (int bits = kWarp / 2; bits > 0; bits /= 2) value += __shfl_xor_sync(kAllLanes, value, bits);
  return value;
}

/// Bits that order as the floats do.
__device__ inline std::uint32_t ordered_bits(float x) {
  const std::uint32_t bits = __float_as_uint(x);
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
}
__device__ inline float from_ordered_bits(std::uint32_t bits) {
  return __uint_as_float((bits >> 31) != 0 ? bits & 0x7fffffffu : ~bits);
}

/// The value of `rank` (from 0) among the values of v [T] that are not missing: bit by bit, the
/// largest number with no more than `rank` values below it. No memory, any T; all lanes of the warp
/// call it.
__device__ inline float value_of_rank(const float* v, int T, int rank) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  std::uint32_t found = 0;
  for (std::uint32_t bit = 0x80000000u; bit != 0; bit >>= 1) {
    const std::uint32_t trial = found | bit;
    int below = 0;
    for (int t = lane; t < T; t += kWarp) {
      below += !std::isnan(v[t]) && ordered_bits(v[t]) < trial ? 1 : 0;
    }
    if (warp_sum(below) <= rank) found = trial;
  }
  return from_ordered_bits(found);
}

// One warp a window and target. The sums are those of the host's Gather in another order.
__global__ void __launch_bounds__(kThreads)
    window_kernel(WindowRows rows, WindowScaling scaling, Affine* __restrict__ affine) {
  const SpaceView& space = rows.space;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const std::int64_t i = thread / kWarp;
  if (i >= rows.N * space.M) return;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const Window window = rows.windows[i / space.M];
  const std::int64_t start = window.origin - space.T + 1;
  const std::int64_t first = start < 0 ? 0 : start;
  const int T = window.origin < 0 ? 0 : static_cast<int>(window.origin - first) + 1;
  const float* v = space.v + i % space.M * space.total + space.offset[window.series] + first;
  double sum = 0, absolute = 0, squares = 0;
  int count = 0;
  for (int t = lane; t < T; t += kWarp) {
    if (std::isnan(v[t])) continue;
    const auto value = static_cast<double>(v[t]);
    sum += value, absolute += std::fabs(value), squares += value * value;
    ++count;
  }
  sum = warp_sum(sum), absolute = warp_sum(absolute), squares = warp_sum(squares);
  count = warp_sum(count);
  double centre = 0, spread = 1;
  if (count > 0 && scaling == WindowScaling::mean) {
    spread = absolute / count;
  } else if (count > 0 && scaling == WindowScaling::standard) {
    centre = sum / count;
    const double variance = squares / count - centre * centre;
    spread = std::sqrt(variance > 0 ? variance : 0.0);
  } else if (count > 0) {
    const auto at = [&](double q) {
      return static_cast<double>(value_of_rank(v, T, static_cast<int>(q * (count - 1))));
    };
    centre = at(0.5);
    spread = (at(0.75) - at(0.25)) / 1.349;
  }
  if (lane == 0) affine[i] = window_map(centre, spread);
}

// One thread a value of y.
__global__ void __launch_bounds__(kThreads)
    forecast_kernel(WindowRows rows, int Q, const float* __restrict__ u,
                    const float* __restrict__ offsets, int J, float* __restrict__ y) {
  const SpaceView& space = rows.space;
  const std::int64_t KM = space.K * space.M;
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= rows.N * KM * J) return;
  const std::int64_t output = i / J, n = output / KM;
  const auto m = static_cast<int>(output % space.M);
  const Window window = rows.windows[n];
  const Affine a = row_affine(rows, m, n, window.origin);
  const float moved =
      offsets == nullptr ? u[output * Q + i % J] : u[output * Q] + offsets[i % (KM * J)];
  y[i] = to_y(space, m, window.series, (moved + a.o) / a.s);
}

__global__ void __launch_bounds__(kThreads)
    residual_kernel(std::int64_t size, int Q, int median, const float* __restrict__ u,
                    const float* __restrict__ target, float* __restrict__ residual) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < size) residual[i] = target[i] - u[i * Q + median];
}

template <typename T>
void launch_inputs(const WindowRows& rows, T* x, std::int64_t pitch, cudaStream_t stream) {
  const int C = rows.space.C;
  const std::int64_t fit = kSharedFloats / pitch_of(C);
  const auto staged = static_cast<int>(fit < kThreads ? fit : kThreads);
  if (staged == 0 && (pitch != C || !std::is_same_v<T, float>)) {
    throw InternalError("rows of inputs that are too long for a pitch of their own");
  }
  const std::int64_t blocks =
      blocks_for(patches(rows.space) * rows.N, staged > 0 ? staged : kThreads);
  launch(inputs_kernel<T>,
         {.blocks = blocks,
          .threads = kThreads,
          .shared_bytes = static_cast<std::size_t>(staged * pitch_of(C)) * sizeof(float)},
         stream, rows, staged, pitch, x);
}

}  // namespace

void gather_inputs(const WindowRows& rows, DeviceSpan<float> x, cudaStream_t stream) {
  launch_inputs(rows, x.data(), rows.space.C, stream);
}

void gather_inputs(const WindowRows& rows, Bf16* x, std::int64_t pitch, cudaStream_t stream) {
  launch_inputs(rows, x, pitch, stream);
}

void gather_inputs(const WindowRows& rows, float* x, std::int64_t pitch, cudaStream_t stream) {
  launch_inputs(rows, x, pitch, stream);
}

void gather_head(const WindowRows& rows, int first_step, std::int64_t row, std::int64_t count,
                 int F, float* context, float* base, float* target, cudaStream_t stream) {
  launch(head_kernel, {.blocks = blocks_for(count * kHeadLanes, kThreads), .threads = kThreads},
         stream, rows, first_step, row, count, F, context, base, target);
}

void fit_windows(const WindowRows& rows, WindowScaling scaling, DeviceSpan<Affine> affine,
                 cudaStream_t stream) {
  launch(window_kernel,
         {.blocks = blocks_for(rows.N * rows.space.M * kWarp, kThreads), .threads = kThreads},
         stream, rows, scaling, affine.data());
}

void forecast_rows(const WindowRows& rows, int Q, const float* u, const float* offsets, int J,
                   float* y, cudaStream_t stream) {
  const std::int64_t size = rows.N * rows.space.K * rows.space.M * J;
  launch(forecast_kernel, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream, rows,
         Q, u, offsets, J, y);
}

void residual_rows(std::int64_t size, int Q, int median, const float* u, const float* target,
                   float* residual, cudaStream_t stream) {
  launch(residual_kernel, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream, size,
         Q, median, u, target, residual);
}

}  // namespace sluice
