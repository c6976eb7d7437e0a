// Tweedie's and a count's draw walk sums of some ten terms in double, differently long from thread
// to thread; a warp takes as long as its longest.
#include "base/launch.cuh"
#include "engine/path_kernels.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 128;

__global__ void repeat_kernel(const float* __restrict__ from, std::int64_t N, std::int64_t first,
                              std::int64_t paths, std::int64_t R, std::int64_t H, std::int64_t size,
                              float* __restrict__ to) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= size) return;
  const std::int64_t l = i / (R * H), r = i / H % R;
  to[i] = from[(l * N + first + r / paths) * H + i % H];
}

__global__ void begin_kernel(const Window* __restrict__ from, int drawn_steps, std::int64_t N,
                             Window* __restrict__ to) {
  const std::int64_t n = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (n < N) to[n] = before_drawn(from[n], drawn_steps);
}

template <Loss kLoss>
__global__ void __launch_bounds__(kThreads)
    extend_kernel(PathRows paths, int k, int outputs, const float* __restrict__ u) {
  const std::int64_t r = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (r < paths.rows.N) extend_path<kLoss>(paths, r, k, u + r * outputs);
}

}  // namespace

void repeat_states(DeviceSpan<const float> from, std::int64_t N, std::int64_t first,
                   std::int64_t paths, std::int64_t L, std::int64_t H, DeviceSpan<float> to,
                   cudaStream_t stream) {
  launch(repeat_kernel, {.blocks = blocks_for(to.size(), kThreads), .threads = kThreads}, stream,
         from.data(), N, first, paths, to.size() / (L * H), H, to.size(), to.data());
}

void begin_drawn(const Window* from, int drawn_steps, DeviceSpan<Window> to, cudaStream_t stream) {
  launch(begin_kernel, {.blocks = blocks_for(to.size(), kThreads), .threads = kThreads}, stream,
         from, drawn_steps, to.size(), to.data());
}

void extend_paths(const PathRows& paths, int k, int outputs, DeviceSpan<const float> u,
                  cudaStream_t stream) {
  with_distribution(paths.loss, [&](auto loss) {
    launch(extend_kernel<decltype(loss)::value>,
           {.blocks = blocks_for(paths.rows.N, kThreads), .threads = kThreads}, stream, paths, k,
           outputs, u.data());
  });
}

}  // namespace sluice
