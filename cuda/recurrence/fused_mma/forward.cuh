// The forward kernel of fused_mma: a CTA owns 16 or 64 series for the whole sequence, a warp 8
// units of them with all four gates. See recurrence.hpp for what it costs.
//
// One step: the A operand is [h_{t-1} | x_t] of the CTA's series in shared memory, read by
// ldmatrix; the B operand is the warp's slice of [R|W], packed in fragment order, R in registers
// for the whole sequence and the rest in shared memory. Four accumulator fragments, one a gate,
// give each thread all gates of 2 units of rows r and r + 8, so that the cell is computed where
// they are; c never leaves the CTA, h goes to the other half of shared memory, and one barrier ends
// the step.
//
// What is issued, not what is multiplied, binds the kernel: so what a step stores is a matter of
// types where it costs (kStash), pointers are of a step and uniform, and a thread adds offsets of
// 32 bits to them.
#pragma once

#include <cstdint>

#include "base/launch.cuh"
#include "base/ptx.cuh"
#include "recurrence/fused_mma/input.cuh"
#include "recurrence/fused_mma/numbers.cuh"
#include "sluice/base/error.hpp"

namespace sluice::mma {
namespace {

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

/// Offsets within a CTA's rows are not negative, and the sum of a uniform address and such a one of
/// 32 bits is cheap.
__device__ inline unsigned unsigned_of(int offset) { return static_cast<unsigned>(offset); }

/// Null stays null. For arrays that are only written: their stores say that they are global.
template <typename T>
__device__ inline T* at_offset(T* array, std::int64_t offset) {
  return array == nullptr ? nullptr : whole_address(array + offset);
}

/// Start values of the four gates' sums: the bias, as init_bias() lays it out.
template <int kUnits>
__device__ inline void start_sums(float (&sums)[4][4], const float* bias, int pair) {
#pragma unroll
  for (int gate = 0; gate < 4; ++gate) {
    const auto start =
        *reinterpret_cast<const Pack<float, 4>*>(bias + gate * (2 * kUnits) + 4 * pair);
    for (int i = 0; i < 4; ++i) sums[gate][i] = start.v[i];
  }
}

/// sums += the input product [rows, 4Hp] of a row and of the row 8 further, of which `live` exist
/// from this row on.
template <Precision kPrecision, int kUnits>
__device__ inline void add_product(float (&sums)[4][4], const float* product, int live) {
  constexpr float kFold = Numbers<kPrecision>::kFold;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    if (8 * half >= live) continue;
    const float* row = product + 8 * half * (4 * kUnits);
    const auto low = *reinterpret_cast<const Pack<float, 4>*>(row);
    const auto high = *reinterpret_cast<const Pack<float, 4>*>(row + 4);
    for (int unit = 0; unit < 2; ++unit) {
      sums[0][2 * half + unit] += kFold * low.v[unit];
      sums[1][2 * half + unit] += kFold * low.v[2 + unit];
      sums[2][2 * half + unit] += high.v[unit];
      sums[3][2 * half + unit] += kFold * high.v[2 + unit];
    }
  }
}

/// What a step stores, as a set.
enum Wanted : int {
  kSequence = 1,  // h_sequence
  kFloats = 2,    // one of the next three
  kH = 4,
  kHLast = 8,
  kCLast = 16,
};

template <typename E>
int wanted_outputs(const Forward<E>& layer, bool last) {
  int wanted = (layer.h_sequence != nullptr ? kSequence : 0) | (layer.h != nullptr ? kH : 0);
  if (last) {
    wanted |= (layer.h_last != nullptr ? kHLast : 0) | (layer.c_last != nullptr ? kCLast : 0);
  }
  return (wanted & (kH | kHLast | kCLast)) != 0 ? wanted | kFloats : wanted;
}

/// Two units each of a thread's two rows, for arrays of rows of H floats.
struct FloatRows {
  int unit, H;
  bool vector;         // whether pairs may be moved as such
  bool first, second;  // whether the rows are of series
  unsigned place;      // of the first row's units

