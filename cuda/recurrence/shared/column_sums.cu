// First pass: a block takes a strip of columns and a share of the rows; its 8 groups of 32 threads
// take every eighth row each, and are summed in shared memory. Second pass: one thread a column
// sums the shares. Memory bound: each element is read once.
#include "recurrence/shared/column_sums.hpp"

#include <algorithm>

#include "base/launch.cuh"
#include "recurrence/shared/elements.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kLanes = 32;  // neighbouring columns (or packs) of a strip
constexpr int kRows = 8;    // rows that a block reads at a time
constexpr int kThreads = kLanes * kRows;
constexpr int kLeastRows = 64;  // of a share
constexpr int kMostShares = 256;

struct Shares {
  std::int64_t count, rows;  // all but the last have `rows` rows
};

Shares shares_of(std::int64_t rows) {
  const std::int64_t wanted =
      std::min<std::int64_t>((rows + kLeastRows - 1) / kLeastRows, kMostShares);
  const std::int64_t share = wanted == 0 ? kLeastRows : (rows + wanted - 1) / wanted;
  return {(rows + share - 1) / share, share};
}

/// partial [shares, columns]. Blocks: shares x strips.
template <int kWidth, typename T>
__global__ void __launch_bounds__(kThreads)
    sum_share(ColumnSumsShape shape, std::int64_t share_rows, unsigned strips, const T* a,
              float* partial) {
  auto* sums = shared_memory<Pack<float, kWidth>>();  // [kRows, kLanes]
  const std::int64_t share = blockIdx.x / strips, strip = blockIdx.x % strips;
  const int lane = static_cast<int>(threadIdx.x) % kLanes,
            group = static_cast<int>(threadIdx.x) / kLanes;
  const std::int64_t column = (strip * kLanes + lane) * kWidth;
  const std::int64_t begin = share * share_rows;
  const std::int64_t end = begin + share_rows < shape.rows ? begin + share_rows : shape.rows;
  Pack<float, kWidth> sum{};
  if (column < shape.columns) {
    for (std::int64_t row = begin + group; row < end; row += kRows) {
      const auto in = load_pack<kWidth>(a + row * shape.pitch + column);
      for (int k = 0; k < kWidth; ++k) sum.v[k] += to_float(in.v[k]);
    }
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  if (group != 0 || column >= shape.columns) return;
  for (int other = 1; other < kRows; ++other) {
    for (int k = 0; k < kWidth; ++k) sum.v[k] += sums[other * kLanes + lane].v[k];
  }
  store_pack(partial + share * shape.columns + column, sum);
}

__global__ void __launch_bounds__(kThreads)
    sum_shares(std::int64_t columns, std::int64_t shares, bool add, const float* partial,
               float* sums) {
  const std::int64_t column = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (column >= columns) return;
  float sum = 0;
  for (std::int64_t share = 0; share < shares; ++share) sum += partial[share * columns + column];
  sums[column] = add ? sums[column] + sum : sum;
}

template <int kWidth, typename T>
void sum_strips(const ColumnSumsShape& shape, const Shares& shares, const T* a, float* partial,
                cudaStream_t stream) {
  const std::int64_t strips = blocks_for(shape.columns, kLanes * kWidth);
  launch(sum_share<kWidth, T>,
         {.blocks = shares.count * strips,
          .threads = kThreads,
          .shared_bytes = kThreads * kWidth * sizeof(float)},
         stream, shape, shares.rows, strips, a, partial);
}

template <typename T>
void sum_any(const ColumnSumsShape& shape, const T* a, float* sums, DeviceSpan<float> workspace,
             cudaStream_t stream) {
  if (shape.columns == 0) return;
  if (workspace.size() < column_sums_workspace(shape.rows, shape.columns)) {
    throw InternalError("column_sums: the workspace is smaller than column_sums_workspace()");
  }
  const Shares shares = shares_of(shape.rows);
  const bool packs = shape.columns % 4 == 0 && shape.pitch % 4 == 0 &&
                     aligned({a}, 4 * sizeof(T)) && aligned({workspace.data()}, 4 * sizeof(float));
  if (packs) {
    sum_strips<4>(shape, shares, a, workspace.data(), stream);
  } else {
    sum_strips<1>(shape, shares, a, workspace.data(), stream);
  }
  launch(sum_shares, {.blocks = blocks_for(shape.columns, kThreads), .threads = kThreads}, stream,
         shape.columns, shares.count, shape.add, workspace.data(), sums);
}

}  // namespace

std::int64_t column_sums_workspace(std::int64_t rows, std::int64_t columns) {
  const std::int64_t shares = (rows + kLeastRows - 1) / kLeastRows;
  return std::min<std::int64_t>(shares, kMostShares) * columns;
}

void column_sums(const ColumnSumsShape& shape, const float* a, float* sums,
                 DeviceSpan<float> workspace, cudaStream_t stream) {
  sum_any(shape, a, sums, workspace, stream);
}

void column_sums(const ColumnSumsShape& shape, const Bf16* a, float* sums,
                 DeviceSpan<float> workspace, cudaStream_t stream) {
  sum_any(shape, a, sums, workspace, stream);
}

}  // namespace sluice
