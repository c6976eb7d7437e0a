// The kernels of fused_simt that keep R in registers (register_kernels.cu), as the host sees them.
// They walk as those of walk.hpp do; of a cut they take `series`, 1 or 4, and `steps`.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "recurrence/fused_simt/walk.hpp"
#include "sluice/base/host_device.hpp"

namespace sluice::fused_simt {

constexpr int kMostRegisterUnits = 96;

/// The sizes that there are kernels for: H, at most kMostRegisterUnits, filled up with units that
/// stay zero.
constexpr int padded_units(int H) {
  for (const int padded : {16, 32, 48, 64}) {
    if (H <= padded) return padded;
  }
  return kMostRegisterUnits;
}

/// Inputs that a walk of H units multiplies itself, beside R; more are hoisted.
constexpr int register_inputs(int H) { return H <= 64 ? 32 : 16; }
/// I filled up likewise; 0 if the product is hoisted.
constexpr int padded_inputs(int I) { return I == 0 ? 0 : I <= 16 ? 16 : 32; }

/// Floats between the series of a tile of h, of dA: such that the lanes of a warp, on four series
/// and neighbouring units, store without bank conflicts. `units` is padded.
SLUICE_HD constexpr int h_pitch(int units) { return units + 8; }
SLUICE_HD constexpr int da_pitch(int units) { return 4 * units + 8; }

/// Bytes of shared memory; `units` and `inputs` are padded.
constexpr std::int64_t register_forward_bytes(const Cut& cut, int units, int inputs) {
  return 4 * std::int64_t{cut.series} *
         (2 * h_pitch(units) + (std::int64_t{cut.steps} + 1) * inputs);
}
constexpr std::int64_t register_backward_bytes(const Cut& cut, int units) {
  return 4 * std::int64_t{cut.series} * 2 * da_pitch(units);
}

/// Asynchronous; throw DeviceError if the launch is refused. N > 0, T > 0, H <= kMostRegisterUnits,
/// I <= register_inputs(H).
void walk_forward_in_registers(const ForwardWalk& walk, cudaStream_t stream);
void walk_backward_in_registers(const BackwardWalk& walk, cudaStream_t stream);

}  // namespace sluice::fused_simt
