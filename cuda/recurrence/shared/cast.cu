// One thread per 4 neighbouring elements of a row, or per element where rows or addresses do not
// divide so.
#include "recurrence/shared/cast.hpp"

#include "base/launch.cuh"
#include "recurrence/shared/elements.hpp"
#include "recurrence/shared/pack.hpp"

namespace sluice {
namespace {

constexpr int kThreads = 256;

template <int kWidth, typename From, typename To>
__device__ inline void cast_pack(const From* from, To* to) {
  const auto in = load_pack<kWidth>(from);
  Pack<To, kWidth> out;
  for (int k = 0; k < kWidth; ++k) out.v[k] = from_float<To>(to_float(in.v[k]));
  store_pack(to, out);
}

template <int kWidth, typename From, typename To>
__global__ void __launch_bounds__(kThreads)
    cast_elements(std::int64_t size, const From* from, To* to) {
  const std::int64_t at = kWidth * (std::int64_t{blockIdx.x} * kThreads + threadIdx.x);
  if (at < size) cast_pack<kWidth>(from + at, to + at);
}

template <int kWidth, typename From, typename To>
__global__ void __launch_bounds__(kThreads) cast_rows(CastShape shape, const From* from, To* to) {
  const std::uint32_t pack = blockIdx.x * kThreads + threadIdx.x;
  const auto packs_a_row = static_cast<std::uint32_t>(shape.columns / kWidth);
  const std::uint32_t row = pack / packs_a_row, column = kWidth * (pack - row * packs_a_row);
  if (row >= shape.rows) return;
  cast_pack<kWidth>(from + row * shape.from_pitch + column, to + row * shape.to_pitch + column);
}

template <int kWidth, typename From, typename To>
void launch_cast(const CastShape& shape, const From* from, To* to, cudaStream_t stream) {
  if (shape.rows == 1 || (shape.from_pitch == shape.columns && shape.to_pitch == shape.columns)) {
    const std::int64_t size = shape.rows * shape.columns;
    launch(cast_elements<kWidth, From, To>,
           {.blocks = blocks_for(size / kWidth, kThreads), .threads = kThreads}, stream, size, from,
           to);
    return;
  }
  const std::int64_t packs_a_row = shape.columns / kWidth;
  for_row_shares(shape.rows, packs_a_row, [&](std::int64_t first, std::int64_t rows) {
    CastShape share = shape;
    share.rows = rows;
    launch(cast_rows<kWidth, From, To>,
           {.blocks = blocks_for(rows * packs_a_row, kThreads), .threads = kThreads}, stream, share,
           from + first * shape.from_pitch, to + first * shape.to_pitch);
  });
}

template <typename From, typename To>
void cast_any(const CastShape& shape, const From* from, To* to, cudaStream_t stream) {
  if (shape.rows == 0 || shape.columns == 0) return;
  const bool one_row = shape.rows == 1;
  const bool packs = shape.columns % 4 == 0 && (one_row || shape.from_pitch % 4 == 0) &&
                     (one_row || shape.to_pitch % 4 == 0) && aligned({from}, 4 * sizeof(From)) &&
                     aligned({to}, 4 * sizeof(To));
  if (packs) {
    launch_cast<4>(shape, from, to, stream);
  } else {
    launch_cast<1>(shape, from, to, stream);
  }
}

}  // namespace

void cast(const CastShape& shape, const float* from, Bf16* to, cudaStream_t stream) {
  cast_any(shape, from, to, stream);
}

void cast(const CastShape& shape, const Bf16* from, float* to, cudaStream_t stream) {
  cast_any(shape, from, to, stream);
}

void cast(const CastShape& shape, const float* from, float* to, cudaStream_t stream) {
  cast_any(shape, from, to, stream);
}

}  // namespace sluice
