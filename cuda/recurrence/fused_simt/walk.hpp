// The kernels of fused_simt as the host sees them: one launch walks a layer through all its steps,
// forward or backward (kernels.cu). Here too: how a CTA's shared memory and threads are cut,
// because the host chooses the cut and the kernels follow it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "engine/shared/window_rows.hpp"
#include "sluice/base/host_device.hpp"

namespace sluice::fused_simt {

constexpr int kMostThreads = 256;
constexpr int kUnits = 2;  ///< units of a thread; all four gates of each

/// A thread has the units g and g + unit_groups(H) for one g.
SLUICE_HD constexpr int unit_groups(int H) { return (H + kUnits - 1) / kUnits; }

/// Packs of four gates between two rows of weights in shared memory: room for every thread's units,
/// and odd, so that lanes on neighbouring rows meet no bank conflict either.
SLUICE_HD constexpr int weight_pitch(int H) { return kUnits * unit_groups(H) + 1; }

/// Floats between two rows of a tile [rows, series]: a multiple of 4 and an odd one, so that lanes
/// on neighbouring rows store 16 bytes each without bank conflicts. `series` is a multiple of 4.
SLUICE_HD constexpr int tile_pitch(int series) { return 4 * ((series / 4) | 1); }

/// How the work is cut: a CTA owns `series` sequences for all T; a thread has kUnits units of
/// `series_per_thread` (4 or 8) of them.
struct Cut {
  int series = 0, series_per_thread = 0;
  int steps = 1;  ///< forward: whose inputs are brought to shared memory at once

  bool operator==(const Cut&) const = default;
};

constexpr int threads(const Cut& cut, int H) {
  return unit_groups(H) * (cut.series / cut.series_per_thread);
}

/// Bytes of shared memory. `I`: 0 if the input product is hoisted.
constexpr std::int64_t forward_bytes(const Cut& cut, int I, int H) {
  const std::int64_t pitch = tile_pitch(cut.series);
  return 4 * (4 * std::int64_t{weight_pitch(H)} * (I + H + 1) +
              pitch * (2 * std::int64_t{H} + std::int64_t{cut.steps} * I));
}
constexpr std::int64_t backward_bytes(const Cut& cut, int H) {
  const std::int64_t pitch = tile_pitch(cut.series);
  return 4 * (4 * std::int64_t{weight_pitch(H)} * H + pitch * 4 * H);
}

/// One layer of N sequences over T steps. Pointers are into device memory.
struct ForwardWalk {
  Cut cut;
  int T = 0, N = 0;
  int I = 0, H = 0;  ///< I = 0: the input product is hoisted, and `product` has it
  const float *W = nullptr, *R = nullptr, *b = nullptr;  ///< [4H,I], [4H,H], [4H]
  const float* x = nullptr;  ///< [T,N,I]; null: zeros, or assembled from `rows`
  bool assemble = false;     ///< x from `rows`
  WindowRows rows = {};
  const float* product = nullptr;                      ///< [T,N,4H] W x, without b; null if I > 0
  const float *h_first = nullptr, *c_first = nullptr;  ///< [N,H]; null: zero
  float* gates = nullptr;  ///< [T,N,4H] out: i, f, g, o; may be `product`; null: not wanted
  float* h = nullptr;      ///< [T,N,H] out; may be `x` if I = H; null: not wanted
  float* c = nullptr;      ///< [T,N,H] out; null: not wanted
  float *h_last = nullptr, *c_last = nullptr;  ///< [N,H] out; may be the first ones; or null
};

/// The same layer from the last step to the first.
struct BackwardWalk {
  Cut cut;
  int T = 0, N = 0, I = 0, H = 0;
  const float* R = nullptr;                            ///< [4H,H]
  const float *x = nullptr, *h = nullptr;              ///< [T,N,I], [T,N,H], for the products after
  const float* gates = nullptr;                        ///< [T,N,4H]
  const float* c = nullptr;                            ///< [T,N,H]
  const float *h_first = nullptr, *c_first = nullptr;  ///< [N,H]; null: zero
  const float* dh = nullptr;                           ///< [T,N,H] from above
  const float *dh_last = nullptr, *dc_last = nullptr;  ///< [N,H]; null: zero
  float* da = nullptr;  ///< [T,N,4H] out: gradients of the pre-activations; may be `gates`
  float *dh_first = nullptr, *dc_first = nullptr;  ///< [N,H] out; null: not wanted
};

/// Asynchronous; throw DeviceError if the launch is refused. N > 0, T > 0.
void walk_forward(const ForwardWalk& walk, cudaStream_t stream);
void walk_backward(const BackwardWalk& walk, cudaStream_t stream);

}  // namespace sluice::fused_simt
