// The kernels of fused_simt for few units: R lies in registers, spread over a CTA, and is read from
// memory once for all steps. What is left of a step is what it cannot do without: the products, one
// exchange among the lanes that share a unit, the cell, one barrier. So they are made for latency -
// few series, many steps - where kernels.cu waits for shared memory.
//
// Forward: four lanes share a unit; each has a quarter of the columns of its four gates' rows (H
// numbers of R), and a quarter of h_{t-1} from shared memory: 4 numbers loaded for 16 products of a
// series. Products of x_t lie ahead of the barrier, whose wait hides them. The lanes then exchange
// sums so that with 4 series each has the four gates of one series, and with 1 series each has one
// gate.
// Backward: sixteen lanes share four units of dh_{t-1} = R^T dA; each has a sixteenth of the rows
// of R for them (H numbers again). 4 numbers of dA loaded for 16 products of a series. The exchange
// leaves a lane with one unit of one series: the one whose cell it computes.
//
// The floor for a series and step of one layer, H = 64, I <= 16, on a multiprocessor (128 products
// and 128 bytes of shared memory a clock), in clocks:
//              products   shared memory    one CTA alone, estimated for 1 series, for 4
//   forward         160             160    490, 800 a step
//   backward        128             130    450, 750 a step
// so 132 multiprocessors at 1.8 GHz have a floor of .67 ns for a forward series-step. The estimates
// are from latencies that others measured; an H200 took some 600 clocks forward for 1 series, and
// 1,800 for 4 (docs/kernels.md).
//
// Registers bound the form: H of R, I of W, 16 of sums and some 40 more a thread.
#include <cstddef>
#include <cstdint>

#include "base/launch.cuh"
#include "recurrence/fused_simt/activations.cuh"
#include "recurrence/fused_simt/register_walk.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/base/error.hpp"
#include "sluice/model/cell.hpp"

