// One thread per group of 4 elements that share a Philox call. Where a row's length is a multiple
// of 4 (and the rest is aligned) the group is one load and one store; else a row begins and ends
// inside of groups, which the rows beside it draw again.
#include "recurrence/shared/dropout.hpp"

#include "base/launch.cuh"
#include "recurrence/shared/elements.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/model/dropout.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;

struct Mask {
  DeviceDropout key;
  int layer;
};

/// The number of row t*N+n in the whole batch.
__device__ inline std::int64_t row_of_all(const DeviceDropout& key, std::int64_t row) {
  if (key.sequences == 0) return row;
  return row / key.N * key.sequences + key.first + row % key.N;
}

/// The factors of the elements of group `group`.
__device__ inline Pack<float, 4> factors(const Mask& mask, std::int64_t group) {
  if (mask.key.rate == 0) return {{1, 1, 1, 1}};
  const Philox4 numbers =
      dropout_numbers(mask.key.seed, *mask.key.step, mask.layer, static_cast<std::uint64_t>(group));
  Pack<float, 4> out;
  for (int k = 0; k < 4; ++k) out.v[k] = dropout_factor(numbers.v[k], mask.key.rate);
  return out;
}

template <typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    drop_packs(Mask mask, DropoutRows shape, const From* from, To* to) {
  const std::uint32_t pack = blockIdx.x * kThreads + threadIdx.x;
  const auto packs_a_row = static_cast<std::uint32_t>(shape.H) / 4;
  const std::uint32_t row = pack / packs_a_row, column = 4 * (pack - row * packs_a_row);
  if (row >= shape.rows) return;
  const std::int64_t first = row_of_all(mask.key, shape.first_row + row) * packs_a_row;
  const Pack<float, 4> factor = factors(mask, first + column / 4);
  const auto in = load_pack<4>(from + row * shape.from_pitch + column);
  Pack<To, 4> out;
  for (int k = 0; k < 4; ++k) out.v[k] = from_float<To>(to_float(in.v[k]) * factor.v[k]);
  store_pack(to + row * shape.to_pitch + column, out);
}

/// Most groups that a row of H elements has a part in.
__host__ __device__ inline std::uint32_t groups_a_row(int H) {
  return (static_cast<std::uint32_t>(H) + 6) / 4;
}

template <typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    drop_elements(Mask mask, DropoutRows shape, const From* from, To* to) {
  const std::uint32_t thread = blockIdx.x * kThreads + threadIdx.x;
  const std::uint32_t groups = groups_a_row(shape.H), row = thread / groups;
  if (row >= shape.rows) return;
  const std::int64_t first = row_of_all(mask.key, shape.first_row + row) * shape.H;
  const std::int64_t group = first / 4 + (thread - row * groups);
  const std::int64_t begin = 4 * group - first;  // < 0 where the group begins before the row
  if (begin >= shape.H) return;
  const Pack<float, 4> factor = factors(mask, group);
  for (int k = 0; k < 4; ++k) {
    const std::int64_t column = begin + k;
    if (column < 0 || column >= shape.H) continue;
    to[row * shape.to_pitch + column] =
        from_float<To>(to_float(from[row * shape.from_pitch + column]) * factor.v[k]);
  }
}

template <typename From, typename To>
void drop(const DeviceDropout& dropout, int layer, const DropoutRows& shape, const From* from,
          To* to, cudaStream_t stream) {
  const Mask mask{dropout, layer};
  const bool packs = shape.H % 4 == 0 && shape.from_pitch % 4 == 0 && shape.to_pitch % 4 == 0 &&
                     aligned({from}, 4 * sizeof(From)) && aligned({to}, 4 * sizeof(To));
  for_row_shares(shape.rows, shape.H + 6, [&](std::int64_t first, std::int64_t rows) {
    DropoutRows share = shape;
    share.rows = rows;
    share.first_row += first;
    const std::int64_t groups =
        packs ? std::int64_t{shape.H} / 4 : std::int64_t{groups_a_row(shape.H)};
    launch(packs ? drop_packs<From, To> : drop_elements<From, To>,
           {.blocks = blocks_for(rows * groups, kThreads), .threads = kThreads}, stream, mask,
           share, from + first * shape.from_pitch, to + first * shape.to_pitch);
  });
}

}  // namespace

void apply_dropout(const DeviceDropout& dropout, int layer, const DropoutRows& shape,
                   const float* from, float* to, cudaStream_t stream) {
  drop(dropout, layer, shape, from, to, stream);
}

void apply_dropout(const DeviceDropout& dropout, int layer, const DropoutRows& shape,
                   const float* from, Bf16* to, cudaStream_t stream) {
  drop(dropout, layer, shape, from, to, stream);
}

void apply_dropout(const DeviceDropout& dropout, int layer, const DropoutRows& shape,
                   const Bf16* from, Bf16* to, cudaStream_t stream) {
  drop(dropout, layer, shape, from, to, stream);
}

}  // namespace sluice
