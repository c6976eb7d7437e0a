// Windows into rows. Inputs: a thread assembles a row in shared memory and the block writes its
// rows, which lie behind each other, together; so the writes are whole lines although rows are
// short. The head's rows are long: a warp assembles one, its lanes side by side.
#include <algorithm>

#include "base/launch.cuh"
#include "engine/device_gather.hpp"

namespace sluice {
namespace {

constexpr int kWarp = 32;
constexpr int kThreads = 256;
constexpr std::int64_t kRowBytes = 48 * 1024;  // shared memory of a block of inputs

/// Floats between rows in shared memory: odd, so that the threads of a warp hit different banks.
__device__ inline int row_stride(int C) { return C | 1; }

__global__ void gather_input_rows(WindowRows rows, std::int64_t count, float* x) {
  float* shared = shared_memory<float>();
  const int C = rows.space.C, stride = row_stride(C), threads = static_cast<int>(blockDim.x);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * threads;
  const int here = static_cast<int>(first + threads <= count ? threads : count - first);
  const int thread = static_cast<int>(threadIdx.x);
  if (thread < here) {
    const std::int64_t row = first + thread;
    input_row(rows, row % rows.N, static_cast<int>(row / rows.N), shared + thread * stride);
  }
  __syncthreads();
  for (int i = thread; i < here * C; i += threads) {
    x[first * C + i] = shared[i / C * stride + i % C];
  }
}

__global__ void gather_head_rows(WindowRows rows, int first_step, std::int64_t row,
                                 std::int64_t count, int F, float* context, float* base,
                                 float* target) {
  const std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  if (i >= count) return;
  const int lane = static_cast<int>(threadIdx.x % kWarp);
  const std::int64_t n = (row + i) % rows.N;
  const std::int64_t t =
      rows.windows[n].origin - rows.space.T + 1 + first_step + (row + i) / rows.N;
  const std::int64_t KM = static_cast<std::int64_t>(rows.space.K) * rows.space.M;
  context_row<kWarp>(rows, n, t, F, context + i * F, lane);
  base_row<kWarp>(rows, n, t, base + i * KM, lane);
  if (target != nullptr) target_row<kWarp>(rows, n, t, target + i * KM, lane);
}

/// One block a (window, target). Sums are made by one thread in the order of the steps, as on the
/// host; quartiles by counting: the value with so many smaller ones before it.
__global__ void fit_window_rows(WindowRows rows, WindowScaling scaling, Affine* affine) {
  float* quartile = shared_memory<float>();  // at 0.25, 0.5, 0.75
  const SpaceView& space = rows.space;
  const auto index = static_cast<std::int64_t>(blockIdx.x);
  const std::int64_t n = index / space.M;
  const int m = static_cast<int>(index % space.M);
  const Window w = rows.windows[n];
  const float* v = space.v + m * space.total + space.offset[w.series];
  const std::int64_t begin = w.origin - space.T + 1 > 0 ? w.origin - space.T + 1 : 0;
  std::int64_t seen = 0;
  for (std::int64_t t = begin; t <= w.origin; ++t) seen += std::isnan(v[t]) ? 0 : 1;
  if (scaling == WindowScaling::robust && seen > 0) {
    for (std::int64_t t = begin + threadIdx.x; t <= w.origin; t += blockDim.x) {
      if (std::isnan(v[t])) continue;
      std::int64_t rank = 0;
      for (std::int64_t other = begin; other <= w.origin; ++other) {
        rank += v[other] < v[t] || (v[other] == v[t] && other < t) ? 1 : 0;
      }
      for (int q = 0; q < 3; ++q) {
        const auto place =
            static_cast<std::int64_t>(0.25 * (q + 1) * static_cast<double>(seen - 1));
        if (rank == place) quartile[q] = v[t];
      }
    }
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  double shift = 0, scale = 1;
  const auto count = static_cast<double>(seen);
  if (seen > 0 && scaling == WindowScaling::robust) {
    shift = static_cast<double>(quartile[1]);
    scale = (static_cast<double>(quartile[2]) - static_cast<double>(quartile[0])) / 1.349;
  } else if (seen > 0) {
    double sum = 0, absolute = 0, squares = 0;
    for (std::int64_t t = begin; t <= w.origin; ++t) {
      if (std::isnan(v[t])) continue;
      const auto x = static_cast<double>(v[t]);
      sum += x;
      absolute += std::abs(x);
      squares += x * x;
    }
    if (scaling == WindowScaling::mean) {
      scale = absolute / count;
    } else {
      shift = sum / count;
      const double variance = squares / count - shift * shift;
      scale = variance > 0 ? std::sqrt(variance) : 0.0;
    }
  }
  if (!(scale > 1e-6 * (1 + std::abs(shift)))) scale = 1;
  affine[index] = {static_cast<float>(1 / scale), static_cast<float>(shift / scale)};
}

__global__ void forecast_elements(WindowRows rows, std::int64_t size, int Q, const float* u,
                                  const float* offsets, int J, float* y) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= size) return;
  const int M = rows.space.M;
  const std::int64_t KM = static_cast<std::int64_t>(rows.space.K) * M;
  const std::int64_t j = i % J, km = i / J % KM, n = i / J / KM;
  const int m = static_cast<int>(km % M);
  const Window w = rows.windows[n];
  const Affine a = row_affine(rows, m, n, w.origin);
  const float* outputs = u + (n * KM + km) * Q;
  const float moved = offsets == nullptr ? outputs[j] : outputs[0] + offsets[km * J + j];
  y[i] = to_y(rows.space, m, w.series, (moved + a.o) / a.s);
}

__global__ void residual_elements(std::int64_t size, int Q, int median, const float* u,
                                  const float* target, float* residual) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < size) residual[i] = target[i] - u[i * Q + median];
}

}  // namespace