  __device__ void store(float* to, const float (&values)[4]) const {
    float* const low = to + place;
    float* const high = low + 8 * H;
    const bool in = unit < H;
    if (vector) {
      store_value_if(first && in, low, Pack<float, 2>{{values[0], values[1]}});
      store_value_if(second && in, high, Pack<float, 2>{{values[2], values[3]}});
      return;
    }
    const bool next_in = unit + 1 < H;
    store_value_if(first && in, low, values[0]);
    store_value_if(first && next_in, low + 1, values[1]);
    store_value_if(second && in, high, values[2]);
    store_value_if(second && next_in, high + 1, values[3]);
  }
};

/// kStash: whether h_sequence, c_sequence and gates are kept for backward; all of them, then.
/// Without, h_sequence may still be wanted, by the layer above.
template <Precision kPrecision, int kUnits, bool kStash, typename Input>
__global__ void __launch_bounds__(threads_of(kUnits), resident_blocks(kUnits))
    forward_kernel(Forward<Element<kPrecision>> layer, ForwardPlan plan, Input input) {
  using N = Numbers<kPrecision>;
  using E = Element<kPrecision>;
  using Words = Pack<std::uint32_t, 4>;
  constexpr int kWarps = kUnits / kUnitsOfWarp;
  constexpr int kHidden = hidden_steps(kPrecision, kUnits);
  constexpr int kResident = forward_resident(kPrecision, kUnits);
  constexpr int kPitch = row_bytes(kHidden);
  constexpr int kThreads = threads_of(kUnits);
  auto* shared = shared_memory<unsigned char>();
  const int ahead = Input::kOneAhead ? 1 : plan.ahead;
  const int rows = plan.tiles * kTileRows;
  const ForwardShared at = forward_shared(kPrecision, kUnits, plan.tiles, layer.x_steps, 2 * ahead);
  const Seat me = seat();
  const std::int64_t first = std::int64_t{blockIdx.x} * rows;
  const int live = layer.N - first < rows ? static_cast<int>(layer.N - first) : rows;
  const int x_pitch = row_bytes(layer.x_steps);
  const int thread = static_cast<int>(threadIdx.x);
  const Slots slots{first, rows, live, shared + at.x, x_pitch};

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
  // The bias as four sums of a thread begin: of its two units, for both of its rows.
  auto* bias = reinterpret_cast<float*>(shared + at.bias);
  for (int i = thread; i < 8 * kUnits; i += kThreads) {
    const int gate = i / (2 * kUnits), unit = i % (2 * kUnits) / 4 * 2 + i % 2;
    bias[i] = layer.bias[gate_column(unit, gate)];
  }
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
      if (row < live && layer.h_first != nullptr) {
        h0 = load_units(layer.h_first + n * layer.H, me.unit, layer.H, plan.vector);
      }
      if (row < live && layer.c_first != nullptr) {
        c0 = load_units(layer.c_first + n * layer.H, me.unit, layer.H, plan.vector);
      }
      c.v[2 * half] = c0.v[0];
      c.v[2 * half + 1] = c0.v[1];
      *reinterpret_cast<typename N::Pair*>(shared + at.h + row * kPitch +
                                           me.unit * element_bytes(kPrecision)) =
          N::operand(h0.v[0], h0.v[1]);
      if (row >= live) continue;
      if (layer.h_sequence != nullptr) {
        *reinterpret_cast<typename N::Pair*>(layer.h_sequence + n * layer.h_stride + me.unit) =
            N::kept(h0.v[0], h0.v[1]);
      }
      if constexpr (kStash) {
        *reinterpret_cast<Pack<float, 2>*>(layer.c_sequence + n * kUnits + me.unit) = c0;
      }
    }
    cells[tile * kThreads] = c;
  }
  __syncthreads();
  if (layer.x_steps > 0) {
    input.begin(layer, first);
    input.template fetch<kThreads>(layer, plan, slots, 0, 0);
  }
  cp_async_wait<0>();
  __syncthreads();

  const int h_stride = static_cast<int>(layer.h_stride);
  float* const h_last = at_offset(layer.h_last, first * layer.H);
  float* const c_last = at_offset(layer.c_last, first * layer.H);
  // Of the step and the CTA's first series; uniform.
  const float* product = layer.product == nullptr ? nullptr : layer.product + first * (4 * kUnits);
  float* h_floats = at_offset(layer.h, first * layer.H);
  E* h_sequence = at_offset(layer.h_sequence, (layer.N + first) * layer.h_stride);
  float* c_sequence = at_offset(layer.c_sequence, (layer.N + first) * kUnits);
  KeptGate<E>* kept_gates = at_offset(layer.gates, first * (4 * kUnits));
  // A step reads one half of h and writes the other, and goes to the end of both.
  const int h_half = rows * kPitch, x_slot = rows * x_pitch;
  const unsigned char* from = shared + at.h + fragment_offset(me.lane, kPitch);
  unsigned char* to =
      shared + at.h + h_half + me.row * kPitch + me.unit * element_bytes(kPrecision);
  const unsigned char* x = shared + at.x + fragment_offset(me.lane, x_pitch);
  int slot = 0;  // of x
