// The forward kernel of fused_mma: a CTA owns 16 or 64 series for the whole sequence, a warp 8
// units of them with all four gates. See recurrence.hpp for what it costs.
//
// One step: the A operand is [h_{t-1} | x_t] of the CTA's series in shared memory, read by
// ldmatrix; the B operand is the warp's slice of [R|W], packed in fragment order, R in registers
// for the whole sequence and the rest in shared memory. Four accumulator fragments, one a gate,
// give each thread all gates of 2 units of rows r and r + 8, so that the cell is computed where
// they are; c never leaves its registers, h goes to the other half of shared memory, and one
// barrier ends the step.
#pragma once

#include <cstdint>

#include "base/launch.cuh"
#include "base/ptx.cuh"
#include "recurrence/fused_mma/numbers.cuh"
#include "recurrence/shared/elements.hpp"

namespace sluice::mma {
namespace {

/// What the kernel is told beside Forward itself.
struct ForwardPlan {
  int tiles;    // of 16 series to a CTA
  int slots;    // of x in shared memory: 2 * ahead
  int ahead;    // steps of x that are fetched together
  bool vector;  // whether rows of H floats may be moved in pairs
};

/// x of coming steps is copied from memory, 16 bytes at a time.
template <Precision kPrecision>
struct CopiedInput {
  __device__ void fetch(const Forward<Element<kPrecision>>& layer, int step, std::int64_t first,
                        int rows, unsigned char* slot, int pitch) const {
    const int chunks = layer.x_pitch * element_bytes(kPrecision) / 16;
    const std::int64_t live = layer.N - first < rows ? layer.N - first : rows;
    const auto* from =
        reinterpret_cast<const unsigned char*>(layer.x + (step * layer.N + first) * layer.x_stride);
    const std::int64_t stride = layer.x_stride * element_bytes(kPrecision);
    for (int i = static_cast<int>(threadIdx.x); i < static_cast<int>(live) * chunks;
         i += static_cast<int>(blockDim.x)) {
      const int row = i / chunks, chunk = i - row * chunks;
      cp_async_16(slot + row * pitch + 16 * chunk, from + row * stride + 16 * chunk);
    }
  }
};

/// Where input_row() puts a row: floats in, elements kept.
template <typename E>
class Writer {
 public:
  struct Place {
    E* at;
    __device__ void operator=(float x) const { *at = from_float<E>(x); }
  };
  __device__ explicit Writer(E* at) : at_(at) {}
  __device__ Place operator*() const { return {at_}; }
  __device__ Place operator[](int i) const { return {at_ + i}; }
  __device__ Writer operator++(int) {
    const Writer before = *this;
    ++at_;
    return before;
  }

 private:
  E* at_;
};

/// x is put together from the windows: a thread makes whole rows of single steps, and with 2 or
/// more steps at a time all threads have one.
template <Precision kPrecision>
struct AssembledInput {
  WindowRows windows;
  int first_step;