void gather_inputs(const WindowRows& rows, DeviceSpan<float> x, cudaStream_t stream) {
  const std::int64_t count = rows.space.T * rows.N;
  const std::int64_t row_bytes = (rows.space.C | 1) * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t most = std::clamp<std::int64_t>(kRowBytes / row_bytes, 1, kThreads);
  const auto threads = static_cast<int>(most >= kWarp ? most / kWarp * kWarp : most);
  launch(gather_input_rows,
         {.blocks = blocks_for(count, threads),
          .threads = threads,
          .shared_bytes = static_cast<std::size_t>(threads * row_bytes)},
         stream, rows, count, x.data());
}

void gather_head(const WindowRows& rows, int first_step, std::int64_t row, std::int64_t count,
                 int F, float* context, float* base, float* target, cudaStream_t stream) {
  launch(gather_head_rows, {.blocks = blocks_for(count * kWarp, kThreads), .threads = kThreads},
         stream, rows, first_step, row, count, F, context, base, target);
}

void fit_windows(const WindowRows& rows, WindowScaling scaling, DeviceSpan<Affine> affine,
                 cudaStream_t stream) {
  constexpr int kFitThreads = 64;
  launch(
      fit_window_rows,
      {.blocks = rows.N * rows.space.M, .threads = kFitThreads, .shared_bytes = 3 * sizeof(float)},
      stream, rows, scaling, affine.data());
}

void forecast_rows(const WindowRows& rows, int Q, const float* u, const float* offsets, int J,
                   float* y, cudaStream_t stream) {
  const std::int64_t size = rows.N * rows.space.K * rows.space.M * J;
  launch(forecast_elements, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream,
         rows, size, Q, u, offsets, J, y);
}

void residual_rows(std::int64_t size, int Q, int median, const float* u, const float* target,
                   float* residual, cudaStream_t stream) {
  launch(residual_elements, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream,
         size, Q, median, u, target, residual);
}

}  // namespace sluice
