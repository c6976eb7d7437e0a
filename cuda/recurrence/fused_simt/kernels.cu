// The kernels of fused_simt: plain fp32 arithmetic, any card. One launch walks a layer through all
// steps; a CTA owns its series from the first step to the last, so that CTAs never wait for each
// other, and nothing but __syncthreads orders its threads. What is said of speed here is
// arithmetic; the README has what an H200 measured.
//
// A thread has kUnits units of kSeries series and all four gates of them: its sums end where the
// cell is computed, c stays in its registers. Weights lie in shared memory as [k][unit] packs of
// the four gates, h and x as tiles [k][series]. For one k a thread loads kUnits packs (lanes on
// neighbouring units: no conflict) and kSeries numbers that its warp shares (a broadcast, H >= 64),
// for 4 kUnits kSeries products: with 2 units and 8 series a warp keeps shared memory busy for
// 2*4 + 2 = 10 clocks and the arithmetic units for 16.
// The same packs of R serve dh_{t-1} = R^T dA: there a lane has a row and walks along it.
//
// The floor for H = 64 on an H100 (67 TFLOP/s fp32 without tensor cores, 3.0 TB/s copied), ns per
// series-step of one layer:
//                           arithmetic               bytes
//   forward, I = 16       8H(I+H) = 41 k  .61    x in, h out 320  .11    keeping c     576  .19
//   forward, I = 64                 66 k  .98                512  .17    and gates   1,792  .60
//   backward, gates kept      8HH = 33 k  .49    gates, c, dh in, dA out             2,560  .85
//   dW, dR, dx by cuBLAS, I = 64    98 k 1.47
// So fp32 products are the floor, 7 to 11 times that of tensor cores (fused_mma). On top come some
// 80 instructions a unit and step for exp and tanh in full precision, beside 4(I+H) products.
//
// __launch_bounds__(.., 1): a CTA for a multiprocessor is enough, so nvcc need not spill to fit
// two. Registers as nvcc 13.0 reports them for sm_80 / sm_90a, no spills; the loops that it would
// not unroll by itself are marked, because arrays that they index would lie in local memory:
//   series of a thread      4            8
//   forward             122 / 118    193 / 189
//   backward            156 / 150    248 / 248
#include <cstddef>
#include <cstdint>

#include "base/launch.cuh"
#include "recurrence/fused_simt/walk.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/model/cell.hpp"