  __device__ void fetch(const Forward<Element<kPrecision>>& layer, int step, std::int64_t first,
                        int rows, unsigned char* slot, int pitch, int own) const {
    if (own < rows && first + own < layer.N) {
      input_row(windows, first + own, first_step + step,
                Writer(reinterpret_cast<Element<kPrecision>*>(slot + own * pitch)));
    }
  }
};

/// x of steps [from, from + ahead) into their slots. Threads that assemble take a (step, row) each.
template <Precision kPrecision>
__device__ inline void fetch_steps(const CopiedInput<kPrecision>& input,
                                   const Forward<Element<kPrecision>>& layer,
                                   const ForwardPlan& plan, int from, std::int64_t first, int rows,
                                   unsigned char* x, int pitch) {
  if (from < layer.steps) {
    input.fetch(layer, from, first, rows, x + (from % plan.slots) * rows * pitch, pitch);
  }
  cp_async_commit();
}

template <Precision kPrecision>
__device__ inline void fetch_steps(const AssembledInput<kPrecision>& input,
                                   const Forward<Element<kPrecision>>& layer,
                                   const ForwardPlan& plan, int from, std::int64_t first, int rows,
                                   unsigned char* x, int pitch) {
  for (int i = static_cast<int>(threadIdx.x); i < plan.ahead * rows;
       i += static_cast<int>(blockDim.x)) {
    const int step = from + i / rows, own = i % rows;
    if (step >= layer.steps) return;
    input.fetch(layer, step, first, rows, x + (step % plan.slots) * rows * pitch, pitch, own);
  }
}

/// sums[gate] += a fragment [16, step] times the warp's weights of that step.
template <Precision kPrecision>
__device__ inline void multiply_gates(float (&sums)[4][4], const std::uint32_t (&a)[4],
                                      const Pack<std::uint32_t, 4>& first,
                                      const Pack<std::uint32_t, 4>& second) {
  const std::uint32_t b[4][2] = {{first.v[0], first.v[1]},
                                 {first.v[2], first.v[3]},
                                 {second.v[0], second.v[1]},
                                 {second.v[2], second.v[3]}};
#pragma unroll
  for (int gate = 0; gate < 4; ++gate) Numbers<kPrecision>::multiply(sums[gate], a, b[gate]);
}

template <Precision kPrecision, int kUnits, typename Input>
__global__ void __launch_bounds__(threads_of(kUnits), resident_blocks(kUnits))
    forward_kernel(Forward<Element<kPrecision>> layer, ForwardPlan plan, Input input) {
  using N = Numbers<kPrecision>;
  using Words = Pack<std::uint32_t, 4>;
  constexpr int kWarps = kUnits / kUnitsOfWarp;
  constexpr int kHidden = hidden_steps(kPrecision, kUnits);
  constexpr int kResident = forward_resident(kPrecision, kUnits);
  constexpr int kPitch = row_bytes(kHidden);
  auto* shared = shared_memory<unsigned char>();
  const int rows = plan.tiles * kTileRows;
  const ForwardShared at =
      forward_shared(kPrecision, kUnits, plan.tiles, layer.x_steps, plan.slots);
  const Seat me = seat();
  const std::int64_t first = std::int64_t{blockIdx.x} * rows;
  const int x_pitch = row_bytes(layer.x_steps);
  const int thread = static_cast<int>(threadIdx.x);
  constexpr int kThreads = threads_of(kUnits);

  // Weights: the first steps into registers, the others into shared memory as they lie.
  const auto* packed = reinterpret_cast<const Words*>(layer.fragments);
  constexpr int kStepWords = kForwardFragment / 4;  // of 16 bytes, of a step of a warp
  Words resident[static_cast<std::size_t>(kResident)][2];
#pragma unroll
  for (int k = 0; k < kResident; ++k) {
    for (int half = 0; half < 2; ++half) {
      resident[k][half] = packed[(k * kWarps + me.warp) * kStepWords + 32 * half + me.lane];
    }
  }
  auto* weights = reinterpret_cast<Words*>(shared + at.weights);
  for (int i = thread; i < (at.c - at.weights) / 16; i += kThreads) {
    cp_async_16(weights + i, packed + kResident * kWarps * kStepWords + i);
  }
  cp_async_commit();
  auto* bias = reinterpret_cast<float*>(shared + at.bias);
  for (int i = thread; i < 4 * kUnits; i += kThreads) bias[i] = layer.bias[i];
  // Padding of x, and rows of no series, stay zero.
  for (int i = thread; i < (at.weights - at.x) / 16; i += kThreads) {
    reinterpret_cast<Words*>(shared + at.x)[i] = Words{};
  }

  auto* cells = reinterpret_cast<Pack<float, 4>*>(shared + at.c) + thread;
#pragma unroll 1
  for (int tile = 0; tile < plan.tiles; ++tile) {
    Pack<float, 4> c;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = tile * kTileRows + me.row + 8 * half;
      const std::int64_t n = first + row;
      Pack<float, 2> h0{}, c0{};
      if (n < layer.N && layer.h_first != nullptr) {
        h0 = load_units(layer.h_first + n * layer.H, me.unit, layer.H, plan.vector);
      }
      if (n < layer.N && layer.c_first != nullptr) {
        c0 = load_units(layer.c_first + n * layer.H, me.unit, layer.H, plan.vector);
      }
      c.v[2 * half] = c0.v[0];
      c.v[2 * half + 1] = c0.v[1];
      *reinterpret_cast<typename N::Pair*>(shared + at.h + row * kPitch +
                                           me.unit * element_bytes(kPrecision)) =
          N::operand(h0.v[0], h0.v[1]);
      if (n >= layer.N) continue;
      if (layer.h_sequence != nullptr) {
        *reinterpret_cast<typename N::Pair*>(layer.h_sequence + n * layer.h_stride + me.unit) =
            N::kept(h0.v[0], h0.v[1]);
      }
      if (layer.c_sequence != nullptr) {
        *reinterpret_cast<Pack<float, 2>*>(layer.c_sequence + n * kUnits + me.unit) = c0;
      }
    }
    cells[tile * kThreads] = c;
  }
  __syncthreads();
  if (layer.x_steps > 0) {
    fetch_steps(input, layer, plan, 0, first, rows, shared + at.x, x_pitch);
  }
  cp_async_wait<0>();
  __syncthreads();