#pragma unroll 1
  for (int t = 0; t < layer.steps; ++t) {
    if (layer.x_steps > 0 && (Input::kOneAhead || slot % ahead == 0)) {
      input.template fetch<kThreads>(layer, plan, slots, t + ahead, slot == 0 ? ahead : 0);
    }
    const int wanted = t + 1 == layer.steps ? plan.wanted_last : plan.wanted;
    auto* cell = cells;
#pragma unroll 1
    for (int tile_row = 0; tile_row < rows; tile_row += kTileRows) {
      const int row = tile_row + me.row;
      float sums[4][4];
      start_sums<kUnits>(sums, bias, me.unit / 2);
      if (layer.product != nullptr) {
        add_product<kPrecision, kUnits>(
            sums, product + unsigned_of(row * (4 * kUnits) + gate_column(me.unit, 0)), live - row);
      }
      // Lanes of sequences beyond N took other ways, here and in the tile before; what follows
      // takes the whole warp.
      __syncwarp();
#pragma unroll
      for (int k = 0; k < kResident; ++k) {
        std::uint32_t a[4];
        ldmatrix_x4(a, from + k * kStepBytes);
        multiply_gates<kPrecision>(sums, a, resident[k][0], resident[k][1]);
      }
      const Words* own = weights + me.warp * kStepWords + me.lane;
#pragma unroll
      for (int k = kResident; k < kHidden; ++k, own += kWarps * kStepWords) {
        std::uint32_t a[4];
        ldmatrix_x4(a, from + k * kStepBytes);
        multiply_gates<kPrecision>(sums, a, own[0], own[32]);
      }
#pragma unroll 1
      for (int k = 0; k < layer.x_steps; ++k, own += kWarps * kStepWords) {
        std::uint32_t a[4];
        ldmatrix_x4(a, x + k * kStepBytes);
        N::round_fragment(a);
        multiply_gates<kPrecision>(sums, a, own[0], own[32]);
      }

      Pack<float, 4> c = *cell;
      float h[4];
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        Gates<float> gates[2];
#pragma unroll
        for (int unit = 0; unit < 2; ++unit) {
          const int i = 2 * half + unit;
          gates[unit] = N::gates(sums[0][i], sums[1][i], sums[2][i], sums[3][i]);
          c.v[i] = gates[unit].f * c.v[i] + gates[unit].i * gates[unit].g;
          h[i] = gates[unit].o * N::tanh(c.v[i]);
        }
        *reinterpret_cast<typename N::Pair*>(to + 8 * half * kPitch) =
            N::operand(h[2 * half], h[2 * half + 1]);
        if constexpr (kStash) {
          const bool is_series = row + 8 * half < live;
          store_value_if(is_series,
                         c_sequence + unsigned_of(row * kUnits + me.unit) + 8 * half * kUnits,
                         Pack<float, 2>{{c.v[2 * half], c.v[2 * half + 1]}});
          store_value_if(is_series,
                         kept_gates + unsigned_of(row * (4 * kUnits) + gate_column(me.unit, 0)) +
                             8 * half * (4 * kUnits),
                         N::keep_gates(gates));
        }
      }
      *cell = c;
      from += kTileRows * kPitch;
      to += kTileRows * kPitch;
      x += kTileRows * x_pitch;
      cell += kThreads;
      if (kStash || (wanted & kSequence) != 0) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          const int r = row + 8 * half;
          store_value_if(r < live, h_sequence + unsigned_of(r * h_stride + me.unit),
                         N::kept(h[2 * half], h[2 * half + 1]));
        }
      }
      if ((wanted & kFloats) == 0) continue;
      const FloatRows floats{me.unit,    layer.H,        plan.vector,
                             row < live, row + 8 < live, unsigned_of(row * layer.H + me.unit)};
      if ((wanted & kH) != 0) floats.store(h_floats, h);
      if ((wanted & (kHLast | kCLast)) == 0) continue;
      if ((wanted & kHLast) != 0) floats.store(h_last, h);
      if ((wanted & kCLast) != 0) floats.store(c_last, c.v);
    }
    product += plan.after_step.product;
    h_floats += plan.after_step.h;
    h_sequence += plan.after_step.h_sequence;
    if constexpr (kStash) {
      c_sequence += plan.after_step.c_sequence;
      kept_gates += plan.after_step.gates;
    }
    if (t % 2 == 0) {
      to -= 2 * h_half;
    } else {
      from -= 2 * h_half;
    }
    if (++slot == 2 * ahead) {
      slot = 0;
      x -= 2 * ahead * x_slot;
    }
    cp_async_wait<0>();
    __syncthreads();
  }
}

