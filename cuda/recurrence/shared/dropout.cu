// One thread per group of 4 elements that share a Philox call. Where a row's length is a multiple
// of 4 (and the rest is aligned) the group is one load and one store; else its elements may lie in
// two or more rows.
#include "recurrence/shared/dropout.hpp"

#include "base/launch.cuh"
#include "recurrence/shared/elements.hpp"
#include "recurrence/shared/pack.hpp"
#include "sluice/model/dropout.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;

struct Mask {
  std::uint64_t seed;
  const std::int64_t* step;  // null if rate is 0
  int layer;
  float rate;
};

/// The factors of the elements of group `group`.
__device__ inline Pack<float, 4> factors(const Mask& mask, std::int64_t group) {
  if (mask.rate == 0) return {{1, 1, 1, 1}};
  const Philox4 numbers =
      dropout_numbers(mask.seed, *mask.step, mask.layer, static_cast<std::uint64_t>(group));
  Pack<float, 4> out;
  for (int k = 0; k < 4; ++k) out.v[k] = dropout_factor(numbers.v[k], mask.rate);
  return out;
}

template <typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    drop_packs(Mask mask, DropoutRows shape, const From* from, To* to) {
  const std::uint32_t pack = blockIdx.x * kThreads + threadIdx.x;
  const auto packs_a_row = static_cast<std::uint32_t>(shape.H) / 4;
  const std::uint32_t row = pack / packs_a_row, column = 4 * (pack - row * packs_a_row);
  if (row >= shape.rows) return;
  const Pack<float, 4> factor = factors(mask, shape.first_row * packs_a_row + pack);
  const auto in = load_pack<4>(from + row * shape.from_pitch + column);
  Pack<To, 4> out;
  for (int k = 0; k < 4; ++k) out.v[k] = from_float<To>(to_float(in.v[k]) * factor.v[k]);
  store_pack(to + row * shape.to_pitch + column, out);
}

template <typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    drop_elements(Mask mask, DropoutRows shape, const From* from, To* to) {
  const std::int64_t first = shape.first_row * shape.H;  // its number in the layer
  const std::int64_t group = first / 4 + std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int64_t begin = 4 * group - first;  // < 0 where the group begins before the rows
  const std::int64_t size = shape.rows * shape.H;
  if (begin >= size) return;
  const Pack<float, 4> factor = factors(mask, group);
  const auto H = static_cast<std::uint32_t>(shape.H);
  const auto element = static_cast<std::uint32_t>(begin < 0 ? 0 : begin);
  std::uint32_t row = element / H, column = element - row * H;
  for (int k = 0; k < 4; ++k) {
    if (begin + k < 0 || begin + k >= size) continue;
    to[row * shape.to_pitch + column] =
        from_float<To>(to_float(from[row * shape.from_pitch + column]) * factor.v[k]);
    if (++column == H) {
      column = 0;
      ++row;
    }
  }
}

template <typename From, typename To>
void drop(const DeviceDropout& dropout, int layer, const DropoutRows& shape, const From* from,
          To* to, cudaStream_t stream) {
  const Mask mask{dropout.seed, dropout.step, layer, dropout.rate};
  const bool packs = shape.H % 4 == 0 && shape.from_pitch % 4 == 0 && shape.to_pitch % 4 == 0 &&
                     aligned({from}, 4 * sizeof(From)) && aligned({to}, 4 * sizeof(To));
  for_row_shares(shape.rows, shape.H, [&](std::int64_t first, std::int64_t rows) {
    DropoutRows share = shape;
    share.rows = rows;
    share.first_row += first;
    const std::int64_t begin = share.first_row * shape.H, end = begin + rows * shape.H;
    const std::int64_t groups = (end + 3) / 4 - begin / 4;
    launch(packs ? drop_packs<From, To> : drop_elements<From, To>,
           {.blocks = blocks_for(groups, kThreads), .threads = kThreads}, stream, mask, share,
           from + first * shape.from_pitch, to + first * shape.to_pitch);
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
