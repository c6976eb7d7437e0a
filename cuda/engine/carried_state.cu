// One thread an element of [L,N,H]; writes only where a slot is reset.
#include "base/launch.cuh"
#include "engine/carried_state.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;

__global__ void reset_slots(float* h, float* c, const Window* windows, std::int64_t size,
                            std::int64_t N, std::int64_t H, bool unbegun) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= size) return;
  const Window& window = windows[i / H % N];
  if (unbegun ? window.origin >= 0 : window.continues != 0) return;
  h[i] = 0;
  c[i] = 0;
}

void reset(DeviceSpan<float> h, DeviceSpan<float> c, const Window* windows, std::int64_t L,
           std::int64_t N, std::int64_t H, bool unbegun, cudaStream_t stream) {
  const std::int64_t size = L * N * H;
  launch(reset_slots, {.blocks = blocks_for(size, kThreads), .threads = kThreads}, stream, h.data(),
         c.data(), windows, size, N, H, unbegun);
}

}  // namespace

void reset_carried(DeviceSpan<float> h, DeviceSpan<float> c, const Window* windows, std::int64_t L,
                   std::int64_t N, std::int64_t H, cudaStream_t stream) {
  reset(h, c, windows, L, N, H, false, stream);
}

void reset_unbegun(DeviceSpan<float> h, DeviceSpan<float> c, const Window* windows, std::int64_t L,
                   std::int64_t N, std::int64_t H, cudaStream_t stream) {
  reset(h, c, windows, L, N, H, true, stream);
}

}  // namespace sluice