/// The kernel for the layer's units, with an input of its kind.
template <Precision kPrecision, bool kStash, typename Input>
void launch_forward_units(const Forward<Element<kPrecision>>& layer, int tiles, int ahead,
                          const Input& input, cudaStream_t stream) {
  constexpr std::int64_t kWidest = std::int64_t{1} << 22;  // a CTA's rows have offsets of 32 bits
  if (layer.x_stride > kWidest || layer.h_stride > kWidest) {
    throw InternalError("fused_mma, forward: rows of x or h are more than 2^22 elements apart");
  }
  const bool vector =
      layer.H % 2 == 0 &&
      aligned({layer.h_first, layer.c_first, layer.h_last, layer.c_last, layer.h}, 8);
  ForwardPlan plan{};
  plan.tiles = tiles;
  plan.ahead = ahead;
  plan.vector = vector;
  plan.wanted = wanted_outputs(layer, false);
  plan.wanted_last = wanted_outputs(layer, true);
  plan.after_step.x = layer.N * layer.x_stride;
  if (layer.product != nullptr) plan.after_step.product = layer.N * 4 * layer.units;
  if (layer.h != nullptr) plan.after_step.h = layer.N * layer.H;
  if (layer.h_sequence != nullptr) plan.after_step.h_sequence = layer.N * layer.h_stride;
  if (kStash) {
    plan.after_step.c_sequence = layer.N * layer.units;
    plan.after_step.gates = layer.N * 4 * layer.units;
  }
  const int chunks = layer.x_pitch * element_bytes(kPrecision) / 16;
  while (plan.copy_shift < 5 && 1 << plan.copy_shift < chunks) ++plan.copy_shift;
  const auto run = [&](auto kernel) {
    const ForwardShared at =
        forward_shared(kPrecision, layer.units, tiles, layer.x_steps, 2 * ahead);
    launch(kernel,
           {.blocks = blocks_for(layer.N, tiles * kTileRows),
            .threads = threads_of(layer.units),
            .shared_bytes = static_cast<std::size_t>(at.end)},
           stream, layer, plan, input);
  };
  switch (layer.units) {
    case 16:
      return run(forward_kernel<kPrecision, 16, kStash, Input>);
    case 32:
      return run(forward_kernel<kPrecision, 32, kStash, Input>);
    case 48:
      return run(forward_kernel<kPrecision, 48, kStash, Input>);
    case 64:
      return run(forward_kernel<kPrecision, 64, kStash, Input>);
    case 96:
      return run(forward_kernel<kPrecision, 96, kStash, Input>);
    default:
      return run(forward_kernel<kPrecision, 128, kStash, Input>);
  }
}

/// With x from memory, or with a finished product.
template <Precision kPrecision>
void launch_copied(const Forward<Element<kPrecision>>& layer, int tiles, cudaStream_t stream) {
  const CopiedInput<kPrecision> input;
  if (layer.gates != nullptr) {
    launch_forward_units<kPrecision, true>(layer, tiles, 1, input, stream);
  } else {
    launch_forward_units<kPrecision, false>(layer, tiles, 1, input, stream);
  }
}

}  // namespace
}  // namespace sluice::mma
