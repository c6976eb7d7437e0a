// A CTA has 64 rows of the result [4H, H + I + 1] (columns of dA), all of its columns (h_{t-1}, x,
// and a 1 for the biases), and a share of the T N rows that are summed over: 256 threads of 4 rows
// and every sixteenth column. A second launch adds the shares in their order.
//
// The floor, H = 64, I = 16, 3,072 rows: 64 M products, 2 us on a card of 67 TFLOP/s; a thread
// loads 1 + columns / 16 times for 4 columns / 16 products, so some 4 us; the shares are written
// and read once, 5 MB in the L2 cache.
#include "recurrence/fused_simt/weight_gradients.hpp"

#include <algorithm>
#include <cstddef>

#include "base/launch.cuh"
#include "recurrence/shared/pack.hpp"
#include "sluice/base/error.hpp"

namespace sluice::fused_simt {
namespace {

constexpr std::int64_t kMostRows = 1 << 14;
constexpr int kMostTiles = 9;  // of 16 columns
constexpr int kThreads = 256, kGates = 64, kDepth = 16;

struct Shares {
  int columns = 0, tiles = 0;  // H + I + 1, and how often 16 columns
  int shares = 0, rows = 0;    // of the rows, and how many a share has
  int gate_blocks = 0;
};

Shares shares_of(std::int64_t rows, int I, int H, int multiprocessors) {
  Shares cut;
  cut.columns = H + I + 1;
  cut.tiles = (cut.columns + 15) / 16;
  cut.gate_blocks = (4 * H + kGates - 1) / kGates;
  const auto few = static_cast<int>((rows + kDepth - 1) / kDepth);
  const int wanted = std::clamp(2 * multiprocessors / cut.gate_blocks, 1, few);
  cut.rows = (few + wanted - 1) / wanted * kDepth;
  cut.shares = static_cast<int>((rows + cut.rows - 1) / cut.rows);
  return cut;
}

/// Element `column` of row [h_{t-1} | x | 1].
__device__ inline float factor(const WeightGradients& g, int row, int column) {
  if (column < g.H) {
    if (row >= g.N) return g.h[(row - g.N) * g.H + column];
    return g.h_first != nullptr ? g.h_first[row * g.H + column] : 0.0f;
  }
  if (column < g.H + g.I) return g.x[row * g.I + column - g.H];
  return column == g.H + g.I ? 1.0f : 0.0f;
}

// Shared memory: kDepth rows of dA and of the factors.
template <int kTiles>
__global__ void __launch_bounds__(kThreads) share_kernel(WeightGradients g, Shares cut) {
  constexpr int kColumns = 16 * kTiles;
  float* const da = shared_memory<float>();
  float* const factors = da + kDepth * kGates;
  const int thread = static_cast<int>(threadIdx.x), column = thread % 16, gate = 4 * (thread / 16);
  const int block = static_cast<int>(blockIdx.x) % cut.gate_blocks * kGates;
  const int share = static_cast<int>(blockIdx.x) / cut.gate_blocks;
  const int all = g.T * g.N, first = share * cut.rows;
  const int end = first + cut.rows < all ? first + cut.rows : all;

  float sums[4][static_cast<std::size_t>(kTiles)];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < kTiles; ++j) sums[i][j] = 0.0f;
  }
  for (int begin = first; begin < end; begin += kDepth) {
    for (int i = thread; i < kDepth * kGates; i += kThreads) {
      const int row = begin + i / kGates, at = block + i % kGates;
      da[i] = row < end && at < 4 * g.H ? g.da[row * 4 * g.H + at] : 0.0f;
    }
    for (int i = thread; i < kDepth * kColumns; i += kThreads) {
      const int row = begin + i / kColumns;
      factors[i] = row < end ? factor(g, row, i % kColumns) : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      const auto a = load_pack<4>(da + k * kGates + gate);
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
        const float b = factors[k * kColumns + 16 * j + column];
#pragma unroll
        for (int i = 0; i < 4; ++i) sums[i][j] += a.v[i] * b;
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int row = block + gate + i;
    if (row >= 4 * g.H) continue;
    float* const to = g.partial + (share * 4 * g.H + row) * kColumns + column;
#pragma unroll
    for (int j = 0; j < kTiles; ++j) to[16 * j] = sums[i][j];
  }
}

/// A thread an element [4H, columns]: its shares' sum.
__global__ void __launch_bounds__(kThreads) sum_kernel(WeightGradients g, Shares cut) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int pitch = 16 * cut.tiles, row = i / pitch, column = i % pitch;
  if (row >= 4 * g.H || column >= cut.columns) return;
  float sum = 0.0f;
#pragma unroll 8
  for (int share = 0; share < cut.shares; ++share) {
    sum += g.partial[(share * 4 * g.H + row) * pitch + column];
  }
  if (column < g.H) {
    g.dR[row * g.H + column] = sum;
  } else if (column < g.H + g.I) {
    g.dW[row * g.I + column - g.H] = sum;
  } else {
    g.db[row] = sum;
  }
}

template <int kTiles>
void launch_shares(const WeightGradients& gradients, const Shares& cut, cudaStream_t stream) {
  constexpr std::size_t kBytes = sizeof(float) * kDepth * (kGates + 16 * kTiles);
  launch(share_kernel<kTiles>,
         {.blocks = std::int64_t{cut.shares} * cut.gate_blocks,
          .threads = kThreads,
          .shared_bytes = kBytes},
         stream, gradients, cut);
}

}  // namespace

bool takes_gradients(std::int64_t rows, int I, int H) {
  return rows <= kMostRows && H + I + 1 <= 16 * kMostTiles;
}

std::int64_t gradient_floats(std::int64_t rows, int I, int H, int multiprocessors) {
  const Shares cut = shares_of(rows, I, H, multiprocessors);
  return std::int64_t{cut.shares} * 4 * H * 16 * cut.tiles;
}

void weight_gradients(const WeightGradients& gradients, int multiprocessors, cudaStream_t stream) {
  const std::int64_t rows = std::int64_t{gradients.T} * gradients.N;
  if (!takes_gradients(rows, gradients.I, gradients.H)) {
    throw InternalError("fused_simt: too many rows or columns for its own gradients");
  }
  Shares cut = shares_of(rows, gradients.I, gradients.H, multiprocessors);
  switch (cut.tiles) {
    case 1:
      launch_shares<1>(gradients, cut, stream);
      break;
    case 2:
      launch_shares<2>(gradients, cut, stream);
      break;
    case 3:
      launch_shares<3>(gradients, cut, stream);
      break;
    case 4:
      launch_shares<4>(gradients, cut, stream);
      break;
    case 5:
      launch_shares<5>(gradients, cut, stream);
      break;
    case 6:
      launch_shares<6>(gradients, cut, stream);
      break;
    case 7:
      launch_shares<7>(gradients, cut, stream);
      break;
    case 8:
      launch_shares<8>(gradients, cut, stream);
      break;
    default:
      launch_shares<9>(gradients, cut, stream);
      break;
  }
  launch(sum_kernel,
         {.blocks = blocks_for(std::int64_t{4} * gradients.H * 16 * cut.tiles, kThreads),
          .threads = kThreads},
         stream, gradients, cut);
}

}  // namespace sluice::fused_simt