namespace sluice::fused_simt {
namespace {

constexpr unsigned kAllLanes = 0xffffffffu;

/// CTAs that shall fit a multiprocessor, by registers: 65,536 over threads times what one needs.
constexpr int resident_blocks(int H, int inputs) {
  if (H <= 32) return 512 / (4 * H);
  return H <= 64 && inputs <= 16 ? 2 : 1;
}

/// Half of an exchange between lanes that differ in `bit`: the upper ones keep `high`, the lower
/// ones `low`, and each adds what its partner had of it.
__device__ inline float fold(float low, float high, bool upper, int bit) {
  return (upper ? high : low) + __shfl_xor_sync(kAllLanes, upper ? low : high, bit);
}

struct Word {
  std::uint32_t of[1];
};
__device__ inline Word word(float x) {
  Word word;
  __builtin_memcpy(&word, &x, sizeof x);
  return word;
}

// ---- forward

/// A lane's part of weights [4H,K]: rows of its unit, columns 16 i + 4 lane + e as [gate][4 i + e].
/// Zeros beyond H and K. kK: K filled up to a multiple of 16.
template <int kK>
using RowShare = float[4][static_cast<std::size_t>(kK / 4)];

template <int kK>
__device__ inline void load_share(const float* weights, int K, int H, int unit, int lane,
                                  RowShare<kK>& share) {
#pragma unroll
  for (int gate = 0; gate < 4; ++gate) {
#pragma unroll
    for (int j = 0; j < kK / 4; ++j) {
      const int k = 16 * (j / 4) + 4 * lane + j % 4;
      share[gate][j] = unit < H && k < K ? weights[(gate * H + unit) * K + k] : 0.0f;
    }
  }
}

/// One number for each gate and series.
template <int kSeries>
using Sums = float[4][static_cast<std::size_t>(kSeries)];

/// sums += the lane's part of weights times rows [kSeries][pitch], at least kK long.
template <int kK, int kSeries>
__device__ inline void add_products(const RowShare<kK>& share, const float* rows, int pitch,
                                    int lane, Sums<kSeries>& sums) {
#pragma unroll
  for (int i = 0; i < kK / 16; ++i) {
#pragma unroll
    for (int s = 0; s < kSeries; ++s) {
      const auto in = load_pack<4>(rows + s * pitch + 16 * i + 4 * lane);
#pragma unroll
      for (int gate = 0; gate < 4; ++gate) {
#pragma unroll
        for (int e = 0; e < 4; ++e) sums[gate][s] += share[gate][4 * i + e] * in.v[e];
      }
    }
  }
}

/// x of the steps [t, t + steps) as tiles [steps][kSeries][kInputs], zeros beyond I and N.
template <int kInputs, int kSeries>
__device__ inline void load_inputs(const ForwardWalk& walk, std::int64_t n, int live, int t,
                                   int steps, float* tiles) {
  const int threads = static_cast<int>(blockDim.x), thread = static_cast<int>(threadIdx.x);
  if (!walk.assemble) {
    for (int i = thread; i < steps * kSeries * kInputs; i += threads) {
      const int k = i % kInputs, s = i / kInputs % kSeries;
      const std::int64_t row = (std::int64_t{t} + i / (kInputs * kSeries)) * walk.N + n + s;
      tiles[i] = s < live && k < walk.I && walk.x != nullptr ? walk.x[row * walk.I + k] : 0.0f;
    }
    return;
  }
  for (int i = thread; i < steps * kSeries; i += threads) {
    float* const row = tiles + i * kInputs;
    const int s = i % kSeries;
    if (s < live) input_row(walk.rows, n + s, t + i / kSeries, row);
    for (int k = s < live ? walk.I : 0; k < kInputs; ++k) row[k] = 0.0f;
  }
}

/// sums = W x_t, with x from a tile [kSeries][kInputs]; 0 if the input product is hoisted.
template <int kInputs, int kSeries>
__device__ inline void start_sums(const RowShare<(kInputs > 0 ? kInputs : 16)>& W,
                                  const float* x_tile, int lane, Sums<kSeries>& sums) {
#pragma unroll
  for (int g = 0; g < 4; ++g) {
#pragma unroll
    for (int s = 0; s < kSeries; ++s) sums[g][s] = 0.0f;
  }
  if constexpr (kInputs > 0) {
    add_products<kInputs, kSeries>(W, x_tile, kInputs, lane, sums);
  }
}

/// What the hoisted product adds to a lane's kOwn gates, which lie H apart.
template <int kInputs, int kOwn>
__device__ inline void read_product(const float* from, int H,
                                    float (&product)[static_cast<std::size_t>(kOwn)]) {
  if constexpr (kInputs == 0) {
#pragma unroll
    for (int g = 0; g < kOwn; ++g) product[g] = from[g * H];
  }
}

// Shared memory: two tiles [kSeries][h_pitch] of h, the one that is read and the one that is
// written; tiles of x for `steps` steps, and room for one. Two kinds of lanes, by what the exchange
// leaves them with: kSeries = 4: the cell of series `lane`. kSeries = 1: one gate of the only
// series; the cell is computed by all four alike.
template <int kH, int kInputs, int kSeries>
__global__ void __launch_bounds__(4 * kH, resident_blocks(kH, kInputs)) forward(ForwardWalk walk) {
  constexpr int kPitch = h_pitch(kH), kTile = kSeries * kPitch;
  const int H = walk.H, unit = static_cast<int>(threadIdx.x) / 4;
  const int lane = static_cast<int>(threadIdx.x) % 4, series = kSeries == 1 ? 0 : lane;
  const std::int64_t n = std::int64_t{blockIdx.x} * kSeries;
  const int live = walk.N - n < kSeries ? static_cast<int>(walk.N - n) : kSeries;
  const bool mine = unit < H && series < live;
  // Where there is no cell, numbers of one that is there are read; they meet zeros of R.
  const std::int64_t row = n + (series < live ? series : live - 1);
  const int real_unit = unit < H ? unit : H - 1;
  const std::int64_t cell = row * H + real_unit;  // of [N,H]; of [N,4H]: the first gate, or ours
  const std::int64_t gate = row * 4 * H + (kSeries == 1 ? lane * H : 0) + real_unit;
  const std::int64_t cells = std::int64_t{walk.N} * H;
  float* const h_tiles = shared_memory<float>();
  float* const x_tiles = h_tiles + 2 * kTile;

  RowShare<kH> R;
  load_share<kH>(walk.R, H, H, unit, lane, R);
  RowShare<(kInputs > 0 ? kInputs : 16)> W;
  if constexpr (kInputs > 0) load_share<kInputs>(walk.W, walk.I, H, unit, lane, W);
  constexpr int kOwn = kSeries == 1 ? 1 : 4;  // gates that the exchange leaves this lane
  float b[static_cast<std::size_t>(kOwn)];
#pragma unroll
  for (int g = 0; g < kOwn; ++g) b[g] = walk.b[(kSeries == 1 ? lane : g) * H + real_unit];
  for (int i = static_cast<int>(threadIdx.x); i < kSeries * kH; i += 4 * kH) {
    const int s = i / kH, k = i % kH;
    h_tiles[s * kPitch + k] =
        walk.h_first != nullptr && s < live && k < H ? walk.h_first[(n + s) * H + k] : 0.0f;
  }
  float c = walk.c_first != nullptr ? walk.c_first[cell] : 0.0f, h = 0.0f;

  const bool wants_gates = walk.gates != nullptr && mine;
  const bool wants_h = walk.h != nullptr && mine && (kSeries == 4 || lane == 0);
  const bool wants_c = walk.c != nullptr && mine && (kSeries == 4 || lane == 1);
  float *to_gates = walk.gates + gate, *to_h = walk.h + cell, *to_c = walk.c + cell;
  const float* from_product = walk.product + gate;
  const bool upper = (lane & 2) != 0, odd = (lane & 1) != 0, is_g = upper && !odd;
  const float stretch = is_g ? 2.0f : 1.0f;  // tanh x = 2 sigmoid(2 x) - 1
  int read = 0;                              // of the tiles of h

  for (int first = 0; first < walk.T; first += walk.cut.steps) {
    const int steps = walk.T - first < walk.cut.steps ? walk.T - first : walk.cut.steps;
    if constexpr (kInputs > 0) load_inputs<kInputs, kSeries>(walk, n, live, first, steps, x_tiles);
    __syncthreads();
    const float* x_tile = x_tiles;
    Sums<kSeries> sums;
    start_sums<kInputs, kSeries>(W, x_tile, lane, sums);
    float product[static_cast<std::size_t>(kOwn)] = {};
    read_product<kInputs, kOwn>(from_product, H, product);

    // No branches in a step, so that the compiler may put what is not urgent - the next step's
    // input product, stores - where the chain from h to h waits.
    for (int t = first; t < first + steps; ++t) {
      const bool more = t + 1 < walk.T;
      from_product += more ? 4 * cells : 0;
      float coming[static_cast<std::size_t>(kOwn)] = {};
      read_product<kInputs, kOwn>(from_product, H, coming);
      x_tile += kSeries * kInputs;  // past the last one there is room that is read, and not used
      Sums<kSeries> next;
      start_sums<kInputs, kSeries>(W, x_tile, lane, next);

      add_products<kH, kSeries>(R, h_tiles + read, kPitch, lane, sums);
      read = kTile - read;
      Gates<float> at;
      float own = 0.0f;  // kSeries = 1: the value of gate `lane`
      if constexpr (kSeries == 1) {
        const float a = fold(fold(sums[0][0], sums[2][0], upper, 2),
                             fold(sums[1][0], sums[3][0], upper, 2), odd, 1) +
                        (b[0] + product[0]);
        own = stretch * quick_sigmoid(stretch * a) + (1.0f - stretch);
        at = {__shfl_sync(kAllLanes, own, 0, 4), __shfl_sync(kAllLanes, own, 1, 4),
              __shfl_sync(kAllLanes, own, 2, 4), __shfl_sync(kAllLanes, own, 3, 4)};
      } else {
        float a[4];
#pragma unroll
        for (int g = 0; g < 4; ++g) {
          a[g] = fold(fold(sums[g][0], sums[g][2], upper, 2),
                      fold(sums[g][1], sums[g][3], upper, 2), odd, 1) +
                 (b[g] + product[g]);
        }
        at = {quick_sigmoid(a[0]), quick_sigmoid(a[1]), quick_tanh(a[2]), quick_sigmoid(a[3])};
      }
      c = at.f * c + at.i * at.g;
      h = at.o * quick_tanh(c);
      // kSeries = 1: all four lanes have the same number for the same place.
      h_tiles[read + series * kPitch + unit] = h;
      if constexpr (kSeries == 1) {
        store_if(wants_gates, to_gates, word(own).of);
      } else {
        store_if(wants_gates, to_gates, word(at.i).of);
        store_if(wants_gates, to_gates + H, word(at.f).of);
        store_if(wants_gates, to_gates + 2 * H, word(at.g).of);
        store_if(wants_gates, to_gates + 3 * H, word(at.o).of);
      }
      store_if(wants_h, to_h, word(h).of);
      store_if(wants_c, to_c, word(c).of);
      to_gates += 4 * cells, to_h += cells, to_c += cells;
#pragma unroll
      for (int g = 0; g < 4; ++g) {
#pragma unroll
        for (int s = 0; s < kSeries; ++s) sums[g][s] = next[g][s];
      }
#pragma unroll
      for (int g = 0; g < kOwn; ++g) product[g] = coming[g];
      __syncthreads();
    }
  }
  if (!mine || (kSeries == 1 && lane != 0)) return;
  const std::int64_t back = to_c - walk.c - walk.T * cells;  // `cell`, in no register meanwhile
  if (walk.h_last != nullptr) walk.h_last[back] = h;
  if (walk.c_last != nullptr) walk.c_last[back] = c;
}

// ---- backward

/// What a cell reads at a step.
struct Step {
  Gates<float> gate = {};
  float c_before = 0, from_above = 0;
};

/// cell_backward() but for dh and dc, which come last: what they are multiplied by.
struct Slopes {
  float i, f, g, o;  ///< a gate's gradient: times d_c, but for o times dh
  float c, kept;     ///< d_c = dc + dh c; dc of the step before: d_c kept
  float from_above;
};
__device__ inline Slopes slopes_of(const Step& step, float c) {
  const Gates<float>& gate = step.gate;
  const float tanh_c = quick_tanh(c);
  return {.i = gate.g * (gate.i * (1.0f - gate.i)),
          .f = step.c_before * (gate.f * (1.0f - gate.f)),
          .g = gate.i * (1.0f - gate.g * gate.g),
          .o = tanh_c * (gate.o * (1.0f - gate.o)),
          .c = gate.o * (1.0f - tanh_c * tanh_c),
          .kept = gate.f,
          .from_above = step.from_above};
}

// Shared memory: two tiles [kSeries][da_pitch] of dA as [unit][gate], written at one step and at
// the next, so that a barrier a step is enough.
template <int kH, int kSeries>
__global__ void __launch_bounds__(4 * kH, resident_blocks(kH, 0)) backward(BackwardWalk walk) {
  constexpr int kPitch = da_pitch(kH), kTile = kSeries * kPitch, kParts = kH / 16;
  const int H = walk.H, lane = static_cast<int>(threadIdx.x) % 16;
  const int first_unit = 4 * (static_cast<int>(threadIdx.x) / 16), unit = first_unit + lane / 4;
  const int mate = lane % 4, series = kSeries == 1 ? 0 : mate;
  const std::int64_t n = std::int64_t{blockIdx.x} * kSeries;
  const int live = walk.N - n < kSeries ? static_cast<int>(walk.N - n) : kSeries;
  const bool mine = unit < H && series < live;
  // As in forward: what is no cell reads another's numbers.
  const std::int64_t row = n + (series < live ? series : live - 1);
  const std::int64_t cell = row * H + (unit < H ? unit : H - 1);
  const std::int64_t gate = row * 4 * H + (unit < H ? unit : H - 1);
  const std::int64_t cells = std::int64_t{walk.N} * H;
  float* const tiles = shared_memory<float>();

  // R at unit j = 16 part + lane of each gate, for the four units of these lanes.
  float R[static_cast<std::size_t>(kParts)][4][4];
#pragma unroll
  for (int part = 0; part < kParts; ++part) {
#pragma unroll
    for (int g = 0; g < 4; ++g) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        const int j = 16 * part + lane;
        R[part][g][k] =
            j < H && first_unit + k < H ? walk.R[(g * H + j) * H + first_unit + k] : 0.0f;
      }
    }
  }
  // Where the step that is read next lies. c_{t-1} of the first step is c_first, or zero. Behind
  // the first step it is read again, and not used: a step has no branches.
  const std::int64_t last = (walk.T - 1) * cells;
  const float* from_gates = walk.gates + 4 * last + gate;
  const float* from_above = walk.dh + last + cell;
  const float* from_c = walk.c + last + cell;
  const float* const c_start = (walk.c_first != nullptr ? walk.c_first : walk.c) + cell;
  const bool starts_at_zero = walk.c_first == nullptr;
  float c = *from_c;
  int left = walk.T;  // steps to read
  const auto read = [&] {
    const bool first = left <= 1;
    const std::int64_t back = first ? 0 : cells;
    from_c -= back;
    const float c_before = *(first ? c_start : from_c);
    const Step step{.gate = {from_gates[0], from_gates[H], from_gates[2 * H], from_gates[3 * H]},
                    .c_before = first && starts_at_zero ? 0.0f : c_before,
                    .from_above = *from_above};
    from_gates -= 4 * back, from_above -= back, --left;
    return step;
  };
  float dh = walk.dh_last != nullptr ? walk.dh_last[cell] : 0.0f;
  float dc = walk.dc_last != nullptr ? walk.dc_last[cell] : 0.0f;
  Step coming = read();
  Slopes slopes = slopes_of(coming, c);
  c = coming.c_before;
  coming = read();
  float* to_da = walk.da + 4 * last + gate + (kSeries == 1 ? mate * H : 0);
  __syncthreads();  // kSeries = 1: four lanes have read the gates in whose place each writes dA

