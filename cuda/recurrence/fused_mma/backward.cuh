// The backward kernel of fused_mma: a CTA owns 16 series and walks t = T-1 .. 0, a warp 8 units.
//
// One step: gates and c come from the stash (loaded one step ahead), dh from the products of the
// step before and from above; the gradients of the pre-activations go to memory for the products
// that follow the kernel, and to shared memory as the A operand of dh_{t-1} = dA R.
//
// If each warp made its own units' dh it would read all of that tile: at H = 128 16 warps x 32
// ldmatrix are 2,048 cycles of shared memory a step, beside 820 of matrix instructions. So up
// to 4 neighbouring warps share the depth: each multiplies its share for the units of all of them,
// which takes as many registers of R, and hands the others their sums: 512 cycles, and 384 for the
// sums (counted, not measured). An accumulator fragment is again (row, 2 units): dc never leaves
// its registers.
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
                                             int n) {
  using N = Numbers<kPrecision>;
  Kept<kPrecision> kept;
  if (t < 0 || n >= static_cast<int>(layer.N)) return kept;
  const std::int64_t row = t * static_cast<int>(layer.N) + n;
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
  constexpr int kPartners = partners(kPrecision, kUnits);
  constexpr int kSteps = partner_steps(kPrecision, kUnits);
  constexpr int kResident = backward_resident(kPrecision, kUnits);
  constexpr int kThreads = threads_of(kUnits);
  constexpr BackwardShared at = backward_shared(kPrecision, kUnits);
  auto* shared = shared_memory<unsigned char>();
  const Seat me = seat();
  // This warp's share of the depth. Its i-th sums belong to partner warp ^ i: the 0-th to itself.
  const int share = me.warp % kPartners;
  // Rows of [steps,N] are fewer than 2^31, for the products: 32 bits save registers.
  const int series = static_cast<int>(layer.N);
  const int first = static_cast<int>(blockIdx.x) * kTileRows;

  const auto* packed = reinterpret_cast<const Words*>(layer.fragments);
  std::uint32_t resident[static_cast<std::size_t>(kResident)][static_cast<std::size_t>(kPartners)]
                        [2];
#pragma unroll
  for (int k = 0; k < kResident; ++k) {
#pragma unroll
    for (int i = 0; i < kPartners; ++i) {
      const Words b = packed[((share * kSteps + k) * kWarps + (me.warp ^ i)) * 32 + me.lane];
      resident[k][i][0] = b.v[0];
      resident[k][i][1] = b.v[1];
    }
  }
  static_assert(kResident == kSteps || kPartners == 1,
                "what lies in shared memory is not shared out");
  auto* weights = reinterpret_cast<Words*>(shared + at.weights);
  if constexpr (kResident < kSteps) {
    for (int i = static_cast<int>(threadIdx.x); i < (at.end - at.weights) / 16; i += kThreads) {
      cp_async_16(weights + 2 * i, packed + kResident * kWarps * 32 + 2 * i);
    }
    cp_async_commit();
  }

  float dh[4] = {}, dc[4] = {};  // rows r and r + 8 of 2 units
  Pack<float, 2> c[2];           // c_t
  Kept<kPrecision> kept[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int n = first + me.row + 8 * half;
    kept[half] = load_kept<kPrecision, kUnits>(layer, plan, me, layer.steps - 1, n);
    if (n >= series) continue;
    c[half] = *reinterpret_cast<const Pack<float, 2>*>(
        layer.c_sequence + (std::int64_t{layer.steps} * series + n) * kUnits + me.unit);
    Pack<float, 2> h_end{}, c_end{};
    if (layer.dh_last != nullptr) {
      h_end = load_units(layer.dh_last + std::int64_t{n} * layer.H, me.unit, layer.H,
                         plan.vector_states);
    }
    if (layer.dc_last != nullptr) {
      c_end = load_units(layer.dc_last + std::int64_t{n} * layer.H, me.unit, layer.H,
                         plan.vector_states);
    }
    for (int unit = 0; unit < 2; ++unit) {
      dh[2 * half + unit] = h_end.v[unit];
      dc[2 * half + unit] = c_end.v[unit];
    }
  }
  if constexpr (kResident < kSteps) cp_async_wait<0>();

  // What this thread stores of the tile, of its first row, and its row of the matrices that it
  // loads.
  unsigned char* const tile = shared + at.gradients;
  unsigned char* const own = tile + gradient_row(kPrecision, kUnits, me.row) +
                             gate_column(me.unit, 0) * element_bytes(kPrecision);
  const unsigned char* const matrices = tile + gradient_row(kPrecision, kUnits, me.lane & 15) +
                                        (me.lane & 16) + share * (kSteps * kStepBytes);
  for (int t = layer.steps - 1; t >= 0; --t) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int n = first + me.row + 8 * half;
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
      *reinterpret_cast<typename N::Gates8*>(own + half * gradient_row(kPrecision, kUnits, 8)) =
          out;
      if (n < series) {
        store_gates(
            layer.da + std::int64_t{t * series + n} * (4 * kUnits) + gate_column(me.unit, 0), out);
      }
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      kept[half] = load_kept<kPrecision, kUnits>(layer, plan, me, t - 1, first + me.row + 8 * half);
    }
    __syncthreads();  // the tile is there; and all have read the sums of the step before
    float sums[static_cast<std::size_t>(kPartners)][4] = {};
#pragma unroll
    for (int k = 0; k < kResident; ++k) {
      std::uint32_t a[4];
      ldmatrix_x4(a, matrices + k * kStepBytes);
#pragma unroll
      for (int i = 0; i < kPartners; ++i) N::multiply(sums[i], a, resident[k][i]);
    }
    const Words* rest = weights + me.warp * 32 + me.lane;
#pragma unroll 4
    for (int k = kResident; k < kSteps; ++k, rest += kWarps * 32) {
      std::uint32_t a[4];
      ldmatrix_x4(a, matrices + k * kStepBytes);
      const std::uint32_t b[2] = {rest->v[0], rest->v[1]};
      N::multiply(sums[0], a, b);
    }
    auto* exchange = reinterpret_cast<Pack<float, 4>*>(shared + at.sums) + me.lane;
#pragma unroll
    for (int i = 1; i < kPartners; ++i) {
      exchange[((i - 1) * kWarps + (me.warp ^ i)) * 32] = {
          {sums[i][0], sums[i][1], sums[i][2], sums[i][3]}};
    }
    __syncthreads();  // the sums are there; and all have read the tile
#pragma unroll
    for (int e = 0; e < 4; ++e) dh[e] = sums[0][e];
#pragma unroll
    for (int i = 1; i < kPartners; ++i) {
      const Pack<float, 4> theirs = exchange[((i - 1) * kWarps + me.warp) * 32];
#pragma unroll
      for (int e = 0; e < 4; ++e) dh[e] += theirs.v[e];
    }
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int n = first + me.row + 8 * half;
    if (n >= series) continue;
    if (layer.dh_first != nullptr) {
      store_units(layer.dh_first + std::int64_t{n} * layer.H, me.unit, layer.H, plan.vector_states,
                  dh[2 * half], dh[2 * half + 1]);
    }
    if (layer.dc_first != nullptr) {
      store_units(layer.dc_first + std::int64_t{n} * layer.H, me.unit, layer.H, plan.vector_states,
                  dc[2 * half], dc[2 * half + 1]);
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
    const BackwardShared at = backward_shared(kPrecision, layer.units);
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