  for (int t = 0; t < layer.steps; ++t) {
    if (layer.x_steps > 0 && t % plan.ahead == 0) {
      fetch_steps(input, layer, plan, t + plan.ahead, first, rows, shared + at.x, x_pitch);
    }
    const unsigned char* h_before = shared + at.h + t % 2 * (rows * kPitch);
    unsigned char* h_after = shared + at.h + (t + 1) % 2 * (rows * kPitch);
    const unsigned char* x = shared + at.x + t % plan.slots * (rows * x_pitch);
    const bool last = t + 1 == layer.steps;
#pragma unroll 1
    for (int tile = 0; tile < plan.tiles; ++tile) {
      // Start values: the bias, and the input product where it was made before.
      float sums[4][4];
      const float* start = bias + gate_column(me.unit, 0);
#pragma unroll
      for (int gate = 0; gate < 4; ++gate) {
        sums[gate][0] = sums[gate][2] = start[2 * gate];
        sums[gate][1] = sums[gate][3] = start[2 * gate + 1];
      }
      if (layer.product != nullptr) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const std::int64_t n = first + tile * kTileRows + me.row + 8 * half;
          if (n >= layer.N) continue;
          const float* product =
              layer.product + (t * layer.N + n) * (4 * kUnits) + gate_column(me.unit, 0);
          const auto low = *reinterpret_cast<const Pack<float, 4>*>(product);
          const auto high = *reinterpret_cast<const Pack<float, 4>*>(product + 4);
          for (int unit = 0; unit < 2; ++unit) {
            sums[0][2 * half + unit] += N::kFold * low.v[unit];
            sums[1][2 * half + unit] += N::kFold * low.v[2 + unit];
            sums[2][2 * half + unit] += high.v[unit];
            sums[3][2 * half + unit] += N::kFold * high.v[2 + unit];
          }
        }
      }
      // Lanes of sequences beyond N took other ways, here and in the tile before; what follows
      // takes the whole warp.
      __syncwarp();
      const unsigned char* row =
          h_before + tile * (kTileRows * kPitch) + fragment_offset(me.lane, kPitch);
#pragma unroll
      for (int k = 0; k < kResident; ++k) {
        std::uint32_t a[4];
        ldmatrix_x4(a, row + k * kStepBytes);
        multiply_gates<kPrecision>(sums, a, resident[k][0], resident[k][1]);
      }
      const Words* own = weights + me.warp * kStepWords + me.lane;
#pragma unroll
      for (int k = kResident; k < kHidden; ++k, own += kWarps * kStepWords) {
        std::uint32_t a[4];
        ldmatrix_x4(a, row + k * kStepBytes);
        multiply_gates<kPrecision>(sums, a, own[0], own[32]);
      }
      row = x + tile * (kTileRows * x_pitch) + fragment_offset(me.lane, x_pitch);
#pragma unroll 1
      for (int k = 0; k < layer.x_steps; ++k, own += kWarps * kStepWords) {
        std::uint32_t a[4];
        ldmatrix_x4(a, row + k * kStepBytes);
        N::round_fragment(a);
        multiply_gates<kPrecision>(sums, a, own[0], own[32]);
      }