  int written = 0;  // of the tiles
  for (int t = walk.T - 1; t >= 0; --t) {
    const float d_c = dc + (dh + slopes.from_above) * slopes.c;
    const CellGradient<float> d{d_c * slopes.i, d_c * slopes.f, d_c * slopes.g,
                                (dh + slopes.from_above) * slopes.o, d_c * slopes.kept};
    dc = d.c_prev;
    // kSeries = 1: four lanes have the same numbers for the same place.
    store_shared_16(tiles + written + series * kPitch + 4 * unit, {d.a_i, d.a_f, d.a_g, d.a_o});
    if constexpr (kSeries == 1) {
      const float own = mate < 2 ? (mate == 0 ? d.a_i : d.a_f) : (mate == 2 ? d.a_g : d.a_o);
      store_if(mine, to_da, word(own).of);
    } else {
      store_if(mine, to_da, word(d.a_i).of);
      store_if(mine, to_da + H, word(d.a_f).of);
      store_if(mine, to_da + 2 * H, word(d.a_g).of);
      store_if(mine, to_da + 3 * H, word(d.a_o).of);
    }
    to_da -= 4 * cells;
    __syncthreads();
    slopes = slopes_of(coming, c);
    c = coming.c_before;
    coming = read();

    Sums<kSeries> sums;  // of the four units
#pragma unroll
    for (int k = 0; k < 4; ++k) {
#pragma unroll
      for (int s = 0; s < kSeries; ++s) sums[k][s] = 0.0f;
    }
    const float* const tile = tiles + written + 4 * lane;
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
#pragma unroll
      for (int s = 0; s < kSeries; ++s) {
        const auto da = load_pack<4>(tile + s * kPitch + 64 * part);
#pragma unroll
        for (int g = 0; g < 4; ++g) {
#pragma unroll
          for (int k = 0; k < 4; ++k) sums[k][s] += R[part][g][k] * da.v[g];
        }
      }
    }
    written = kTile - written;
    float of_unit[static_cast<std::size_t>(kSeries)];
#pragma unroll
    for (int s = 0; s < kSeries; ++s) {
      of_unit[s] = fold(fold(sums[0][s], sums[2][s], (lane & 8) != 0, 8),
                        fold(sums[1][s], sums[3][s], (lane & 8) != 0, 8), (lane & 4) != 0, 4);
    }
    if constexpr (kSeries == 1) {
      dh = of_unit[0] + __shfl_xor_sync(kAllLanes, of_unit[0], 2);
      dh += __shfl_xor_sync(kAllLanes, dh, 1);
    } else {
      dh = fold(fold(of_unit[0], of_unit[2], (lane & 2) != 0, 2),
                fold(of_unit[1], of_unit[3], (lane & 2) != 0, 2), (lane & 1) != 0, 1);
    }
  }
  if (!mine || (kSeries == 1 && mate != 0)) return;
  if (walk.dh_first != nullptr) walk.dh_first[cell] = dh;
  if (walk.dc_first != nullptr) walk.dc_first[cell] = dc;
}