namespace sluice::fused_simt {
namespace {

using Weights = Pack<float, 4>;  // of one k and one unit: gates i, f, g, o

/// What this thread computes: units group + u * groups, and kSeries series of the tile from
/// `series` on; `live` of the tile's series are there.
struct Place {
  int group, groups, series, live;
  std::int64_t n;  ///< the tile's first series
};

template <int kSeries>
__device__ inline Place place(const Cut& cut, int N, int H) {
  Place at;
  const int thread = static_cast<int>(threadIdx.x);
  at.groups = unit_groups(H);
  at.group = thread % at.groups;
  at.series = kSeries * (thread / at.groups);
  at.n = std::int64_t{blockIdx.x} * cut.series;
  const std::int64_t left = N - at.n;
  at.live = left < cut.series ? static_cast<int>(left) : cut.series;
  return at;
}

/// One number for each unit and series of a thread.
template <int kSeries>
using Cells = float[kUnits][static_cast<std::size_t>(kSeries)];

/// cells = `from` at this thread's units and series, unit j of series n being from[n * pitch + j];
/// 0 where there is none, or no `from`.
template <int kSeries>
__device__ inline void read_cells(const float* from, int pitch, const Place& at, int H,
                                  Cells<kSeries>& cells) {
  const float* tile = from == nullptr ? nullptr : from + at.n * pitch;
  for (int u = 0; u < kUnits; ++u) {
    const int unit = at.group + u * at.groups;
    const int live = from != nullptr && unit < H ? at.live - at.series : 0;
    for (int s = 0; s < kSeries; ++s) {
      cells[u][s] = s < live ? tile[(at.series + s) * pitch + unit] : 0.0f;
    }
  }
}

/// The other way; not where there is no unit or series, or no `to`.
template <int kSeries>
__device__ inline void write_cells(const Cells<kSeries>& cells, const Place& at, int H, int pitch,
                                   float* to) {
  float* tile = to == nullptr ? nullptr : to + at.n * pitch;
  for (int u = 0; u < kUnits; ++u) {
    const int unit = at.group + u * at.groups;
    const int live = to != nullptr && unit < H ? at.live - at.series : 0;
    for (int s = 0; s < kSeries; ++s) {
      if (s < live) tile[(at.series + s) * pitch + unit] = cells[u][s];
    }
  }
}

/// Row `unit` of a tile = this thread's series of each of its units.
template <int kSeries>
__device__ inline void write_tile(const Cells<kSeries>& cells, const Place& at, int H, int pitch,
                                  float* tile) {
  for (int u = 0; u < kUnits; ++u) {
    const int unit = at.group + u * at.groups;
    if (unit >= H) continue;
    float* to = tile + unit * pitch + at.series;
    for (int p = 0; p < kSeries / 4; ++p) {
      const float* from = cells[u] + 4 * p;
      store_pack(to + 4 * p, Pack<float, 4>{{from[0], from[1], from[2], from[3]}});
    }
  }
}

/// packs [K][pitch] of weights [4H,K]; zeros beyond H.
__device__ inline void load_weights(const float* weights, int K, int H, Weights* packs) {
  const int pitch = weight_pitch(H);
  for (int i = static_cast<int>(threadIdx.x); i < pitch * K; i += static_cast<int>(blockDim.x)) {
    const int unit = i / K, k = i - unit * K;
    Weights pack = {};
    for (int gate = 0; gate < 4 && unit < H; ++gate)
      pack.v[gate] = weights[(gate * H + unit) * K + k];
    packs[k * pitch + unit] = pack;
  }
}

/// tile [K][pitch] = the CTA's rows of `from` [N,K], transposed; zeros where there is no series, or
/// no `from`.
__device__ inline void load_tile(const float* from, int K, const Place& at, int series, int pitch,
                                 float* tile) {
  const float* rows = from == nullptr ? nullptr : from + at.n * K;
  for (int i = static_cast<int>(threadIdx.x); i < series * K; i += static_cast<int>(blockDim.x)) {
    const int s = i / K, k = i - s * K;
    tile[k * pitch + s] = from != nullptr && s < at.live ? rows[i] : 0.0f;
  }
}

/// Where input_row() puts a row: a column of a tile.
class Column {
 public:
  __device__ Column(float* first, int pitch) : at_(first), pitch_(pitch) {}
  __device__ float& operator[](int k) const { return at_[k * pitch_]; }
  __device__ float& operator*() const { return *at_; }
  __device__ Column operator++(int) {
    const Column before = *this;
    at_ += pitch_;
    return before;
  }

