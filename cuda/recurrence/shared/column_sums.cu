// A block takes a strip of columns and a share of the rows: each of its groups of 32 threads takes
// every kGroups-th row, and the groups' sums meet in shared memory, half of them added to the other
// half again and again. Few rows are one share and one launch, in many groups. Else the shares'
// sums, at most 256 rows, are summed the same way: a chain of 8 loads and 5 additions, where a
// thread a column would wait for 256 loads. Memory bound: each element is read once.
#include "recurrence/shared/column_sums.hpp"

#include <algorithm>

#include "base/launch.cuh"
#include "recurrence/shared/elements.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/base/error.hpp"

namespace sluice {
namespace {

constexpr int kLanes = 32;       // neighbouring columns (or packs) of a strip
constexpr int kShareGroups = 8;  // groups of a block that sums a share of many
constexpr int kFewGroups = 32;   // and of one that sums few rows
constexpr int kFewRows = 1024;   // that one launch sums: 32 to a thread (a guess, not measured)
constexpr int kLeastRows = 64;   // of a share
constexpr int kMostShares = 256;

struct Shares {
  std::int64_t count, rows;  // all but the last have `rows` rows
};

Shares shares_of(std::int64_t rows) {
  const std::int64_t wanted =
      std::min<std::int64_t>((rows + kLeastRows - 1) / kLeastRows, kMostShares);
  const std::int64_t share = (rows + wanted - 1) / wanted;
  return {(rows + share - 1) / share, share};
}

/// to [shares, columns]. Blocks: shares x strips.
template <int kWidth, int kGroups, typename T>
__global__ void __launch_bounds__(kLanes* kGroups)
    sum_rows(ColumnSumsShape shape, std::int64_t share_rows, unsigned strips, const T* a,
             float* to) {
  auto* sums = shared_memory<Pack<float, kWidth>>();  // [kGroups, kLanes]
  const std::int64_t share = blockIdx.x / strips, strip = blockIdx.x % strips;
  const int lane = static_cast<int>(threadIdx.x) % kLanes,
            group = static_cast<int>(threadIdx.x) / kLanes;
  const std::int64_t column = (strip * kLanes + lane) * kWidth;
  const std::int64_t begin = share * share_rows;
  const std::int64_t end = begin + share_rows < shape.rows ? begin + share_rows : shape.rows;
  Pack<float, kWidth> sum{};
  if (column < shape.columns) {
    for (std::int64_t row = begin + group; row < end; row += kGroups) {
      const auto in = load_pack<kWidth>(a + row * shape.pitch + column);
      for (int k = 0; k < kWidth; ++k) sum.v[k] += to_float(in.v[k]);
    }
  }
  sums[threadIdx.x] = sum;
  for (int half = kGroups / 2; half > 0; half /= 2) {
    __syncthreads();
    if (group >= half) continue;
    for (int k = 0; k < kWidth; ++k) sum.v[k] += sums[(group + half) * kLanes + lane].v[k];
    sums[threadIdx.x] = sum;
  }
  if (group != 0 || column >= shape.columns) return;
  to += share * shape.columns + column;
  if (shape.add) {
    for (int k = 0; k < kWidth; ++k) sum.v[k] += to[k];
  }
  store_pack(to, sum);
}

/// All `shares` of `share_rows` rows each.
template <int kWidth, int kGroups, typename T>
void launch_sums(const ColumnSumsShape& shape, const Shares& shares, const T* a, float* to,
                 cudaStream_t stream) {
  const std::int64_t strips = blocks_for(shape.columns, kLanes * kWidth);
  launch(sum_rows<kWidth, kGroups, T>,
         {.blocks = shares.count * strips,
          .threads = kLanes * kGroups,
          .shared_bytes = kLanes * kGroups * kWidth * sizeof(float)},
         stream, shape, shares.rows, strips, a, to);
}

template <typename T>
void sum_few(const ColumnSumsShape& shape, const T* a, float* sums, cudaStream_t stream) {
  launch_sums<1, kFewGroups>(shape, {1, shape.rows}, a, sums, stream);
}

template <typename T>
void sum_any(const ColumnSumsShape& shape, const T* a, float* sums, DeviceSpan<float> workspace,
             cudaStream_t stream) {
  if (shape.columns == 0) return;
  if (workspace.size() < column_sums_workspace(shape.rows, shape.columns)) {
    throw InternalError("column_sums: the workspace is smaller than column_sums_workspace()");
  }
  if (shape.rows <= kFewRows) return sum_few(shape, a, sums, stream);
  const Shares shares = shares_of(shape.rows);
  float* partial = workspace.data();
  ColumnSumsShape first = shape;
  first.add = false;
  const bool packs = shape.columns % 4 == 0 && shape.pitch % 4 == 0 &&
                     aligned({a}, 4 * sizeof(T)) && aligned({partial}, 4 * sizeof(float));
  if (packs) {
    launch_sums<4, kShareGroups>(first, shares, a, partial, stream);
  } else {
    launch_sums<1, kShareGroups>(first, shares, a, partial, stream);
  }
  sum_few(
      {.rows = shares.count, .columns = shape.columns, .pitch = shape.columns, .add = shape.add},
      partial, sums, stream);
}

}  // namespace

std::int64_t column_sums_workspace(std::int64_t rows, std::int64_t columns) {
  if (rows <= kFewRows) return 0;
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