// ---- launches

template <int kH, int kInputs>
void launch_forward(const ForwardWalk& walk, cudaStream_t stream) {
  const LaunchShape shape{
      .blocks = blocks_for(walk.N, walk.cut.series),
      .threads = 4 * kH,
      .shared_bytes = static_cast<std::size_t>(register_forward_bytes(walk.cut, kH, kInputs))};
  launch(walk.cut.series == 1 ? forward<kH, kInputs, 1> : forward<kH, kInputs, 4>, shape, stream,
         walk);
}

template <int kH>
void choose_forward(const ForwardWalk& walk, cudaStream_t stream) {
  switch (padded_inputs(walk.I)) {
    case 0:
      return launch_forward<kH, 0>(walk, stream);
    case 16:
      return launch_forward<kH, 16>(walk, stream);
    default:
      if constexpr (register_inputs(kH) >= 32) return launch_forward<kH, 32>(walk, stream);
  }
  throw InternalError("fused_simt: more inputs than registers are kept for");
}

template <int kH>
void launch_backward(const BackwardWalk& walk, cudaStream_t stream) {
  const LaunchShape shape{
      .blocks = blocks_for(walk.N, walk.cut.series),
      .threads = 4 * kH,
      .shared_bytes = static_cast<std::size_t>(register_backward_bytes(walk.cut, kH))};
  launch(walk.cut.series == 1 ? backward<kH, 1> : backward<kH, 4>, shape, stream, walk);
}

}  // namespace

void walk_forward_in_registers(const ForwardWalk& walk, cudaStream_t stream) {
  switch (padded_units(walk.H)) {
    case 16:
      return choose_forward<16>(walk, stream);
    case 32:
      return choose_forward<32>(walk, stream);
    case 48:
      return choose_forward<48>(walk, stream);
    case 64:
      return choose_forward<64>(walk, stream);
    default:
      return choose_forward<96>(walk, stream);
  }
}

void walk_backward_in_registers(const BackwardWalk& walk, cudaStream_t stream) {
  switch (padded_units(walk.H)) {
    case 16:
      return launch_backward<16>(walk, stream);
    case 32:
      return launch_backward<32>(walk, stream);
    case 48:
      return launch_backward<48>(walk, stream);
    case 64:
      return launch_backward<64>(walk, stream);
    default:
      return launch_backward<96>(walk, stream);
  }
}

}  // namespace sluice::fused_simt