      Pack<float, 4> c = cells[tile * kThreads];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int r = tile * kTileRows + me.row + 8 * half;
        const std::int64_t n = first + r;
        float h[2];
        Gates<float> gates[2];
#pragma unroll
        for (int unit = 0; unit < 2; ++unit) {
          const int i = 2 * half + unit;
          gates[unit] = N::gates(sums[0][i], sums[1][i], sums[2][i], sums[3][i]);
          c.v[i] = gates[unit].f * c.v[i] + gates[unit].i * gates[unit].g;
          h[unit] = gates[unit].o * N::tanh(c.v[i]);
        }
        *reinterpret_cast<typename N::Pair*>(
            h_after + r * kPitch + me.unit * element_bytes(kPrecision)) = N::operand(h[0], h[1]);
        if (n >= layer.N) continue;
        const std::int64_t at_step = t * layer.N + n;
        if (layer.h_sequence != nullptr) {
          *reinterpret_cast<typename N::Pair*>(layer.h_sequence +
                                               (at_step + layer.N) * layer.h_stride + me.unit) =
              N::kept(h[0], h[1]);
        }
        if (layer.gates != nullptr) {
          *reinterpret_cast<Pack<float, 2>*>(layer.c_sequence + (at_step + layer.N) * kUnits +
                                             me.unit) = {{c.v[2 * half], c.v[2 * half + 1]}};
          auto* to = layer.gates + at_step * (4 * kUnits) + gate_column(me.unit, 0);
          *reinterpret_cast<typename N::Gates8*>(to) = N::keep_gates(gates);
        }
        if (layer.h != nullptr) {
          store_units(layer.h + at_step * layer.H, me.unit, layer.H, plan.vector, h[0], h[1]);
        }
        if (last && layer.h_last != nullptr) {
          store_units(layer.h_last + n * layer.H, me.unit, layer.H, plan.vector, h[0], h[1]);
        }
        if (last && layer.c_last != nullptr) {
          store_units(layer.c_last + n * layer.H, me.unit, layer.H, plan.vector, c.v[2 * half],
                      c.v[2 * half + 1]);
        }
      }
      cells[tile * kThreads] = c;
    }
    cp_async_wait<0>();
    __syncthreads();
  }
}

/// The kernel for the layer's units, with an input of its kind.
template <Precision kPrecision, typename Input>
void launch_forward_units(const Forward<Element<kPrecision>>& layer, int tiles, int ahead,
                          const Input& input, cudaStream_t stream) {
  const bool vector =
      layer.H % 2 == 0 &&
      aligned({layer.h_first, layer.c_first, layer.h_last, layer.c_last, layer.h}, 8);
  const ForwardPlan plan{.tiles = tiles, .slots = 2 * ahead, .ahead = ahead, .vector = vector};
  const auto run = [&](auto kernel) {
    const ForwardShared at =
        forward_shared(kPrecision, layer.units, tiles, layer.x_steps, plan.slots);
    launch(kernel,
           {.blocks = blocks_for(layer.N, tiles * kTileRows),
            .threads = threads_of(layer.units),
            .shared_bytes = static_cast<std::size_t>(at.end)},
           stream, layer, plan, input);
  };
  switch (layer.units) {
    case 16:
      return run(forward_kernel<kPrecision, 16, Input>);
    case 32:
      return run(forward_kernel<kPrecision, 32, Input>);
    case 48:
      return run(forward_kernel<kPrecision, 48, Input>);
    case 64:
      return run(forward_kernel<kPrecision, 64, Input>);
    case 96:
      return run(forward_kernel<kPrecision, 96, Input>);
    default:
      return run(forward_kernel<kPrecision, 128, Input>);
  }
}

}  // namespace
}  // namespace sluice::mma
