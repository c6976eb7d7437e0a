// The backward kernel of fused_mma: a CTA owns 16 series and walks t = T-1 .. 0, a warp 8 units.
//
// One step: gates and c come from the stash (loaded one step ahead), dh from the accumulators of
// the step before and from above; the gradients of the pre-activations go to memory for the
// products that follow the kernel, and to shared memory as the A operand of dh_{t-1} = dA R. Its
// accumulator fragment is again (row, 2 units): dh and dc never leave their registers.
#pragma once

#include <cstdint>

#include "base/launch.cuh"
#include "base/ptx.cuh"
#include "recurrence/fused_mma/numbers.cuh"
#include "sluice/model/cell.hpp"

namespace sluice::mma {
namespace {

struct BackwardPlan {
  bool vector_dh;      // whether rows of dh may be read in pairs
  bool vector_states;  // and those of [N,H]
};

/// What a thread reads of one row at one step.
template <Precision kPrecision>
struct Kept {
  typename Numbers<kPrecision>::Gates8 gates{};
  Pack<float, 2> c_before{};
  Pack<float, 2> dh{};
};

template <Precision kPrecision, int kUnits>
__device__ inline Kept<kPrecision> load_kept(const Backward<Element<kPrecision>>& layer,
                                             const BackwardPlan& plan, const Seat& me, int t,
                                             std::int64_t n) {
  using N = Numbers<kPrecision>;
  Kept<kPrecision> kept;
  if (t < 0 || n >= layer.N) return kept;
  const std::int64_t row = t * layer.N + n;
  kept.gates = *reinterpret_cast<const typename N::Gates8*>(layer.gates + row * (4 * kUnits) +
                                                            gate_column(me.unit, 0));
  kept.c_before =
      *reinterpret_cast<const Pack<float, 2>*>(layer.c_sequence + row * kUnits + me.unit);
  kept.dh = load_units(layer.dh + row * layer.dh_pitch, me.unit, layer.H, plan.vector_dh);
  return kept;
}

template <Precision kPrecision, int kUnits>
__global__ void __launch_bounds__(threads_of(kUnits), resident_blocks(kUnits))
    backward_kernel(Backward<Element<kPrecision>> layer, BackwardPlan plan) {
  using N = Numbers<kPrecision>;
  using Words = Pack<std::uint32_t, 2>;
  constexpr int kWarps = kUnits / kUnitsOfWarp;
  constexpr int kSteps = gradient_steps(kPrecision, kUnits);
  constexpr int kResident = backward_resident(kPrecision, kUnits);
  constexpr int kPitch = row_bytes(kSteps), kThreads = threads_of(kUnits);
  // Two sums that take turns make half as long a chain of instructions that wait for each other;
  // where not all of R fits into registers there are none left for them.
  constexpr std::size_t kSums = kResident == kSteps ? 2 : 1;
  auto* shared = shared_memory<unsigned char>();
  const BackwardShared at = backward_shared(kPrecision, kUnits, layer.buffers);
  const Seat me = seat();
  const std::int64_t first = std::int64_t{blockIdx.x} * kTileRows;

  const auto* packed = reinterpret_cast<const Words*>(layer.fragments);
  std::uint32_t resident[static_cast<std::size_t>(kResident)][2];
#pragma unroll
  for (int k = 0; k < kResident; ++k) {
    const Words b = packed[(k * kWarps + me.warp) * 32 + me.lane];
    resident[k][0] = b.v[0];
    resident[k][1] = b.v[1];
  }
  auto* weights = reinterpret_cast<Words*>(shared + at.weights);
  for (int i = static_cast<int>(threadIdx.x); i < (at.end - at.weights) / 16; i += kThreads) {
    cp_async_16(weights + 2 * i, packed + kResident * kWarps * 32 + 2 * i);
  }
  cp_async_commit();

  float dh[4] = {}, dc[4] = {};  // rows r and r + 8 of 2 units
  Pack<float, 2> c[2];           // c_t
  Kept<kPrecision> kept[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t n = first + me.row + 8 * half;
    kept[half] = load_kept<kPrecision, kUnits>(layer, plan, me, layer.steps - 1, n);
    if (n >= layer.N) continue;
    c[half] = *reinterpret_cast<const Pack<float, 2>*>(
        layer.c_sequence + (layer.steps * layer.N + n) * kUnits + me.unit);
    Pack<float, 2> h_end{}, c_end{};
    if (layer.dh_last != nullptr) {
      h_end = load_units(layer.dh_last + n * layer.H, me.unit, layer.H, plan.vector_states);
    }
    if (layer.dc_last != nullptr) {
      c_end = load_units(layer.dc_last + n * layer.H, me.unit, layer.H, plan.vector_states);
    }
    for (int unit = 0; unit < 2; ++unit) {
      dh[2 * half + unit] = h_end.v[unit];
      dc[2 * half + unit] = c_end.v[unit];
    }
  }
  cp_async_wait<0>();

  for (int t = layer.steps - 1; t >= 0; --t) {
    unsigned char* tile = shared + at.gradients + t % layer.buffers * (kTileRows * kPitch);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = me.row + 8 * half;
      const std::int64_t n = first + row;
      const Kept<kPrecision>& in = kept[half];
      CellGradient<float> da[2];
#pragma unroll
      for (int unit = 0; unit < 2; ++unit) {
        const int e = 2 * half + unit;
        da[unit] = cell_backward_from_tanh(N::kept_gates(in.gates, unit), N::tanh(c[half].v[unit]),
                                           in.c_before.v[unit], dh[e] + in.dh.v[unit], dc[e]);
        dc[e] = da[unit].c_prev;
      }
      c[half] = in.c_before;
      typename N::Gates8 out;
      N::set_gate(out, 0, N::operand(da[0].a_i, da[1].a_i));
      N::set_gate(out, 1, N::operand(da[0].a_f, da[1].a_f));
      N::set_gate(out, 2, N::operand(da[0].a_g, da[1].a_g));
      N::set_gate(out, 3, N::operand(da[0].a_o, da[1].a_o));
      *reinterpret_cast<typename N::Gates8*>(
          tile + row * kPitch + gate_column(me.unit, 0) * element_bytes(kPrecision)) = out;
      if (n < layer.N) {
        store_gates(layer.da + (t * layer.N + n) * (4 * kUnits) + gate_column(me.unit, 0), out);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      kept[half] = load_kept<kPrecision, kUnits>(layer, plan, me, t - 1, first + me.row + 8 * half);
    }
    __syncthreads();
    float sums[kSums][4] = {};
    const unsigned char* row = tile + fragment_offset(me.lane, kPitch);
#pragma unroll
    for (int k = 0; k < kResident; ++k) {
      std::uint32_t a[4];
      ldmatrix_x4(a, row + k * kStepBytes);
      N::multiply(sums[static_cast<std::size_t>(k) % kSums], a, resident[k]);
    }
    const Words* own = weights + me.warp * 32 + me.lane;
#pragma unroll 4
    for (int k = kResident; k < kSteps; ++k, own += kWarps * 32) {
      std::uint32_t a[4];
      ldmatrix_x4(a, row + k * kStepBytes);
      const std::uint32_t b[2] = {own->v[0], own->v[1]};
      N::multiply(sums[static_cast<std::size_t>(k) % kSums], a, b);
    }
#pragma unroll
    for (int e = 0; e < 4; ++e) dh[e] = kSums == 2 ? sums[0][e] + sums[kSums - 1][e] : sums[0][e];
    // With one buffer it is still being read.
    if (layer.buffers == 1) __syncthreads();
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t n = first + me.row + 8 * half;
    if (n >= layer.N) continue;
    if (layer.dh_first != nullptr) {
      store_units(layer.dh_first + n * layer.H, me.unit, layer.H, plan.vector_states, dh[2 * half],
                  dh[2 * half + 1]);
    }
    if (layer.dc_first != nullptr) {
      store_units(layer.dc_first + n * layer.H, me.unit, layer.H, plan.vector_states, dc[2 * half],
                  dc[2 * half + 1]);
    }
  }
}

template <Precision kPrecision>
void launch_backward_units(const Backward<Element<kPrecision>>& layer, cudaStream_t stream) {
  const BackwardPlan plan{
      .vector_dh = layer.H % 2 == 0 && layer.dh_pitch % 2 == 0 && aligned({layer.dh}, 8),
      .vector_states = layer.H % 2 == 0 &&
                       aligned({layer.dh_last, layer.dc_last, layer.dh_first, layer.dc_first}, 8)};
  const auto run = [&](auto kernel) {
    const BackwardShared at = backward_shared(kPrecision, layer.units, layer.buffers);
    launch(kernel,
           {.blocks = blocks_for(layer.N, kTileRows),
            .threads = threads_of(layer.units),
            .shared_bytes = static_cast<std::size_t>(at.end)},
           stream, layer, plan);
  };
  switch (layer.units) {
    case 16:
      return run(backward_kernel<kPrecision, 16>);
    case 32:
      return run(backward_kernel<kPrecision, 32>);
    case 48:
      return run(backward_kernel<kPrecision, 48>);
    case 64:
      return run(backward_kernel<kPrecision, 64>);
    case 96:
      return run(backward_kernel<kPrecision, 96>);
    default:
      return run(backward_kernel<kPrecision, 128>);
  }
}

}  // namespace
}  // namespace sluice::mma