 private:
  float* at_;
  int pitch_;
};

/// tiles [steps][I][pitch] = x of the steps from t on.
__device__ inline void load_inputs(const ForwardWalk& walk, const Place& at, int t, int steps,
                                   float* tiles) {
  const int series = walk.cut.series, pitch = tile_pitch(series);
  if (!walk.assemble) {
    for (int j = 0; j < steps; ++j) {
      load_tile(walk.x + (std::int64_t{t} + j) * walk.N * walk.I, walk.I, at, series, pitch,
                tiles + j * walk.I * pitch);
    }
    return;
  }
  for (int i = static_cast<int>(threadIdx.x); i < series * steps;
       i += static_cast<int>(blockDim.x)) {
    const int j = i / series, s = i - j * series;
    Column column(tiles + j * walk.I * pitch + s, pitch);
    if (s < at.live) {
      input_row(walk.rows, at.n + s, t + j, column);
    } else {
      for (int k = 0; k < walk.I; ++k) column[k] = 0;
    }
  }
}

/// sums[gate] += weights [K] x tile [K]: the product of four gates.
template <int kSeries>
__device__ inline void add_products(const Weights* weights, const float* tile, int K,
                                    const Place& at, int weights_pitch, int pitch,
                                    Cells<kSeries> (&sums)[4]) {
  weights += at.group;
  tile += at.series;
  for (int k = 0; k < K; ++k, weights += weights_pitch, tile += pitch) {
    Pack<float, 4> in[static_cast<std::size_t>(kSeries / 4)];
    for (int p = 0; p < kSeries / 4; ++p) in[p] = load_pack<4>(tile + 4 * p);
    for (int u = 0; u < kUnits; ++u) {
      const Weights w = weights[u * at.groups];
      for (int gate = 0; gate < 4; ++gate) {
        for (int s = 0; s < kSeries; ++s) sums[gate][u][s] += w.v[gate] * in[s / 4].v[s % 4];
      }
    }
  }
}

/// sums[gate] = b.
template <int kSeries>
__device__ inline void start_sums(const Weights* bias, const Place& at, Cells<kSeries> (&sums)[4]) {
  for (int u = 0; u < kUnits; ++u) {
    const Weights b = bias[at.group + u * at.groups];
    for (int gate = 0; gate < 4; ++gate) {
      for (int s = 0; s < kSeries; ++s) sums[gate][u][s] = b.v[gate];
    }
  }
}

// Shared memory: packs of W, R, b; two tiles of h, the one that is read and the one that is
// written; tiles of x for `steps` steps.
template <int kSeries>
__global__ void __launch_bounds__(kMostThreads, 1) forward(ForwardWalk walk) {
  const int I = walk.I, H = walk.H, pitch = tile_pitch(walk.cut.series);
  const int weights_pitch = weight_pitch(H);
  Weights* const W = shared_memory<Weights>();
  Weights* const R = W + I * weights_pitch;
  Weights* const b = R + H * weights_pitch;
  float* const h_tiles = reinterpret_cast<float*>(b + weights_pitch);
  float* const x_tiles = h_tiles + 2 * H * pitch;
  const Place at = place<kSeries>(walk.cut, walk.N, H);

  load_weights(walk.W, I, H, W);
  load_weights(walk.R, H, H, R);
  load_weights(walk.b, 1, H, b);
  load_tile(walk.h_first, H, at, walk.cut.series, pitch, h_tiles);
  Cells<kSeries> h, c;
  read_cells<kSeries>(walk.c_first, H, at, H, c);
  __syncthreads();

  int ready = 0;  // steps whose inputs are in x_tiles
  for (int t = 0; t < walk.T; ++t, --ready) {
    if (I > 0 && ready == 0) {
      ready = walk.T - t < walk.cut.steps ? walk.T - t : walk.cut.steps;
      load_inputs(walk, at, t, ready, x_tiles);
      __syncthreads();
    }
    const std::int64_t row = std::int64_t{t} * walk.N;
    Cells<kSeries> a[4];
    start_sums<kSeries>(b, at, a);
    if (walk.product != nullptr) {
#pragma unroll
      for (int gate = 0; gate < 4; ++gate) {
        Cells<kSeries> product;
        read_cells<kSeries>(walk.product + row * 4 * H + gate * H, 4 * H, at, H, product);
        for (int u = 0; u < kUnits; ++u) {
          for (int s = 0; s < kSeries; ++s) a[gate][u][s] += product[u][s];
        }
      }
    }
    add_products<kSeries>(W, x_tiles + t % walk.cut.steps * I * pitch, I, at, weights_pitch, pitch,
                          a);
    add_products<kSeries>(R, h_tiles + t % 2 * H * pitch, H, at, weights_pitch, pitch, a);
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
#pragma unroll
      for (int s = 0; s < kSeries; ++s) {
        const Gates<float> gate = gate_values(a[0][u][s], a[1][u][s], a[2][u][s], a[3][u][s]);
        const CellState<float> state = cell_forward(gate, c[u][s]);
        a[0][u][s] = gate.i, a[1][u][s] = gate.f, a[2][u][s] = gate.g, a[3][u][s] = gate.o;
        c[u][s] = state.c, h[u][s] = state.h;
      }
    }
    write_tile<kSeries>(h, at, H, pitch, h_tiles + (t + 1) % 2 * H * pitch);
#pragma unroll
    for (int gate = 0; gate < 4 && walk.gates != nullptr; ++gate) {
      write_cells<kSeries>(a[gate], at, H, 4 * H, walk.gates + row * 4 * H + gate * H);
    }
    if (walk.h != nullptr) write_cells<kSeries>(h, at, H, H, walk.h + row * H);
    if (walk.c != nullptr) write_cells<kSeries>(c, at, H, H, walk.c + row * H);
    __syncthreads();
  }
  write_cells<kSeries>(h, at, H, H, walk.h_last);
  write_cells<kSeries>(c, at, H, H, walk.c_last);
}

/// dh = R^T da; da: four tiles [H][pitch], one a gate. R's row is the unit that h_{t-1} comes from.
template <int kSeries>
__device__ inline void gradient_products(const Weights* R, const float* da, int H, const Place& at,
                                         int pitch, Cells<kSeries>& dh) {
  const Weights* rows[kUnits];
  for (int u = 0; u < kUnits; ++u) {
    const int unit = at.group + u * at.groups;
    rows[u] = R + (unit < H ? unit : H - 1) * weight_pitch(H);
    for (int s = 0; s < kSeries; ++s) dh[u][s] = 0;
  }
  da += at.series;
  for (int j = 0; j < H; ++j, da += pitch) {
    Weights w[kUnits];
    for (int u = 0; u < kUnits; ++u) w[u] = rows[u][j];
    for (int gate = 0; gate < 4; ++gate) {
      for (int p = 0; p < kSeries / 4; ++p) {
        const auto d = load_pack<4>(da + gate * H * pitch + 4 * p);
        for (int u = 0; u < kUnits; ++u) {
          for (int s = 0; s < 4; ++s) dh[u][4 * p + s] += w[u].v[gate] * d.v[s];
        }
      }
    }
  }
}

// Shared memory: packs of R; four tiles of dA. Two barriers a step: the tiles may be written; they
// are there.
template <int kSeries>
__global__ void __launch_bounds__(kMostThreads, 1) backward(BackwardWalk walk) {
  const int H = walk.H, pitch = tile_pitch(walk.cut.series);
  Weights* const R = shared_memory<Weights>();
  float* const da_tiles = reinterpret_cast<float*>(R + H * weight_pitch(H));
  const Place at = place<kSeries>(walk.cut, walk.N, H);

  load_weights(walk.R, H, H, R);
  const std::int64_t states = std::int64_t{walk.N} * H;
  Cells<kSeries> dh, dc, c;
  read_cells<kSeries>(walk.dh_last, H, at, H, dh);
  read_cells<kSeries>(walk.dc_last, H, at, H, dc);
  read_cells<kSeries>(walk.c + (walk.T - 1) * states, H, at, H, c);

  for (int t = walk.T - 1; t >= 0; --t) {
    Cells<kSeries> a[4], c_before;
    read_cells<kSeries>(t > 0 ? walk.c + (t - 1) * states : walk.c_first, H, at, H, c_before);
    {
      Cells<kSeries> from_above;
      read_cells<kSeries>(walk.dh + t * states, H, at, H, from_above);
      for (int u = 0; u < kUnits; ++u) {
        for (int s = 0; s < kSeries; ++s) dh[u][s] += from_above[u][s];
      }
    }
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) {
      read_cells<kSeries>(walk.gates + t * 4 * states + gate * H, 4 * H, at, H, a[gate]);
    }
    __syncthreads();
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
#pragma unroll
      for (int s = 0; s < kSeries; ++s) {
        const Gates<float> gate{a[0][u][s], a[1][u][s], a[2][u][s], a[3][u][s]};
        const CellGradient<float> d =
            cell_backward(gate, c[u][s], c_before[u][s], dh[u][s], dc[u][s]);
        a[0][u][s] = d.a_i, a[1][u][s] = d.a_f, a[2][u][s] = d.a_g, a[3][u][s] = d.a_o;
        dc[u][s] = d.c_prev, c[u][s] = c_before[u][s];
      }
    }
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) {
      write_tile<kSeries>(a[gate], at, H, pitch, da_tiles + gate * H * pitch);
      write_cells<kSeries>(a[gate], at, H, 4 * H, walk.da + t * 4 * states + gate * H);
    }
    __syncthreads();
    gradient_products<kSeries>(R, da_tiles, H, at, pitch, dh);
  }
  write_cells<kSeries>(dh, at, H, H, walk.dh_first);
  write_cells<kSeries>(dc, at, H, H, walk.dc_first);
}

template <typename Walk>
LaunchShape grid(const Walk& walk, std::int64_t shared_bytes) {
  return {.blocks = blocks_for(walk.N, walk.cut.series),
          .threads = threads(walk.cut, walk.H),
          .shared_bytes = static_cast<std::size_t>(shared_bytes)};
}

}  // namespace

void walk_forward(const ForwardWalk& walk, cudaStream_t stream) {
  launch(walk.cut.series_per_thread == 8 ? forward<8> : forward<4>,
         grid(walk, forward_bytes(walk.cut, walk.I, walk.H)), stream, walk);
}

void walk_backward(const BackwardWalk& walk, cudaStream_t stream) {
  launch(walk.cut.series_per_thread == 8 ? backward<8> : backward<4>,
         grid(walk, backward_bytes(walk.cut, walk.H)), stream, walk);
}

}  // namespace sluice::fused_simt
